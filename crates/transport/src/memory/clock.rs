//! One clock for leases and times, so that both follow tokio's (which tests may pause).

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Times are derived from tokio's clock and the wall time at the start: they never run backwards,
/// so the log is ordered by time as well as by position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    started: Instant,
    wall: Timestamp,
}

impl Clock {
    /// Far enough that nobody waits for it, near enough that adding to it cannot overflow.
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

    pub(super) fn start() -> Self {
        Self {
            started: Instant::now(),
            wall: Timestamp::now(),
        }
    }

    /// The time at an instant.
    pub(super) fn time(&self, at: Instant) -> Timestamp {
        self.wall
            .saturating_add(at.saturating_duration_since(self.started))
            .unwrap_or(Timestamp::MAX)
    }

    /// The instant of a time; the start for anything before it.
    pub(super) fn instant(&self, time: Timestamp) -> Instant {
        let ahead = Duration::try_from(time.duration_since(self.wall)).unwrap_or_default();
        self.started + ahead.min(Self::FAR)
    }
}
