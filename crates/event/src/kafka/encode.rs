//! From an event to a message.

use bytes::Bytes;

use super::{CONTENT_TYPE, Message, Mode, PREFIX};
use crate::binary::{attributes, content_type, payload};
use crate::{Event, Invalid};

/// Writes an event as a message.
///
/// In the binary mode JSON without `datacontenttype` is declared as `application/json`, and
/// headers cannot tell the types of extensions.
///
/// # Errors
/// In the binary mode [`Invalid`] if the payload is text that declares a charset other than
/// UTF-8: an event holds text as UTF-8, and what it declared would be wrong for the value. Also if
/// `datacontenttype` is not ASCII.
///
/// # Example
/// ```
/// use tidings_event::{Event, kafka};
///
/// let event = Event::builder("com.example.made.v1")
///     .source("/shop")
///     .partition_key("order-7")
///     .data_json(r#"{"a": 1}"#)
///     .build()?;
/// let message = kafka::encode(&event, kafka::Mode::Binary)?;
/// assert_eq!(message.key.as_deref(), Some(&b"order-7"[..]));
/// assert_eq!(message.value.as_deref(), Some(&br#"{"a": 1}"#[..]));
/// # Ok::<(), tidings_event::Invalid>(())
/// ```
pub fn encode(event: &Event, mode: Mode) -> Result<Message, Invalid> {
    let key = event.extension("partitionkey");
    let key = key.map(|key| Bytes::from(key.text().into_owned()));
    let (headers, value) = match mode {
        Mode::Structured => {
            let declared = concat!("application/cloudevents+json", "; charset=UTF-8");
            let header = (
                CONTENT_TYPE.to_owned(),
                Bytes::from_static(declared.as_bytes()),
            );
            (vec![header], Some(event.to_json().into()))
        }
        Mode::Binary => {
            let mut headers: Vec<_> = attributes(event)
                .map(|(name, text)| (format!("{PREFIX}{name}"), text.into_owned().into()))
                .collect();
            if let Some(media_type) = content_type(event)? {
                headers.push((CONTENT_TYPE.to_owned(), media_type.to_owned().into()));
            }
            (headers, payload(event))
        }
    };
    Ok(Message {
        key,
        headers,
        value,
    })
}
