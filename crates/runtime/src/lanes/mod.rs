//! Which delivery may run next: the scheduling core, without I/O, clocks or threads.
//!
//! Entries of one key stand in a *lane* and leave it one at a time, in the order they came;
//! entries without a key run freely. Whoever drives it reports what happened; the core only
//! keeps the books, which makes it possible to test it against a model.

mod entry;
mod limits;
mod queue;
#[cfg(test)]
mod tests;

pub(crate) use entry::Ticket;
pub(crate) use limits::Limits;
pub(crate) use queue::Lanes;
