//! What a log says of its own health.

use std::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing; nothing to do.
    Info,
    /// Works now, and will hurt one day: look at it.
    Warning,
    /// Events are being lost, or will be, or the log cannot do its work.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing that [`Transport::diagnose`](crate::Transport::diagnose) found. Never holds a
/// payload or a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// A short stable name to filter by: `redis-eviction`, `sqlite-durability`, …
    pub code: &'static str,
    /// What was found, with the value that was seen, in a sentence for people.
    pub what: String,
    /// What to do about it; empty when there is nothing to do.
    pub remedy: String,
}

impl Finding {
    /// A finding.
    pub fn new(
        severity: Severity,
        code: &'static str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            code,
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}
