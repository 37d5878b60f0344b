//! PostgreSQL: a session advisory lock, LISTEN and NOTIFY, arrays for batches.

mod caller;
mod lock;
mod session;
mod wake;

pub(crate) use caller::{insert, prune, record};
pub(crate) use session::Postgres;
#[cfg(test)]
pub(crate) use session::{FINISH, PLANNING, READY};
pub(crate) use wake::listen;

/// The tables.
pub(crate) const SCHEMA: &str = include_str!("schema.sql");
