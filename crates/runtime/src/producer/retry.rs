//! When a producer sends again by itself.

use std::time::Duration;

use tidings_transport::{Error as TransportError, ErrorKind};

use crate::Backoff;

/// When a producer sends again by itself.
///
/// By default it repeats what the log certainly did not store (the log was away, or full) with
/// backoff and full jitter, for 10 s. What may have been stored is repeated only if asked for:
/// a repeated event keeps its id, so consumers can tell, but they may see it twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishRetry {
    /// For how long, counted from the call; zero never repeats. Default: 10 s.
    pub deadline: Duration,
    /// The waits between. Default: 50 ms, growing to 2 s.
    pub backoff: Backoff,
    /// Whether an unknown outcome is repeated as well. Default: no.
    pub unknown_outcome: bool,
}

impl Default for PublishRetry {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            backoff: Backoff::new(Duration::from_millis(50), Duration::from_secs(2)),
            unknown_outcome: false,
        }
    }
}

impl PublishRetry {
    /// Never sends again by itself.
    pub fn never() -> Self {
        Self::default().deadline(Duration::ZERO)
    }

    /// Sets for how long.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the waits between.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Repeats unknown outcomes as well: better twice than perhaps never.
    pub fn and_unknown_outcomes(mut self) -> Self {
        self.unknown_outcome = true;
        self
    }

    /// Whether this failure is repeated, time permitting.
    pub(super) fn repeats(&self, error: &TransportError) -> bool {
        let unknown = error.kind() == ErrorKind::UnknownOutcome;
        error.is_temporary() && (self.unknown_outcome || !unknown)
    }
}
