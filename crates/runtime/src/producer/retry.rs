//! When a producer sends again by itself.

use std::time::Duration;

use tidings_transport::{Error as TransportError, ErrorKind};
use tokio::time::Instant;

use crate::Backoff;

/// What stands for a deadline that clocks cannot tell, such as `Duration::MAX`.
const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

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

    /// Until when a call that begins now is repeated.
    pub(super) fn until(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.deadline).unwrap_or(now + FOR_EVER)
    }

    /// Whether this failure is repeated, time permitting.
    pub(super) fn repeats(&self, error: &TransportError) -> bool {
        let unknown = error.kind() == ErrorKind::UnknownOutcome;
        error.is_temporary() && (self.unknown_outcome || !unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_ever_is_a_deadline() {
        let retry = PublishRetry::default().deadline(Duration::MAX);
        assert!(retry.until() > Instant::now() + Duration::from_secs(365 * 24 * 3600));
        assert!(PublishRetry::never().until() <= Instant::now());
    }
}
