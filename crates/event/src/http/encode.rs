//! From an event to an HTTP message in binary mode.

use std::fmt;

use bytes::Bytes;

use super::header_value;
use crate::binary::{attributes, content_type, payload};
use crate::{Event, Invalid};

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
    let mut headers: Vec<_> = attributes(event)
        .map(|(name, text)| (format!("ce-{name}"), header_value::encode(&text)))
        .collect();
    if let Some(media_type) = content_type(event)? {
        headers.push(("content-type".to_owned(), media_type.to_owned()));
    }
    let body = payload(event).unwrap_or_default();
    Ok(Message { headers, body })
}
