//! Entries of a foreign wire that the caller has written.

use std::sync::Arc;

use bytes::Bytes;
use tidings_event::avro::Schema;
use tidings_transport::{Field, Key};

use crate::wire::KeyAvro;

/// An entry of a foreign wire, written by a caller that knows its wire better than an event's
/// JSON could say: field by field as it shall stand in the log.
///
/// `Debug` shows sizes, never content.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ForeignEntry {
    /// The event's id, for receipts and errors.
    pub id: String,
    /// What orders it; its field, if the wire has one, is among the fields.
    pub key: Option<Key>,
    /// The fields in their order.
    pub fields: Vec<Field>,
    /// What its readers need to find in the schema store before they see it.
    pub schema: Option<Arc<Schema>>,
    /// The key as Avro, if its wire on a log with headers has another key than a string.
    pub(super) key_avro: Option<KeyAvro>,
}

impl ForeignEntry {
    /// An entry without key and schema.
    pub fn new(id: impl Into<String>, fields: Vec<Field>) -> Self {
        Self {
            id: id.into(),
            key: None,
            fields,
            schema: None,
            key_avro: None,
        }
    }

    /// Sets what orders it.
    pub fn key(mut self, key: Option<Key>) -> Self {
        self.key = key;
        self
    }

    /// Sets the key as Avro by its own schema, for wires that write keys so.
    pub fn key_avro(mut self, schema: Arc<Schema>, avro: impl Into<Bytes>) -> Self {
        let avro = avro.into();
        self.key_avro = Some(KeyAvro { schema, avro });
        self
    }

    /// Sets what its readers need to find in the schema store.
    pub fn schema(mut self, schema: Arc<Schema>) -> Self {
        self.schema = Some(schema);
        self
    }
}
