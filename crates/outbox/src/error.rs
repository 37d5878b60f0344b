//! One error type: a kind, what was tried, what came back, and whether to try again.

use std::error::Error as StdError;
use std::fmt;

use tidings_runtime::PublishError;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A URL or a setting breaks a rule; the message names it.
    Invalid,
    /// The event breaks a rule, or a column cannot hold it. [`StdError::source`] is the
    /// [`PublishError`] where the producer's checks refused it.
    Event,
    /// The tables are missing or have other columns: run `tidings outbox migrate`.
    NotMigrated,
    /// The database is away, starting, overloaded, or broke a deadlock. Temporary.
    Unavailable,
    /// The database refused the credentials or the operation.
    Denied,
    /// There is no such database or file.
    NotFound,
    /// Between this program and the database stands a pooler that breaks session locks.
    Pooler,
    /// The lock or the lease has passed to another relay. Temporary.
    Superseded,
    /// Anything else that trying again will not mend.
    Failed,
}

/// An error of the outbox, the inbox or the relay. Its text never holds payloads or secrets.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    operation: &'static str,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(
        kind: ErrorKind,
        operation: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            operation,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// An event that the producer's checks refused.
    pub(crate) fn event(source: PublishError) -> Self {
        Self::new(ErrorKind::Event, "enqueue", source.to_string()).with_source(source)
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What was tried: `enqueue`, `relay`, …
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// Whether the same call may succeed later. Retry code asks this and nothing else.
    pub fn is_temporary(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable | ErrorKind::Superseded)
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
