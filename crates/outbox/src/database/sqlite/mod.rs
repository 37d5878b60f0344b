//! SQLite: a lease row with an epoch, polling, one writer at a time.

mod caller;
mod lease;
mod lock;
mod session;

pub(crate) use caller::{insert, prune, record};
pub(crate) use session::Sqlite;
#[cfg(test)]
pub(crate) use session::{FINISH, READY};

/// The tables.
pub(crate) const SCHEMA: &str = include_str!("schema.sql");
