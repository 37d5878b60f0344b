//! What can be wrong with an entry, or with an event that shall become one.

use std::fmt;

use crate::avro;

/// `Result` with the wire's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The entry is of no known wire: neither `ce` nor `type` with `event_data`.
    Unrecognised,
    /// A field of the entry is not what it must be.
    Malformed,
    /// No definition has a schema for the type, or for its minor version.
    UnknownSchema,
    /// The entry names its schema by a fingerprint that no definition has. A schema store may:
    /// see [`Entry::fingerprint`](super::Entry::fingerprint).
    UnknownFingerprint,
    /// The entry names no schema, and the reader's setting is to refuse such entries.
    Unnamed,
    /// The payload and the schema do not fit each other; `source()` has the path.
    Payload,
    /// The event has an attribute that this wire cannot express.
    Unwritable,
}

/// An error of the Open edX wire. Its text never holds payloads or values of attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<avro::Error>,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(super) fn payload(message: impl Into<String>, source: avro::Error) -> Self {
        Self {
            kind: ErrorKind::Payload,
            message: message.into(),
            source: Some(source),
        }
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|e| e as _)
    }
}
