//! Errors of Rust as exceptions of Python, one class per kind.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tidings::transport::{Error as TransportError, ErrorKind};
use tidings::{ConsumeError, OpenError, PublishError, PublishErrorKind};

/// The exception of a kind; `tidings.errors` has the classes.
pub(crate) fn raise(
    py: Python<'_>,
    kind: &str,
    message: impl Into<String>,
    temporary: bool,
    event_id: Option<&str>,
) -> PyErr {
    let make = || {
        let keywords = PyDict::new(py);
        keywords.set_item("is_temporary", temporary)?;
        keywords.set_item("event_id", event_id)?;
        let module = py.import("tidings.errors")?;
        module.call_method("make", (kind, message.into()), Some(&keywords))
    };
    match make() {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// What went wrong, without Python.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) temporary: bool,
    pub(crate) event_id: Option<String>,
}

impl Failure {
    pub(crate) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            temporary: false,
            event_id: None,
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new("invalid", message)
    }

    pub(crate) fn ending() -> Self {
        Self::new("closed", "the interpreter is ending")
    }

    pub(crate) fn no_threads(error: &std::io::Error) -> Self {
        let message = format!("the threads of tidings do not start: {error}");
        Self::new("failed", message)
    }

    pub(crate) fn temporary(mut self) -> Self {
        self.temporary = true;
        self
    }

    pub(crate) fn of(mut self, event_id: Option<&str>) -> Self {
        self.event_id = event_id.map(str::to_owned);
        self
    }

    pub(crate) fn raise(self, py: Python<'_>) -> PyErr {
        let id = self.event_id.as_deref();
        raise(py, self.kind, self.message, self.temporary, id)
    }
}

fn name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::UnknownOutcome => "unknown_outcome",
        ErrorKind::Stale => "stale",
        ErrorKind::NotParked => "not_parked",
        ErrorKind::NotFound => "not_found",
        ErrorKind::Invalid => "invalid",
        ErrorKind::Unsupported => "unsupported",
        ErrorKind::Denied => "denied",
        ErrorKind::Full => "full",
        ErrorKind::Corrupt => "corrupt",
        ErrorKind::Closed => "closed",
        _ => "failed",
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self {
            kind: name(error.kind()),
            message: error.to_string(),
            temporary: error.is_temporary(),
            event_id: None,
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let kind = match &error {
            OpenError::Transport { source, .. } => name(source.kind()),
            _ => "invalid",
        };
        Self {
            kind,
            message: error.to_string(),
            temporary: error.is_temporary(),
            event_id: None,
        }
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        let kind = match error.kind() {
            PublishErrorKind::Invalid => "invalid",
            PublishErrorKind::Profile(_) => "profile",
            PublishErrorKind::Catalog(_) => "catalog",
            PublishErrorKind::TooLarge { .. } => "too_large",
            PublishErrorKind::NoRoute => "no_route",
            PublishErrorKind::NoKey => "no_key",
            PublishErrorKind::Encoding => "encoding",
            PublishErrorKind::Transport(kind) => name(*kind),
            _ => "failed",
        };
        Self {
            kind,
            message: error.to_string(),
            temporary: error.is_temporary(),
            event_id: error.id().map(str::to_owned),
        }
    }
}

impl From<ConsumeError> for Failure {
    fn from(error: ConsumeError) -> Self {
        let kind = match &error {
            ConsumeError::Invalid { .. } => "invalid",
            ConsumeError::Transport { source, .. } => name(source.kind()),
            ConsumeError::GaveUp { .. } => "gave_up",
            ConsumeError::Stopped { .. } => "stopped",
            _ => "failed",
        };
        Self {
            kind,
            message: error.to_string(),
            temporary: error.is_temporary(),
            event_id: None,
        }
    }
}
