//! PostgreSQL: a session advisory lock, LISTEN and NOTIFY, arrays for batches.

mod caller;
mod session;
mod wake;

pub(crate) use caller::{insert, prune, record};
pub(crate) use session::Postgres;
pub(crate) use wake::listen;

/// The tables.
pub(crate) const SCHEMA: &str = include_str!("schema.sql");
