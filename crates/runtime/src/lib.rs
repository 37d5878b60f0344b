//! Producer and consumer of Tidings.
//!
//! A [`Producer`] stamps events, routes them by type to topics, finds their keys, encodes and
//! batches them, and returns a [`Receipt`] for each. A [`Consumer`] takes events of many topics
//! in hand, runs one lane per key up to its concurrency, tries again what fails, turns into dead
//! letters what fails for good, and drains when asked to stop. A [`Replay`] hands a part of a topic
//! to one group once more.
//!
//! Neither knows which log it talks to: both stand on `tidings_transport::Transport`. Most
//! programs get them from a `tidings::Bus`.

mod backoff;
mod consumer;
mod counters;
mod lanes;
mod namespace;
mod producer;
mod replay;
mod retention;
mod shutdown;
mod validation;
mod wire;

pub use backoff::Backoff;
pub use consumer::{
    Breaker, ConsumeError, Consumer, ConsumerBuilder, Handler, HandlerError, Message, OnFailure,
    RetryPolicy, Summary,
};
pub use counters::{Counters, Counts};
pub use namespace::Namespace;
pub use producer::{
    Draft, ForeignEntry, Operation, Preparation, Prepared, Producer, ProducerBuilder, PublishError,
    PublishErrorKind, PublishRetry, Receipt, Route,
};
pub use replay::{REPLAY, Replay, ReplayError, ReplayPlan, ReplayProgress, ReplaySummary, Until};
pub use retention::{RETAIN_EVERY, Retainer, RetentionPolicy};
pub use shutdown::shutdown_signal;
pub use validation::{CATALOG_RULES, catalog_violations};
pub use wire::{Decoder, Reading, UnknownWire, WantedSchema, Wire};
