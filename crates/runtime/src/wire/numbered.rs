//! Entries of Open edX for a log with headers, where every message names its schemas by number.

use std::sync::Arc;

use bytes::Bytes;
use tidings_event::avro::Schema;
use tidings_event::openedx::{KafkaSchemas, to_kafka};
use tidings_transport::{Body, Error, ErrorKind, Part, Record, Result, SchemaRegistry};

/// A key that is Avro of its own schema, instead of a string.
#[derive(Debug, Clone)]
pub(crate) struct KeyAvro {
    pub(crate) schema: Arc<Schema>,
    pub(crate) avro: Bytes,
}

/// Asks a registry for the numbers of a record's schemas, and makes a message of its entry.
pub(crate) struct Numbered<'a> {
    pub(crate) registry: &'a dyn SchemaRegistry,
    pub(crate) schema: &'a Schema,
    pub(crate) key: Option<&'a KeyAvro>,
}

impl Numbered<'_> {
    /// The body of the message. Asking again is harmless.
    pub(crate) async fn body(&self, record: &Record) -> Result<Body> {
        let Body::Fields(fields) = &record.body else {
            return Ok(record.body.clone());
        };
        let topic = &record.topic;
        let key = match (self.key, &record.key) {
            (Some(key), _) => Some((key.schema.name(), key.schema.json())),
            (None, Some(_)) => Some(("string", r#""string""#)),
            (None, None) => None,
        };
        let key = match key {
            Some((name, schema)) => {
                let registering = self.registry.register(topic, Part::Key, name, schema);
                registering.await?
            }
            // There is no key to frame.
            None => 0,
        };
        let (name, schema) = (self.schema.name(), self.schema.json());
        let registering = self.registry.register(topic, Part::Value, name, schema);
        let value = registering.await?;
        let fields = fields.iter().map(|field| (&*field.name, &*field.value));
        let avro = self.key.map(|key| &*key.avro);
        let message = to_kafka(fields, avro, KafkaSchemas { value, key })
            .map_err(|e| Error::new(ErrorKind::Invalid, "publish", e.to_string()))?;
        Ok(Body::Fields(super::message::fields_with_key(message)))
    }
}
