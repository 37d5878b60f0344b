//! How the outbox stands, and what the relay did.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::book::{Book, Level};
use super::labels::Alone;

/// How the outbox stands, and what the relay of this process did. Without a relay there is no
/// series: a depth of 0 from those who do not look would be a lie.
#[derive(Debug)]
pub struct Outbox {
    depth: Family<Alone, Gauge>,
    oldest: Family<Alone, Level>,
    refused_rows: Family<Alone, Gauge>,
    active: Family<Alone, Gauge>,
    relayed: Family<Alone, Counter>,
    refused: Family<Alone, Counter>,
}

/// How an outbox stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxState {
    /// Rows that wait to be published.
    pub depth: u64,
    /// How long the oldest of them has waited.
    pub oldest: Duration,
    /// Rows set aside because the log refuses or does not permit them.
    pub refused: u64,
    /// Whether this process is the one that relays.
    pub active: bool,
}

impl Outbox {
    pub(super) fn register(book: &mut Book) -> Self {
        Self {
            depth: book.gauges(
                "outbox_depth",
                "Rows of the outbox that wait to be published",
            ),
            oldest: book.seconds(
                "outbox_oldest",
                "How long the oldest row of the outbox has waited to be published; 0 without one",
            ),
            refused_rows: book.gauges(
                "outbox_refused_rows",
                "Rows of the outbox that the log refused or does not permit, with their reason beside them",
            ),
            active: book.gauges(
                "relay_active",
                "1 while this process is the one that relays, 0 while it stands by",
            ),
            relayed: book.counters(
                "relayed",
                "Rows of the outbox that the log confirmed and that were then deleted or marked",
            ),
            refused: book.counters(
                "relay_refused",
                "Rows of the outbox that were set aside because the log refuses them for good",
            ),
        }
    }

    /// The outbox stands like this.
    pub fn set(&self, state: OutboxState) {
        let set = |family: &Family<Alone, Gauge>, n: u64| {
            let n = i64::try_from(n).unwrap_or(i64::MAX);
            family.get_or_create(&[]).set(n);
        };
        set(&self.depth, state.depth);
        set(&self.refused_rows, state.refused);
        set(&self.active, u64::from(state.active));
        let oldest = state.oldest.as_secs_f64();
        self.oldest.get_or_create(&[]).set(oldest);
    }

    /// Rows were relayed.
    pub fn relayed(&self, rows: u64) {
        self.relayed.get_or_create(&[]).inc_by(rows);
    }

    /// Rows were set aside.
    pub fn refused(&self, rows: u64) {
        self.refused.get_or_create(&[]).inc_by(rows);
    }
}
