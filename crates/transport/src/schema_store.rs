//! Where the schemas of schema-less wires are kept beside the log.

use std::fmt;

use async_trait::async_trait;

use crate::Result;

/// The identity of an Avro schema: SHA-256 of its Parsing Canonical Form, as 64 hex digits.
/// On the wire it is `urn:tidings:avro:sha256:HEX`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SchemaId(String);

impl SchemaId {
    /// Takes 64 lower-case hex digits.
    pub fn new(hex: impl Into<String>) -> Option<Self> {
        let hex = hex.into();
        let valid = hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        valid.then_some(Self(hex))
    }

    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SchemaId({})", &self.0[..12])
    }
}

/// Keeps schemas by identity, for ever. Storing one twice is harmless.
#[async_trait]
pub trait SchemaStore: Send + Sync {
    /// Stores a schema's JSON before its first use.
    async fn put_schema(&self, id: &SchemaId, schema: &str) -> Result<()>;

    /// Fetches a schema's JSON; `None` when the store answers that it has none.
    async fn get_schema(&self, id: &SchemaId) -> Result<Option<String>>;
}
