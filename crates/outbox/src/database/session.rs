//! What the relay and the commands ask of a database, in one screen.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;

use super::lock::Lock;
use super::row::{Place, RefusedRow, Row, Status};
use crate::Result;

/// How the reason of a row begins that the bus forbids for now: the relay tries it again by itself.
pub(crate) const FORBIDDEN: &str = "not permitted: ";

/// A table of the contract.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Table {
    Outbox,
    Published,
    Inbox,
}

impl Table {
    /// Names every column and returns nothing.
    pub(crate) fn probe(self) -> &'static str {
        match self {
            Self::Outbox => {
                "SELECT seq, id, topic, event_key, event, created_at, refused_at, reason
                 FROM tidings_outbox LIMIT 0"
            }
            Self::Published => {
                "SELECT seq, id, topic, event_key, event, created_at, published_at
                 FROM tidings_outbox_published LIMIT 0"
            }
            Self::Inbox => "SELECT group_name, source, id, done_at FROM tidings_inbox LIMIT 0",
        }
    }
}

/// One session with a database. Statements run on the connection that holds the lock, so that a
/// relay which lost it cannot go on.
#[async_trait]
pub(crate) trait Session: Lock {
    /// Makes the tables, where they are missing.
    async fn migrate(&mut self) -> Result<()>;

    /// Checks that a table is there with the columns of the contract.
    async fn check(&mut self, table: Table) -> Result<()>;

    /// The rows that can be seen and are ready, by number, after `after`.
    async fn ready(&mut self, after: i64, limit: usize) -> Result<Vec<Row>>;

    /// Deletes rows that were published, or moves them to the table of published rows.
    async fn finish(&mut self, seqs: &[i64], keep: bool) -> Result<()>;

    /// Sets rows aside, each with its reason.
    async fn refuse(&mut self, rows: &[(i64, String)]) -> Result<()>;

    /// Marks rows that wait behind a refused one: set aside without a reason.
    async fn hold(&mut self, seqs: &[i64]) -> Result<()>;

    /// The refused rows with a key, by number.
    async fn heads(&mut self) -> Result<Vec<(i64, Place)>>;

    /// The topics of refused rows whose reason begins with the words of [`FORBIDDEN`].
    async fn forbidden_topics(&mut self) -> Result<Vec<String>>;

    /// The first of those rows of a topic, by number.
    async fn forbidden(&mut self, topic: &str, limit: usize) -> Result<Vec<i64>>;

    /// Which of these rows are still refused.
    async fn still_refused(&mut self, seqs: &[i64]) -> Result<HashSet<i64>>;

    /// The keys of rows that wait behind a refused one.
    async fn held(&mut self) -> Result<Vec<(Place, u64)>>;

    /// Makes the rows of a key that waited ready again.
    async fn release(&mut self, place: &Place) -> Result<()>;

    /// The version of the tables, where they say one: those of a migration of the application's
    /// own need not.
    async fn version(&mut self) -> Result<Option<i64>>;

    /// How full the outbox is.
    async fn status(&mut self) -> Result<Status>;

    /// The refused rows after a number; `holds` is left to the caller.
    async fn refused(&mut self, after: i64, limit: usize) -> Result<Vec<RefusedRow>>;

    /// Makes refused rows ready again; how many.
    async fn retry(&mut self, seqs: &[i64]) -> Result<u64>;

    /// Deletes refused rows; how many.
    async fn discard(&mut self, seqs: &[i64]) -> Result<u64>;

    /// The rows that were published within so long before the last one, by number after `after`; none
    /// if the last one was published less than `since` ago.
    async fn published_last(
        &mut self,
        window: Duration,
        since: Duration,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Row>>;

    /// Notes that rows were published again.
    async fn published_again(&mut self, seqs: &[i64]) -> Result<()>;

    /// Deletes a batch of published rows older than this, but for those published within `last`
    /// before the last one; how many.
    async fn forget_published(&mut self, age: Duration, last: Duration) -> Result<u64>;

    /// Deletes a batch of inbox rows older than this; how many.
    async fn forget_done(&mut self, age: Duration) -> Result<u64>;
}
