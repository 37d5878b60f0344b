//! MySQL and MariaDB: a named lock, polling.

mod caller;
mod session;

pub(crate) use caller::{insert, prune, record};
pub(crate) use session::MySql;

/// The tables.
pub(crate) const SCHEMA: &str = include_str!("schema.sql");
