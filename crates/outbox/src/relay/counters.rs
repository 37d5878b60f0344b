//! What the relay did so far and what it sees, readable at any time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::Status;

/// The running counts and gauges of a relay.
#[derive(Debug, Default)]
pub struct RelayCounters {
    connected: AtomicBool,
    active: AtomicBool,
    terms: AtomicU64,
    published: AtomicU64,
    refused: AtomicU64,
    held: AtomicU64,
    retried: AtomicU64,
    outages: AtomicU64,
    depth: AtomicU64,
    depth_exact: AtomicBool,
    oldest_micros: AtomicU64,
    refused_rows: AtomicU64,
    held_rows: AtomicU64,
}

/// What [`RelayCounters`] stood at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RelayCounts {
    /// Gauge: whether it has a session with the database, as the active one or as a standby.
    pub connected: bool,
    /// Gauge: whether this relay is the active one; otherwise it stands by.
    pub active: bool,
    /// Counter: how often this relay became the active one.
    pub terms: u64,
    /// Counter: events that the bus confirmed. Its growth is the rate.
    pub published: u64,
    /// Counter: rows that were refused for good and set aside.
    pub refused: u64,
    /// Counter: rows that were set to wait behind a refused one of their key.
    pub held: u64,
    /// Counter: publishes that failed, or whose fate is unknown, and were or will be repeated.
    pub retried: u64,
    /// Counter: rounds that ended, or could not begin, because the bus or the database was away.
    pub outages: u64,
    /// Gauge: rows that wait to be published, as last seen by the active relay.
    pub depth: u64,
    /// Whether `depth` was counted, or is an upper bound (beyond 100,000 rows).
    pub depth_exact: bool,
    /// Gauge: the age of the row that waits at the head; zero when none waits.
    pub oldest: Duration,
    /// Gauge: rows that stand aside because they were refused.
    pub refused_rows: u64,
    /// Gauge: rows that wait behind a refused one of their key.
    pub held_rows: u64,
}

impl RelayCounters {
    /// The counts now.
    pub fn snapshot(&self) -> RelayCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RelayCounts {
            connected: self.connected.load(Ordering::Relaxed),
            active: self.active.load(Ordering::Relaxed),
            terms: read(&self.terms),
            published: read(&self.published),
            refused: read(&self.refused),
            held: read(&self.held),
            retried: read(&self.retried),
            outages: read(&self.outages),
            depth: read(&self.depth),
            depth_exact: self.depth_exact.load(Ordering::Relaxed),
            oldest: Duration::from_micros(read(&self.oldest_micros)),
            refused_rows: read(&self.refused_rows),
            held_rows: read(&self.held_rows),
        }
    }

    pub(super) fn connected(&self) {
        self.connected.store(true, Ordering::Relaxed);
    }

    pub(super) fn begin_term(&self) {
        self.active.store(true, Ordering::Relaxed);
        self.terms.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end_term(&self) {
        self.active.store(false, Ordering::Relaxed);
        self.connected.store(false, Ordering::Relaxed);
    }

    pub(super) fn published(&self, n: usize) {
        self.published.fetch_add(n as u64, Ordering::Relaxed);
    }

    pub(super) fn refused(&self, n: usize) {
        self.refused.fetch_add(n as u64, Ordering::Relaxed);
    }

    pub(super) fn held(&self, n: usize) {
        self.held.fetch_add(n as u64, Ordering::Relaxed);
    }

    pub(super) fn retried(&self, n: usize) {
        self.retried.fetch_add(n as u64, Ordering::Relaxed);
    }

    pub(super) fn outage(&self) {
        self.outages.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn saw(&self, status: &Status) {
        self.depth.store(status.depth, Ordering::Relaxed);
        self.depth_exact
            .store(status.depth_exact, Ordering::Relaxed);
        let micros = status.oldest.unwrap_or_default().as_micros();
        self.oldest_micros
            .store(micros.try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
        self.refused_rows.store(status.refused, Ordering::Relaxed);
        self.held_rows.store(status.held, Ordering::Relaxed);
    }
}
