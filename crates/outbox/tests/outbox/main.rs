//! The outbox, the inbox and the relay over real databases: PostgreSQL, MariaDB, SQLite.

mod enqueue;
mod faults;
mod inbox;
mod permits;
mod relay;
mod resending;
mod schema;
mod site;
mod waking;
