//! Messages with headers, as fields of a body.

use std::sync::Arc;

use bytes::Bytes;
use tidings_event::kafka::{self, Message};
use tidings_event::openedx::{self, KafkaMessage};
use tidings_event::{DecodeError, Event, Limits};
use tidings_transport::Field;

/// A body of fields taken apart into a message.
pub(super) struct Parts<'a> {
    headers: Vec<(&'a str, &'a [u8])>,
    key: Option<&'a [u8]>,
    value: Option<&'a Bytes>,
}

impl<'a> Parts<'a> {
    /// `None` where the fields are no message of CloudEvents, but perhaps an entry.
    pub(super) fn of(fields: &'a [Field]) -> Option<Self> {
        let mut parts = Self {
            headers: Vec::with_capacity(fields.len()),
            key: None,
            value: None,
        };
        let mut is_message = false;
        for field in fields {
            match &*field.name {
                Field::VALUE => parts.value = Some(&field.value),
                Field::KEY => parts.key = Some(&field.value),
                name => {
                    is_message |= name == "ce_specversion";
                    parts.headers.push((name, &field.value));
                    continue;
                }
            }
            is_message = true;
        }
        is_message.then_some(parts)
    }

    /// The message, if its value is Avro that names its schema by an id of the registry.
    pub(super) fn numbered(&self) -> Option<openedx::Result<KafkaMessage<'a>>> {
        let headers = || self.headers.iter().copied();
        let value = self.value?;
        KafkaMessage::recognise(headers(), Some(value))
            .then(|| KafkaMessage::parse(headers(), self.key, value))
    }

    /// The event of a message in one of the modes of CloudEvents.
    pub(super) fn decode(&self) -> Result<Event, DecodeError> {
        let headers = self.headers.iter().copied();
        kafka::decode(headers, self.value.cloned(), &Limits::default())
    }
}

/// A message as fields; its key as well, unless it is plain text that the record has.
pub(super) fn fields(message: Message) -> Vec<Field> {
    let field = |name: &str, value: Bytes| Field {
        name: Arc::from(name),
        value,
    };
    let headers = message.headers.into_iter();
    let mut fields: Vec<_> = headers.map(|(name, value)| field(&name, value)).collect();
    fields.extend(message.value.map(|value| field(Field::VALUE, value)));
    fields
}

/// A message whose key is in a frame, as fields.
pub(super) fn fields_with_key(mut message: Message) -> Vec<Field> {
    let key = message.key.take();
    let mut fields = fields(message);
    if let Some(value) = key {
        // As the log hands it out: before the headers.
        let name = Arc::from(Field::KEY);
        fields.insert(0, Field { name, value });
    }
    fields
}
