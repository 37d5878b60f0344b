//! MySQL and MariaDB: a named lock, polling.

mod caller;
mod lock;
mod rows;
mod session;

pub(crate) use caller::{insert, prune, record};
pub(crate) use session::MySql;
#[cfg(test)]
pub(crate) use session::{FINISH, READY};

/// The tables.
pub(crate) const SCHEMA: &str = include_str!("schema.sql");
