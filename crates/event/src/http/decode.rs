//! From an HTTP message in binary mode to an event.

use bytes::Bytes;

use super::header_value;
use crate::attribute::{Name, charset, is_json, is_text};
use crate::builder::invalid_time;
use crate::json::{check_depth, check_specversion, missing};
use crate::parts::Parts;
use crate::{Data, DecodeError, Event, Invalid, Json, Limits, Time, Value};

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
    let mut message = Incoming::default();
    let mut size = body.len();
    for (name, value) in headers {
        let (name, value) = (name.as_ref(), value.as_ref());
        size = size.saturating_add(name.len()).saturating_add(value.len());
        if size > limits.document {
            break;
        }
        message.add(name, value)?;
    }
    if size > limits.document {
        return Err(DecodeError::TooLarge {
            found: size,
            limit: limits.document,
        });
    }
    message.into_event(body, limits)
}

#[derive(Default)]
struct Incoming {
    specversion: Option<String>,
    id: Option<String>,
    source: Option<String>,
    event_type: Option<String>,
    time: Option<String>,
    rest: Parts,
}

impl Incoming {
    fn add(&mut self, header: &str, value: &[u8]) -> Result<(), Invalid> {
        if header.eq_ignore_ascii_case("content-type") {
            let text = str::from_utf8(value.trim_ascii()).map_err(|_| unreadable(header))?;
            return fill(&mut self.rest.datacontenttype, header, text.to_owned());
        }
        let Some(attribute) = attribute_of(header) else {
            return Ok(());
        };
        let text = header_value::decode(value).ok_or_else(|| unreadable(&attribute))?;
        let slot = match attribute.as_str() {
            "specversion" => &mut self.specversion,
            "id" => &mut self.id,
            "source" => &mut self.source,
            "type" => &mut self.event_type,
            "time" => &mut self.time,
            "subject" => &mut self.rest.subject,
            "dataschema" => &mut self.rest.dataschema,
            "datacontenttype" => {
                let remedy = "write the media type in the header `content-type` alone";
                return Err(Invalid::new(
                    &attribute,
                    "must not come as a `ce-` header",
                    remedy,
                ));
            }
            name => return self.add_extension(name, text),
        };
        fill(slot, &attribute, text)
    }

    fn add_extension(&mut self, name: &str, text: String) -> Result<(), Invalid> {
        if self.rest.extension(name).is_some() {
            return Err(repeated(name));
        }
        let value = Value::typed_by_name(name, text);
        self.rest.extensions.push((Name::new(name)?, value));
        Ok(())
    }

    fn into_event(self, body: Bytes, limits: &Limits) -> Result<Event, DecodeError> {
        let required = |value: Option<String>, name| value.ok_or_else(|| missing(name));
        check_specversion(&required(self.specversion, "specversion")?)?;
        let time = self
            .time
            .map(|text| Time::try_from(text).map_err(|_| invalid_time()));
        let mut parts = self.rest;
        parts.id = required(self.id, "id")?;
        parts.source = required(self.source, "source")?;
        parts.event_type = required(self.event_type, "type")?;
        parts.time = time.transpose()?;
        if !body.is_empty() {
            parts.data = Some(read_body(body, parts.datacontenttype.as_deref(), limits)?);
        }
        Ok(Event::from_parts(parts)?)
    }
}

/// The attribute that a header carries, if it is one of CloudEvents.
fn attribute_of(header: &str) -> Option<String> {
    let (prefix, name) = header.split_at_checked(3)?;
    prefix
        .eq_ignore_ascii_case("ce-")
        .then(|| name.to_ascii_lowercase())
}

fn fill(slot: &mut Option<String>, name: &str, text: String) -> Result<(), Invalid> {
    match slot.replace(text) {
        None => Ok(()),
        Some(_) => Err(repeated(name)),
    }
}

fn read_body(body: Bytes, media_type: Option<&str>, limits: &Limits) -> Result<Data, DecodeError> {
    let Some(media_type) = media_type else {
        return Ok(Data::Binary(body));
    };
    let utf8_declared = charset(media_type).is_none_or(|charset| {
        charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("us-ascii")
    });
    let text = str::from_utf8(&body).ok().filter(|_| utf8_declared);
    match text {
        Some(text) if is_json(media_type) => {
            let json = Json::new(text).map_err(|_| not_json())?;
            check_depth(json.as_str(), limits.depth)?;
            Ok(Data::Json(json))
        }
        None if is_json(media_type) && utf8_declared => Err(not_json().into()),
        Some(text) if is_text(media_type) => Ok(Data::Text(text.into())),
        _ => Ok(Data::Binary(body)),
    }
}

fn not_json() -> Invalid {
    let rule = "must be JSON in UTF-8, as `content-type` declares";
    Invalid::new(
        "data",
        rule,
        "check the body, or declare its real media type",
    )
}

fn repeated(name: &str) -> Invalid {
    Invalid::new(name, "comes more than once", "send every header once")
}

fn unreadable(name: &str) -> Invalid {
    let rule = "must be percent-encoded UTF-8";
    Invalid::new(
        name,
        rule,
        "encode the value by section 3.1.3.2 of the HTTP binding",
    )
}
