//! Records as Kafka messages, and positions as text.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use rdkafka::Message;
use rdkafka::message::{Header, Headers, OwnedHeaders};
use tidings_event::kafka::frame;
use tidings_transport::{Body, Error, ErrorKind, Field, Key, Position, Record, Result, Stored};

/// The header that says how the value is to be read, by the Kafka binding of CloudEvents.
const CONTENT_TYPE: &str = "content-type";
/// A structured event in JSON.
const STRUCTURED: &str = "application/cloudevents+json";

/// The headers and the value of a record; the field `apart` is no header of it.
pub(crate) fn message<'a>(body: &'a Body, apart: &str) -> (OwnedHeaders, Option<&'a [u8]>) {
    match body {
        Body::Document(document) => {
            let header = Header {
                key: CONTENT_TYPE,
                value: Some(concat!("application/cloudevents+json", "; charset=UTF-8")),
            };
            (
                OwnedHeaders::new_with_capacity(1).insert(header),
                Some(document),
            )
        }
        Body::Fields(fields) => {
            let mut headers = OwnedHeaders::new_with_capacity(fields.len());
            let mut value = None;
            for field in fields {
                if &*field.name == Field::VALUE {
                    value = Some(&field.value[..]);
                    continue;
                }
                if &*field.name == apart {
                    continue;
                }
                headers = headers.insert(Header {
                    key: &field.name,
                    value: Some(&field.value[..]),
                });
            }
            (headers, value)
        }
    }
}

/// The key of a record's message: the bytes that its body has, or else the text of its key.
pub(crate) fn key(record: &Record) -> Option<&[u8]> {
    let bytes = match &record.body {
        Body::Fields(fields) => fields.iter().find(|f| &*f.name == Field::KEY),
        Body::Document(_) => None,
    };
    let text = || record.key.as_ref().map(|key| key.as_str().as_bytes());
    bytes.map(|field| &field.value[..]).or_else(text)
}

/// Reads a message: a structured event is a document, anything else its headers and its value as
/// they are. Headers that begin with `skip` are left out.
pub(crate) fn body(message: &impl Message, skip: &str) -> Body {
    let headers = || message.headers().into_iter().flat_map(|h| h.iter());
    let structured = headers().any(|h| {
        let is = |v: &[u8]| {
            v.len() >= STRUCTURED.len()
                && v[..STRUCTURED.len()].eq_ignore_ascii_case(STRUCTURED.as_bytes())
        };
        h.key.eq_ignore_ascii_case(CONTENT_TYPE) && h.value.is_some_and(is)
    });
    let value = message.payload();
    if let (true, Some(value)) = (structured, value) {
        return Body::Document(Bytes::copy_from_slice(value));
    }
    let shown = headers().filter(|h| skip.is_empty() || !h.key.starts_with(skip));
    let mut fields: Vec<Field> = shown
        .map(|h| field(h.key, h.value.unwrap_or_default()))
        .collect();
    fields.extend(value.map(|value| field(Field::VALUE, value)));
    Body::Fields(fields)
}

fn field(name: &str, value: &[u8]) -> Field {
    Field {
        name: Arc::from(name),
        value: Bytes::copy_from_slice(value),
    }
}

/// Reads a message of a topic. Its key stands among the fields too, where it is not the text that
/// the record has.
pub(crate) fn stored(message: &impl Message) -> Stored {
    let text = message.key().and_then(frame::key_text);
    let mut body = body(message, "");
    if let Body::Fields(fields) = &mut body
        && let Some(bytes) = message.key()
        && text.as_ref().is_none_or(|text| text.as_bytes() != bytes)
    {
        fields.insert(0, field(Field::KEY, bytes));
    }
    Stored {
        position: position(message.partition(), message.offset()),
        received: received(message),
        key: text.map(Key::new),
        body,
    }
}

pub(crate) fn received(message: &impl Message) -> Option<Timestamp> {
    Timestamp::from_millisecond(message.timestamp().to_millis()?).ok()
}

/// The position of a record.
pub(crate) fn position(partition: i32, offset: i64) -> Position {
    // On the stack: every record has one. The longest are 11 and 20 characters.
    let mut text = [0_u8; 32];
    let mut rest = &mut text[..];
    let written = write!(rest, "{partition}:{offset}").map(|()| 32 - rest.len());
    let text = written
        .ok()
        .and_then(|n| std::str::from_utf8(&text[..n]).ok());
    Position::new(text.unwrap_or_default())
}

/// The position of a group or a reader: the last offset behind it, for each partition. `next` are
/// the offsets that come next.
pub(crate) fn positions(next: impl IntoIterator<Item = (i32, i64)>) -> Position {
    let each: Vec<_> = next
        .into_iter()
        .map(|(partition, next)| format!("{partition}:{}", next - 1))
        .collect();
    Position::new(each.join(","))
}

/// Partitions, each with the last offset that is behind.
pub(crate) fn parse(position: &Position, operation: &'static str) -> Result<Vec<(i32, i64)>> {
    let refuse = || refuse(position, operation);
    let mut found: Vec<(i32, i64)> = Vec::new();
    for each in position.as_str().split(',') {
        let (partition, offset) = pair(each).ok_or_else(refuse)?;
        if found.iter().any(|(p, _)| *p == partition) {
            return Err(refuse());
        }
        found.push((partition, offset));
    }
    Ok(found)
}

fn pair(text: &str) -> Option<(i32, i64)> {
    let (partition, offset) = text.split_once(':')?;
    let pair = (partition.parse().ok()?, offset.parse().ok()?);
    (pair.0 >= 0 && (-1..i64::MAX).contains(&pair.1)).then_some(pair)
}

/// Partition and offset of a record.
pub(crate) fn place(position: &Position, operation: &'static str) -> Result<(i32, i64)> {
    let first = position.as_str().split(',').next();
    first
        .and_then(pair)
        .ok_or_else(|| refuse(position, operation))
}

fn refuse(position: &Position, operation: &'static str) -> Error {
    let text = format!(
        "{:?} is no position on Kafka, such as 0:12 or 0:12,1:9 (partition:offset)",
        position.as_str()
    );
    Error::new(ErrorKind::Invalid, operation, text)
}
