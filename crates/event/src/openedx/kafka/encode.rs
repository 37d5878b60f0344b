//! From an entry to a message.

use std::borrow::Cow;

use bytes::Bytes;

use super::{AVRO, DATACONTENTTYPE, EXACT_PREFIX, UNPREFIXED};
use crate::kafka::{CONTENT_TYPE, Message, PREFIX, frame};
use crate::openedx::entry::malformed;
use crate::openedx::{
    DATASCHEMA, EVENT_DATA, EXTENSION_PREFIX, Entry, ID, KEY, MINORVERSION, Result, SOURCE,
    SOURCEHOST, SOURCELIB, TIME, TYPE,
};

/// The ids that a registry has given to the schemas of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KafkaSchemas {
    /// The schema of the value.
    pub value: u32,
    /// The schema of the key.
    pub key: u32,
}

/// Writes an entry of the Redis wire, as [`encode`](crate::openedx::encode) makes it, as a message
/// of the Kafka wire.
///
/// The key is the entry's `key` as an Avro string, unless the caller has the Avro of a key of
/// another type.
///
/// # Errors
/// [`Malformed`](crate::openedx::ErrorKind::Malformed), when it is no entry.
pub fn to_kafka<'a>(
    fields: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    key: Option<&[u8]>,
    schemas: KafkaSchemas,
) -> Result<Message> {
    let fields: Vec<_> = fields.into_iter().collect();
    let entry = Entry::parse(fields.iter().copied())?;
    let mut headers = vec![
        header(PREFIX, "specversion", b"1.0"),
        header("", CONTENT_TYPE, AVRO.as_bytes()),
        header("", DATACONTENTTYPE, AVRO.as_bytes()),
    ];
    let mut data = None;
    for (name, value) in fields {
        match name {
            TYPE | ID | SOURCE | TIME | MINORVERSION => headers.push(header(PREFIX, name, value)),
            SOURCEHOST | SOURCELIB => headers.push(header("", name, value)),
            EVENT_DATA => data = Some(value),
            // The key is that of the message, and the frame names the schema.
            KEY | DATASCHEMA => {}
            _ => match name.strip_prefix(EXTENSION_PREFIX) {
                Some(name) if has_header(name) => headers.push(header(EXACT_PREFIX, name, value)),
                Some(name) => headers.push(header(PREFIX, name, value)),
                None => {}
            },
        }
    }
    let data = data.ok_or_else(|| malformed(EVENT_DATA, "is missing"))?;
    let key = key
        .map(Cow::Borrowed)
        .or_else(|| entry.key.map(|text| frame::string(text).into()));
    Ok(Message {
        key: key.map(|avro| frame::wrap(schemas.key, &avro).into()),
        headers,
        value: Some(frame::wrap(schemas.value, data).into()),
    })
}

/// Whether an attribute has a header of its own already, so that its exact text needs another.
pub(super) fn has_header(name: &str) -> bool {
    let own = [
        ID,
        SOURCE,
        TIME,
        TYPE,
        MINORVERSION,
        "specversion",
        "datacontenttype",
    ];
    own.contains(&name) || UNPREFIXED.contains(&name)
}

fn header(prefix: &str, name: &str, value: &[u8]) -> (String, Bytes) {
    (format!("{prefix}{name}"), Bytes::copy_from_slice(value))
}
