//! From an event to an HTTP message in binary mode.

use std::fmt;

use bytes::Bytes;

use super::header_value;
use crate::attribute::charset;
use crate::event::SPECVERSION;
use crate::{Data, Event, Invalid};

/// The headers and the body of a message in binary mode. `Debug` shows names and sizes only.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Names in lower case and values in printable ASCII, but `content-type`, which is as the
    /// event has it.
    pub headers: Vec<(String, String)>,
    /// The payload; empty if there is none.
    pub body: Bytes,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Message")
            .field("headers", &names)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

/// Writes an event as a message in binary mode.
///
/// JSON without `datacontenttype` is declared as `application/json`. HTTP cannot tell an empty
/// payload from none, nor the types of extensions from text.
///
/// # Errors
/// [`Invalid`] if the payload is text that declares a charset other than UTF-8: an event holds
/// text as UTF-8, and what it declared would be wrong for the body. Also if `datacontenttype` is
/// not ASCII, since `content-type` is not percent-encoded.
pub fn encode(event: &Event) -> Result<Message, Invalid> {
    let mut headers = Vec::with_capacity(12);
    let mut add = |name: &str, text: &str| {
        headers.push((format!("ce-{name}"), header_value::encode(text)));
    };
    add("specversion", SPECVERSION);
    add("id", event.id());
    add("source", event.source());
    add("type", event.event_type());
    let optional = [
        ("subject", event.subject()),
        ("time", event.time().map(|time| time.as_str())),
        ("dataschema", event.dataschema()),
    ];
    for (name, text) in optional {
        if let Some(text) = text {
            add(name, text);
        }
    }
    for (name, value) in event.extensions() {
        add(name, &value.text());
    }
    if let Some(media_type) = content_type(event)? {
        headers.push(("content-type".to_owned(), media_type.to_owned()));
    }
    let body = match event.data() {
        Some(Data::Binary(bytes)) => bytes.clone(),
        Some(data) => Bytes::copy_from_slice(data.as_bytes()),
        None => Bytes::new(),
    };
    Ok(Message { headers, body })
}

fn content_type(event: &Event) -> Result<Option<&str>, Invalid> {
    let Some(media_type) = event.datacontenttype() else {
        let json = matches!(event.data(), Some(Data::Json(_)));
        return Ok(json.then_some("application/json"));
    };
    if !media_type.is_ascii() {
        let rule = "must be ASCII to become the header `content-type`";
        return Err(Invalid::new(
            "datacontenttype",
            rule,
            "leave other characters out",
        ));
    }
    let text = matches!(event.data(), Some(Data::Json(_) | Data::Text(_)));
    let utf8 = |charset: &str| {
        charset.eq_ignore_ascii_case("utf-8")
            || charset.eq_ignore_ascii_case("us-ascii") && event_is_ascii(event)
    };
    if text && !charset(media_type).is_none_or(utf8) {
        let rule = "must declare UTF-8 or no charset for a payload that is text";
        return Err(Invalid::new(
            "datacontenttype",
            rule,
            "carry other charsets as bytes",
        ));
    }
    Ok(Some(media_type))
}

fn event_is_ascii(event: &Event) -> bool {
    event.data().is_none_or(|data| data.as_bytes().is_ascii())
}
