//! What happened so far, readable at any time.

use std::sync::atomic::{AtomicU64, Ordering};

/// The running counts of a producer or consumer. Only ever grow.
#[derive(Debug, Default)]
pub struct Counters {
    pub(crate) published: AtomicU64,
    pub(crate) publish_failed: AtomicU64,
    pub(crate) received: AtomicU64,
    pub(crate) delivered: AtomicU64,
    pub(crate) retried: AtomicU64,
    pub(crate) dead: AtomicU64,
    pub(crate) parked: AtomicU64,
    pub(crate) followed: AtomicU64,
    pub(crate) parked_full: AtomicU64,
    pub(crate) breaker_opened: AtomicU64,
    pub(crate) probes: AtomicU64,
    pub(crate) stale: AtomicU64,
    pub(crate) gaps: AtomicU64,
}

/// What [`Counters`] stood at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Records that the log confirmed, one for each topic of an event.
    pub published: u64,
    /// Publishes that ended in an error.
    pub publish_failed: u64,
    /// Deliveries taken in hand.
    pub received: u64,
    /// Deliveries whose handler succeeded and whose acknowledgement the log confirmed.
    pub delivered: u64,
    /// Attempts that failed and were, or will be, repeated.
    pub retried: u64,
    /// Deliveries whose dead letter the log confirmed, those that parked a key left out.
    pub dead: u64,
    /// Deliveries that failed for good and parked their key.
    pub parked: u64,
    /// Deliveries that were put behind a parked key, where the log does not do that by itself.
    pub followed: u64,
    /// How often a key was to be parked and there was no room for it.
    pub parked_full: u64,
    /// How often the breaker opened.
    pub breaker_opened: u64,
    /// Attempts made to find out whether everything still fails.
    pub probes: u64,
    /// Deliveries that passed to another consumer while they were in hand.
    pub stale: u64,
    /// Gaps reported: each is a loss of one or more records.
    pub gaps: u64,
}

impl Counters {
    /// The counts now.
    pub fn snapshot(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            published: read(&self.published),
            publish_failed: read(&self.publish_failed),
            received: read(&self.received),
            delivered: read(&self.delivered),
            retried: read(&self.retried),
            dead: read(&self.dead),
            parked: read(&self.parked),
            followed: read(&self.followed),
            parked_full: read(&self.parked_full),
            breaker_opened: read(&self.breaker_opened),
            probes: read(&self.probes),
            stale: read(&self.stale),
            gaps: read(&self.gaps),
        }
    }

    pub(crate) fn add(counter: &AtomicU64, n: usize) {
        counter.fetch_add(n as u64, Ordering::Relaxed);
    }
}
