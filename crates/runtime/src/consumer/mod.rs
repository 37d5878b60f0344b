//! The consumer: takes deliveries in hand, runs handlers on them, and settles them.
//!
//! ```text
//!  log --next--> fetch --> lanes --start--> workers --> outcomes --settle--> log
//!                            ^                 |
//!                            +---- delayed <---+ failed attempts
//! ```
//! A handler that fails for good has its message parked with its key, or skipped, or stops the
//! consumer; when everything fails the breaker opens, and only probes run.
//!
//! Fetching, starting and settling each have one call in flight and batch what gathers
//! meanwhile, so that batches grow with the load and nothing waits when there is none.

mod builder;
mod circuit;
mod error;
mod failure;
mod fetch;
mod follow;
mod guard;
mod hand;
mod handler;
mod heartbeat;
mod message;
mod observation;
mod outage;
mod pace;
mod parked;
mod policy;
mod run;
mod settings;
mod settle;
mod start;
mod summary;
mod work;

pub use builder::ConsumerBuilder;
pub use error::ConsumeError;
pub use handler::{Handler, HandlerError};
pub use message::Message;
pub use policy::{Breaker, OnFailure, RetryPolicy};
pub use run::Consumer;
pub use summary::Summary;
