//! Tidings over one SQLite file: nothing to install, several processes at once.
//!
//! [`Sqlite`] fulfils the contract of `tidings-transport` with one file in WAL mode. Every process
//! opens the file itself; there is no server. What people find when they open the file with
//! `sqlite3` is described in `src/schema.sql`.
//!
//! * Whatever writes goes through one thread per handle, which commits what has gathered as one
//!   transaction, so that the cost of a sync is shared.
//! * Processes take turns to write by two lock files beside the database, because the lock of
//!   SQLite itself lets the quick starve the others. The locks only order the writers: SQLite
//!   alone keeps the data safe, so a frozen process cannot stop the rest by holding one.
//! * A commit that makes something deliverable touches `PATH-wake`; waiting consumers are told by
//!   the operating system, and look by themselves once a second in case it did not.
//!
//! ```no_run
//! # async fn f() -> tidings_transport::Result<()> {
//! use tidings_transport::Transport;
//! use tidings_transport_sqlite::{Sqlite, SqliteConfig};
//!
//! let bus = Sqlite::open(SqliteConfig::new("/var/lib/site/events.db"))?;
//! assert!(bus.ping().await?.starts_with("SQLite"));
//! # Ok(())
//! # }
//! ```

mod bundle;
mod claim;
mod config;
mod describe;
mod diagnose;
mod error;
mod fresh;
mod gap;
mod group;
mod hand;
mod job;
mod member;
mod parking;
#[cfg(test)]
mod plans;
mod publisher;
mod reader;
mod redelivery;
mod schema;
mod schema_store;
mod settle;
mod subscriber;
mod transport;
mod trim;
mod turn;
mod upkeep;
mod wake;
mod wire;
mod writer;

pub use config::{Durability, SqliteConfig};
pub use transport::Sqlite;
pub use upkeep::FileSize;
