//! Events that leave with the commit, and take effect once.
//!
//! An [`Outbox`] writes events into a table inside the caller's own transaction; a [`Relay`]
//! publishes them after the commit, in order per key, and deletes them when the bus has them. An
//! [`Inbox`] records what a handler has done inside the handler's own transaction, so that a
//! second delivery does nothing. PostgreSQL, MySQL, MariaDB and SQLite.
//!
//! The tables are a public contract: `docs/guides/outbox.md`.

mod database;
mod error;
mod inbox;
mod outbox;
mod relay;
#[cfg(feature = "sabotage")]
mod sabotage;

pub use database::{Connection, Database, Examination, RefusedRow, SCHEMA_VERSION, Status};
pub use error::{Error, ErrorKind, Result};
pub use inbox::{Inbox, Sighting};
pub use outbox::{Enqueued, Outbox, OutboxBuilder};
pub use relay::{Relay, RelayCounters, RelayCounts};
#[cfg(feature = "sabotage")]
pub use sabotage::Sabotage;
