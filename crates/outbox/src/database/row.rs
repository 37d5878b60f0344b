//! Rows of the outbox, as the crate sees them.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

/// A row to insert.
#[derive(Clone)]
pub struct NewRow {
    pub(crate) id: String,
    pub(crate) topic: String,
    pub(crate) key: Option<String>,
    pub(crate) document: String,
}

/// A row that waits to be published.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) seq: i64,
    pub(crate) topic: String,
    pub(crate) key: Option<String>,
    pub(crate) document: Bytes,
}

/// A topic and a key, whose events stay in order.
pub(crate) type Place = (String, String);

/// A row that the bus refused for good. It stands aside with its reason, and holds what came
/// after it in its key.
///
/// `Debug` hides the key: keys are often names or addresses of people.
#[derive(Clone)]
#[non_exhaustive]
pub struct RefusedRow {
    /// Its number.
    pub seq: i64,
    /// The event's id.
    pub id: String,
    /// The topic, without a prefix.
    pub topic: String,
    /// The key.
    pub key: Option<String>,
    /// When the relay set it aside.
    pub refused_at: Option<Timestamp>,
    /// Why, without payload.
    pub reason: String,
    /// How many later rows of its key wait behind it.
    pub holds: u64,
}

impl std::fmt::Debug for RefusedRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefusedRow")
            .field("seq", &self.seq)
            .field("id", &self.id)
            .field("topic", &self.topic)
            .field("refused_at", &self.refused_at)
            .field("reason", &self.reason)
            .field("holds", &self.holds)
            .finish_non_exhaustive()
    }
}

/// How full an outbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Status {
    /// Rows that wait to be published.
    pub depth: u64,
    /// Whether `depth` was counted: beyond 100,000 rows it is an upper bound from the numbers of
    /// the first and the last row.
    pub depth_exact: bool,
    /// The age of the row that waits at the head.
    pub oldest: Option<Duration>,
    /// Rows that were refused for good and stand aside (at most 100,000 are counted).
    pub refused: u64,
    /// Rows that wait behind a refused one of their key (at most 100,000 are counted).
    pub held: u64,
}

/// How an outbox stands, and whether it is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Examination {
    /// How full it is.
    pub status: Status,
    /// Whether a relay is active on it, of this program or of Django.
    pub relay_active: bool,
    /// The version of its tables. `None` where a migration of the application's own made them and
    /// says none.
    pub version: Option<i64>,
}

/// Beyond it nothing is counted row by row.
pub(crate) const COUNTED: i64 = 100_000;

impl Status {
    /// From what the statements of every database return.
    pub(crate) fn from_numbers(
        counted: i64,
        span: i64,
        oldest_micros: Option<i64>,
        refused: i64,
        held: i64,
    ) -> Self {
        let exact = counted <= COUNTED;
        let depth = if exact { counted } else { span.max(counted) };
        Self {
            depth: depth.try_into().unwrap_or(0),
            depth_exact: exact,
            // A clock that was set back is no age.
            oldest: oldest_micros.map(|age| Duration::from_micros(age.try_into().unwrap_or(0))),
            refused: refused.try_into().unwrap_or(0),
            held: held.try_into().unwrap_or(0),
        }
    }
}

/// Numbers as a JSON array: one statement for any count of them.
pub(crate) fn list(seqs: &[i64]) -> String {
    let numbers: Vec<String> = seqs.iter().map(ToString::to_string).collect();
    format!("[{}]", numbers.join(","))
}
