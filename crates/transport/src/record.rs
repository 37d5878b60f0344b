//! What a log carries.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use smol_str::SmolStr;

use crate::{Position, Topic};

/// The entity an event is about; records of one key stay in order. Cheap to clone.
///
/// `Debug` hides it: keys are often names or addresses of people.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(SmolStr);

impl Key {
    /// Wraps a key.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(SmolStr::new(text))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} bytes)", self.0.len())
    }
}

/// A named part of a foreign wire: a field of a Redis entry, a header of a Kafka message.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    /// The name.
    pub name: Arc<str>,
    /// The value, as bytes.
    pub value: Bytes,
}

impl Field {
    /// Stands for the value of a message; no header has such a name.
    pub const VALUE: &str = ":value";
    /// Stands for the key of a message, if that is not simply the text of the record's
    /// [`Key`]; no header has such a name.
    pub const KEY: &str = ":key";
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({} bytes)", self.name, self.value.len())
    }
}

/// What stands in the log: opaque to transports. `Debug` shows sizes, never content.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// The canonical form: a CloudEvents JSON structured document, byte for byte as published.
    Document(Bytes),
    /// A foreign wire, as named fields in order. Requires `Capability::Fields`.
    Fields(Vec<Field>),
}

impl Body {
    /// The size of the content in bytes, names included.
    pub fn len(&self) -> usize {
        match self {
            Self::Document(document) => document.len(),
            Self::Fields(fields) => fields.iter().map(|f| f.name.len() + f.value.len()).sum(),
        }
    }

    /// Whether there is no content at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document(document) => write!(f, "Document({} bytes)", document.len()),
            Self::Fields(fields) => f.debug_tuple("Fields").field(fields).finish(),
        }
    }
}

/// A record to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where to.
    pub topic: Topic,
    /// What it is about; without a key nothing orders it.
    pub key: Option<Key>,
    /// What it says.
    pub body: Body,
}

/// A record as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Where it stands.
    pub position: Position,
    /// When the log received it, if the log knows.
    pub received: Option<Timestamp>,
    /// The key it was published with.
    pub key: Option<Key>,
    /// What it says.
    pub body: Body,
}
