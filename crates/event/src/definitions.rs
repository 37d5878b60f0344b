//! What is known about the types of events.

use std::sync::Arc;

use crate::KeyPath;
use crate::avro::Schema;

/// Looks up what is known about types of events. A catalog implements it; whoever encodes,
/// decodes or routes asks.
pub trait Definitions: Send + Sync {
    /// The definition of a type.
    ///
    /// With a minor version: that one and no other. Without: the newest.
    fn definition(&self, event_type: &str, minorversion: Option<i32>) -> Option<Arc<Definition>>;

    /// The Avro schema with a fingerprint: SHA-256 of its Parsing Canonical Form, as 64
    /// lower-case hex digits. See [`Schema::fingerprint`].
    fn schema(&self, fingerprint: &str) -> Option<Arc<Schema>>;
}

/// What is known about one version of a type.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Definition {
    /// The type, with its major version at the end.
    pub event_type: Box<str>,
    /// The minor version, from 0.
    pub minorversion: i32,
    /// Where in the payload the key stands, if events of this type have one.
    pub key_path: Option<KeyPath>,
    /// How Avro wires write the payload, if they may.
    pub schema: Option<Arc<Schema>>,
}

impl Definition {
    /// A definition that knows neither key nor schema.
    pub fn new(event_type: impl Into<Box<str>>, minorversion: i32) -> Self {
        Self {
            event_type: event_type.into(),
            minorversion,
            key_path: None,
            schema: None,
        }
    }

    /// The same definition with a key path.
    pub fn with_key_path(mut self, path: KeyPath) -> Self {
        self.key_path = Some(path);
        self
    }

    /// The same definition with an Avro schema.
    pub fn with_schema(mut self, schema: Arc<Schema>) -> Self {
        self.schema = Some(schema);
        self
    }
}

/// Knows nothing: for buses without a catalog.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDefinitions;

impl Definitions for NoDefinitions {
    fn definition(&self, _: &str, _: Option<i32>) -> Option<Arc<Definition>> {
        None
    }

    fn schema(&self, _: &str) -> Option<Arc<Schema>> {
        None
    }
}

impl<T: Definitions + ?Sized> Definitions for Arc<T> {
    fn definition(&self, event_type: &str, minorversion: Option<i32>) -> Option<Arc<Definition>> {
        (**self).definition(event_type, minorversion)
    }

    fn schema(&self, fingerprint: &str) -> Option<Arc<Schema>> {
        (**self).schema(fingerprint)
    }
}
