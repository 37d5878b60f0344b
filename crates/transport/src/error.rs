//! One error type: a kind, the operation, what came back, and whether to try again.

use std::error::Error as StdError;
use std::fmt;

/// `Result` with the transport's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in the terms of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The log is away, loading, or not writable just now. Temporary; nothing was stored.
    Unavailable,
    /// The log took the request and nobody can know what became of it. Temporary; may be stored.
    UnknownOutcome,
    /// The delivery or the lease has passed to somebody else.
    Stale,
    /// The key is not parked (any more): run the delivery.
    NotParked,
    /// No such topic, group or position.
    NotFound,
    /// An argument or a setting breaks a rule; the message names it.
    Invalid,
    /// This log has no such ability.
    Unsupported,
    /// The log refused the credentials or the operation.
    Denied,
    /// Disk, memory or quota of the log is exhausted. Temporary: it takes a person.
    Full,
    /// What is stored cannot be used: damaged, of a newer format, or of another kind.
    Corrupt,
    /// The subscriber or transport was closed.
    Closed,
    /// Anything else that trying again will not mend.
    Failed,
}

/// An error of a transport. Its text never holds payloads or secrets.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    operation: &'static str,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// What was tried, and what came back and what to do about it, in words for people.
    pub fn new(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            operation,
            message: message.into(),
            source: None,
        }
    }

    /// Adds the error underneath.
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What was tried: `publish`, `settle`, …
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// Whether the same call may succeed later. Retry code asks this and nothing else.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Unavailable | ErrorKind::UnknownOutcome | ErrorKind::Full
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}
