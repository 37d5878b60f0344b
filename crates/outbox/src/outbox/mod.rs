//! The outbox: events that leave with the caller's commit.

mod builder;
mod enqueue;

pub use builder::OutboxBuilder;
pub use enqueue::{Enqueued, Outbox};
