//! What was committed, what took effect, what the log holds, and whether that agrees.

mod balance;
pub mod ledgers;
mod log;

use tidings::Bus;

use crate::database::Database;
use crate::stage::{APP, Stage, VIEW};
use crate::words::Result;

pub use balance::Balance;
use ledgers::Ledgers;
use log::Logged;

/// An event as a table knows it: its id, and the entity and its version unless it is poisoned.
pub type Entry = (String, Option<(String, i64)>);

/// Everything that is known after a run.
pub struct Books {
    /// Committed with its change, by the service that writes.
    written: Vec<Entry>,
    /// The versions of entities.
    versions: Vec<Entry>,
    /// Committed with its inbox row, by the service that consumes; in the order in which that was
    /// asked for.
    effects: Vec<Entry>,
    /// What the log has.
    log: Logged,
    /// What the log confirmed.
    ledgers: Ledgers,
    /// When the log was killed, where it does not keep its word then; else empty. Milliseconds of the
    /// Unix epoch.
    broken_words: Vec<i64>,
    /// Rows that are still in the outbox, and such as stand aside.
    outbox_rows: i64,
}

impl Books {
    /// Reads them, all from the servers themselves.
    pub async fn read(stage: &Stage, bus: &Bus, broken_words: Vec<i64>) -> Result<Self> {
        let mut app = Database::connect(&stage.database(APP)).await?;
        let mut view = Database::connect(&stage.database(VIEW)).await?;
        Ok(Self {
            written: app.rows("SELECT id, name, n FROM written").await?,
            versions: app
                .rows("SELECT name, name, version FROM entities ORDER BY name")
                .await?,
            effects: view
                .rows("SELECT id, name, n FROM effects ORDER BY seq")
                .await?,
            log: Logged::read(bus).await?,
            ledgers: Ledgers::read(stage.folder())?,
            broken_words,
            outbox_rows: app.number("SELECT count(*) FROM tidings_outbox").await?,
        })
    }

    /// Compares them.
    pub fn balance(&self) -> Balance {
        balance::balance(self)
    }
}
