//! From a message to an event.

use bytes::Bytes;

use super::{CONTENT_TYPE, PREFIX};
use crate::binary::{Incoming, check_size};
use crate::http::Mode;
use crate::json;
use crate::{DecodeError, Event, Invalid, Limits};

/// Reads the event of a message; its `content-type` tells the mode.
///
/// Headers that are not of CloudEvents are passed over. In the binary mode extensions come as
/// String, since headers do not tell their types, but for `minorversion`, which is an Integer. A
/// `ce_datacontenttype` beside `content-type`, which some producers write, is taken if it says the
/// same. A value that declares JSON is kept as JSON, `text/*` and XML in UTF-8 as text, anything
/// else as bytes. The key of a message is no part of its event.
///
/// # Errors
/// [`DecodeError`] if headers and value together are too large, a header comes twice or cannot be
/// read, the value is in an event format that is not known here, or the message is not a
/// CloudEvents 1.0 event.
///
/// # Example
/// ```
/// use tidings_event::{Limits, kafka};
///
/// let headers = [
///     ("ce_specversion", "1.0"),
///     ("ce_id", "1234-1234-1234"),
///     ("ce_type", "com.example.someevent"),
///     ("ce_source", "/mycontext/subcontext"),
///     ("content-type", "application/json"),
/// ];
/// let event = kafka::decode(headers, Some(r#"{"a": 1}"#.into()), &Limits::default())?;
/// assert_eq!(event.event_type(), "com.example.someevent");
/// # Ok::<(), tidings_event::DecodeError>(())
/// ```
pub fn decode<N, V>(
    headers: impl IntoIterator<Item = (N, V)>,
    value: Option<Bytes>,
    limits: &Limits,
) -> Result<Event, DecodeError>
where
    N: AsRef<str>,
    V: AsRef<[u8]>,
{
    let headers: Vec<(N, V)> = headers.into_iter().collect();
    let borrowed = headers.iter().map(|(n, v)| (n.as_ref(), v.as_ref()));
    check_size(
        borrowed.clone(),
        value.as_ref().map_or(0, Bytes::len),
        limits,
    )?;
    let mut media_type = None;
    for (name, value) in borrowed.clone() {
        if name.eq_ignore_ascii_case(CONTENT_TYPE)
            && media_type.replace(text(name, value)?).is_some()
        {
            return Err(repeated(name).into());
        }
    }
    match Mode::of(media_type) {
        Mode::Structured => {
            let value = value.ok_or_else(empty)?;
            json::decode(&value, limits)
        }
        Mode::Binary => binary(borrowed, media_type, value, limits),
        Mode::Batch | Mode::Unsupported => Err(unknown_format().into()),
    }
}

fn binary<'a>(
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    media_type: Option<&str>,
    value: Option<Bytes>,
    limits: &Limits,
) -> Result<Event, DecodeError> {
    let mut message = Incoming::default();
    let mut attribute_of_data = None;
    for (header, value) in headers {
        let Some(attribute) = header.strip_prefix(PREFIX) else {
            continue;
        };
        let text = text(attribute, value)?;
        if attribute == "datacontenttype" {
            if attribute_of_data.replace(text).is_some() {
                return Err(repeated(attribute).into());
            }
            continue;
        }
        message.attribute(attribute, text.to_owned())?;
    }
    match (media_type, attribute_of_data) {
        (Some(declared), Some(attribute)) if !declared.eq_ignore_ascii_case(attribute) => {
            return Err(Invalid::new(
                "datacontenttype",
                "must not differ between `content-type` and `ce_datacontenttype`",
                "write the media type in the header `content-type` alone",
            )
            .into());
        }
        (Some(text), _) | (None, Some(text)) => {
            message.media_type(CONTENT_TYPE, text.to_owned())?;
        }
        (None, None) => {}
    }
    message.into_event(value, limits)
}

fn text<'a>(name: &str, value: &'a [u8]) -> Result<&'a str, Invalid> {
    str::from_utf8(value).map_err(|_| {
        Invalid::new(
            name,
            "must be UTF-8",
            "encode the header by section 3.2.3.2 of the Kafka binding",
        )
    })
}

fn repeated(name: &str) -> Invalid {
    Invalid::new(name, "comes more than once", "send every header once")
}

fn empty() -> Invalid {
    Invalid::new(
        "document",
        "is missing: the message has no value",
        "put the CloudEvents JSON object into the value, or send the event in binary mode",
    )
}

fn unknown_format() -> Invalid {
    Invalid::new(
        CONTENT_TYPE,
        "names an event format that cannot be read",
        "send one event as `application/cloudevents+json`, or in binary mode",
    )
}
