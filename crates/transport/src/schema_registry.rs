//! A registry that numbers schemas, beside the log.

use async_trait::async_trait;

use crate::{Result, Topic};

/// The part of a message that a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The key.
    Key,
    /// The value.
    Value,
}

/// Numbers the schemas of wires that name a schema by its id in every message, such as that of
/// Open edX on Kafka. What an id means never changes, so implementations remember what they have
/// been told: while the registry is away only what is new waits for it.
#[async_trait]
pub trait SchemaRegistry: Send + Sync {
    /// The id of a schema that messages of this topic are written with. `name` is the full name of
    /// its record, or of its type. Asking twice is harmless.
    ///
    /// # Errors
    /// A temporary one while the registry does not answer; `Invalid` when it refuses the schema,
    /// `Denied` when it refuses us.
    async fn register(&self, topic: &Topic, part: Part, name: &str, schema: &str) -> Result<u32>;

    /// The JSON of the schema with this id; `None` when the registry answers that it has none.
    ///
    /// # Errors
    /// A temporary one while the registry does not answer; `Denied` when it refuses us.
    async fn schema(&self, id: u32) -> Result<Option<String>>;
}
