//! Which form to write.

use std::fmt;
use std::str::FromStr;

/// The form in which events are written. Reading recognises every form by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Wire {
    /// The CloudEvents JSON document, byte for byte.
    #[default]
    Native,
    /// CloudEvents in the binary mode of the log's binding: attributes as headers and the payload
    /// as it is. Needs a log with `Capability::Headers`.
    Binary,
    /// What the Open edX packages read: attributes as fields and an Avro payload. Needs a
    /// definition with a schema for each type, and a log with `Capability::Fields`; on one with
    /// `Capability::Headers` also a schema registry.
    OpenEdx,
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::Binary => "binary",
            Self::OpenEdx => "openedx",
        })
    }
}

/// A text that names no wire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("wire {0:?} is not known; use native, binary or openedx")]
pub struct UnknownWire(String);

impl FromStr for Wire {
    type Err = UnknownWire;

    fn from_str(text: &str) -> Result<Self, UnknownWire> {
        match text {
            "native" => Ok(Self::Native),
            "binary" => Ok(Self::Binary),
            "openedx" => Ok(Self::OpenEdx),
            _ => Err(UnknownWire(text.chars().take(40).collect())),
        }
    }
}
