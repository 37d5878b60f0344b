//! From an HTTP message in binary mode to an event.

use bytes::Bytes;

use super::header_value;
use crate::binary::{Incoming, check_size};
use crate::{DecodeError, Event, Invalid, Limits};

/// Reads the event of a message in binary mode. Names of headers may have any case; headers that
/// are not of CloudEvents are passed over.
///
/// Extensions come as String, since headers do not tell their types, but for `minorversion`,
/// which is an Integer. An empty body is no payload. A body that declares JSON is kept as JSON,
/// `text/*` and XML in UTF-8 as text, anything else as bytes.
///
/// # Errors
/// [`DecodeError`] if headers and body together are too large, a header comes twice or cannot
/// be read, or the message is not a CloudEvents 1.0 event.
///
/// # Example
/// ```
/// use tidings_event::{Limits, http};
///
/// let headers = [
///     ("Ce-Specversion", "1.0"),
///     ("Ce-Id", "1234-1234-1234"),
///     ("Ce-Type", "com.example.someevent"),
///     ("Ce-Source", "/mycontext/subcontext"),
///     ("Content-Type", "application/json; charset=utf-8"),
/// ];
/// let event = http::decode(headers, r#"{"a": 1}"#, &Limits::default())?;
/// assert_eq!(event.event_type(), "com.example.someevent");
/// # Ok::<(), tidings_event::DecodeError>(())
/// ```
pub fn decode<N, V>(
    headers: impl IntoIterator<Item = (N, V)>,
    body: impl Into<Bytes>,
    limits: &Limits,
) -> Result<Event, DecodeError>
where
    N: AsRef<str>,
    V: AsRef<[u8]>,
{
    let body = body.into();
    let headers: Vec<(N, V)> = headers.into_iter().collect();
    let borrowed = headers.iter().map(|(n, v)| (n.as_ref(), v.as_ref()));
    check_size(borrowed.clone(), body.len(), limits)?;
    let mut message = Incoming::default();
    for (name, value) in borrowed {
        add(&mut message, name, value)?;
    }
    // HTTP cannot tell an empty payload from none.
    message.into_event(Some(body).filter(|body| !body.is_empty()), limits)
}

fn add(message: &mut Incoming, header: &str, value: &[u8]) -> Result<(), Invalid> {
    if header.eq_ignore_ascii_case("content-type") {
        let text = str::from_utf8(value.trim_ascii()).map_err(|_| unreadable(header))?;
        return message.media_type(header, text.to_owned());
    }
    let Some(attribute) = attribute_of(header) else {
        return Ok(());
    };
    let text = header_value::decode(value).ok_or_else(|| unreadable(&attribute))?;
    if attribute == "datacontenttype" {
        let remedy = "write the media type in the header `content-type` alone";
        return Err(Invalid::new(
            &attribute,
            "must not come as a `ce-` header",
            remedy,
        ));
    }
    message.attribute(&attribute, text)
}

/// The attribute that a header carries, if it is one of CloudEvents.
fn attribute_of(header: &str) -> Option<String> {
    let (prefix, name) = header.split_at_checked(3)?;
    prefix
        .eq_ignore_ascii_case("ce-")
        .then(|| name.to_ascii_lowercase())
}

fn unreadable(name: &str) -> Invalid {
    let rule = "must be percent-encoded UTF-8";
    Invalid::new(
        name,
        rule,
        "encode the value by section 3.1.3.2 of the HTTP binding",
    )
}
