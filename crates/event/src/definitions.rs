//! What is known about the types of events.

use std::sync::Arc;

use crate::avro::Schema;
use crate::{KeyPath, PayloadRules};

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

    /// Where in the payload of a type's newest version the key stands.
    fn key_path(&self, event_type: &str) -> Option<KeyPath> {
        self.definition(event_type, None)?.key_path.clone()
    }

    /// The known type that a person may have meant; none by default.
    fn nearest(&self, event_type: &str) -> Option<Box<str>> {
        let _ = event_type;
        None
    }
}

/// What the bus asks of one version of a type, whoever keeps the definitions and however they are
/// written: to find topics and keys, to stamp, and to hold producers and consumers to it.
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
    /// The only service that emits it, if that is known.
    pub owner: Option<Box<str>>,
    /// The topics that it is published to, by their logical names.
    pub topics: Vec<Box<str>>,
    /// What JSON payloads of this version name as their `dataschema`.
    pub dataschema: Option<Box<str>>,
    /// What holds payloads against their schema.
    pub payload: Option<Arc<dyn PayloadRules>>,
    /// The previous major version, which is emitted too as long as it is defined; its payload is
    /// what [`PayloadRules::to_previous`] makes.
    pub previous: Option<Box<str>>,
    /// Who has declared to consume it.
    pub contracts: Vec<Contract>,
}

/// What a consumer has declared to need of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// The service that consumes.
    pub service: Box<str>,
    /// The minor version from which events have what it reads.
    pub minorversion: i32,
}

impl Definition {
    /// A definition that knows no more than its name.
    pub fn new(event_type: impl Into<Box<str>>, minorversion: i32) -> Self {
        Self {
            event_type: event_type.into(),
            minorversion,
            key_path: None,
            schema: None,
            owner: None,
            topics: Vec::new(),
            dataschema: None,
            payload: None,
            previous: None,
            contracts: Vec::new(),
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

    /// The same definition with the service that emits it.
    pub fn with_owner(mut self, service: impl Into<Box<str>>) -> Self {
        self.owner = Some(service.into());
        self
    }

    /// The same definition with a further topic.
    pub fn with_topic(mut self, topic: impl Into<Box<str>>) -> Self {
        self.topics.push(topic.into());
        self
    }

    /// The same definition with what its payloads name as their schema, an absolute URI.
    pub fn with_dataschema(mut self, uri: impl Into<Box<str>>) -> Self {
        self.dataschema = Some(uri.into());
        self
    }

    /// The same definition with rules for its payloads.
    pub fn with_payload(mut self, rules: Arc<dyn PayloadRules>) -> Self {
        self.payload = Some(rules);
        self
    }

    /// The same definition with the previous major version that is emitted with it.
    pub fn with_previous(mut self, event_type: impl Into<Box<str>>) -> Self {
        self.previous = Some(event_type.into());
        self
    }

    /// The same definition with a further consumer.
    pub fn with_contract(mut self, service: impl Into<Box<str>>, minorversion: i32) -> Self {
        self.contracts.push(Contract {
            service: service.into(),
            minorversion,
        });
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

    fn key_path(&self, event_type: &str) -> Option<KeyPath> {
        (**self).key_path(event_type)
    }

    fn schema(&self, fingerprint: &str) -> Option<Arc<Schema>> {
        (**self).schema(fingerprint)
    }

    fn nearest(&self, event_type: &str) -> Option<Box<str>> {
        (**self).nearest(event_type)
    }
}
