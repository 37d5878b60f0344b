//! The contract that every log adapter of Tidings fulfils, and the one in memory.
//!
//! A *transport* is an adapter to one log: memory, a SQLite file, Redis streams, later Kafka.
//! It carries [`Record`]s without decoding them: what is inside a body is the business of
//! `tidings-event` and of the runtime.
//!
//! The contract is two small traits, [`Transport`] and [`Subscriber`]. Their comments are
//! guarantees, numbered as in `ARCHITECTURE.md`; each is a test of `tidings-conformance`, which
//! every transport runs. What differs between logs is declared by [`Transport::capabilities`]
//! and nowhere else.

mod capability;
mod dead_letter;
mod delivery;
mod describe;
mod error;
mod finding;
mod gap;
mod group;
mod memory;
mod position;
mod process;
mod record;
mod schema_registry;
mod schema_store;
mod subscriber;
mod topic;
mod transport;

pub use capability::{Capabilities, Capability};
pub use dead_letter::{DeadLetter, ParkedKey, ParkedState, Reason, Redelivery};
pub use delivery::{Batch, Delivery, Follower, Outcome, Settlement};
pub use describe::{GroupInfo, Lag, Retention, TopicInfo, Trimmed};
pub use error::{Error, ErrorKind, Result};
pub use finding::{Finding, Severity};
pub use gap::{Count, Gap};
pub use group::{Group, Opened, Ordering, Seeked, Start, Subscription};
pub use memory::Memory;
pub use position::Position;
pub use process::LogProcess;
pub use record::{Body, Field, Key, Record, Stored};
pub use schema_registry::{Part, SchemaRegistry};
pub use schema_store::{SchemaId, SchemaStore};
pub use subscriber::{Subscriber, settle_then_start};
pub use topic::Topic;
pub use transport::Transport;
