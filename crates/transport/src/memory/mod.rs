//! A log in the memory of this process: for tests, for one process, and as the reference model
//! of the contract's semantics.
//!
//! One mutex guards everything ([`state`]); nothing awaits while it is held. Per topic there is
//! the [`log`] and per group, in [`group`], what is neither settled nor a dead letter: [`queue`]
//! says what may be handed out now, [`dead`] keeps what failed and what waits behind it, [`loss`]
//! what was trimmed away unread. [`settle`] is how a holding ends.

mod clock;
mod consumer;
mod dead;
mod faults;
mod group;
mod log;
mod loss;
mod queue;
mod redelivery;
mod settle;
mod state;
mod subscriber;
mod transport;

pub use transport::Memory;
