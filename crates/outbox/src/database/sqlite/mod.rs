//! SQLite: a lease row with an epoch, polling, one writer at a time.

mod caller;
mod session;

pub(crate) use caller::{insert, prune, record};
pub(crate) use session::Sqlite;

/// The tables.
pub(crate) const SCHEMA: &str = include_str!("schema.sql");
