//! The metrics: a Prometheus registry as a value, and the series in it.
//!
//! Names and units follow the conventions of Prometheus, and every name begins with `tidings_`.
//! The table for people is in `docs/guides/watching-it.md`; a test holds it against
//! [`Metrics::descriptions`].

mod book;
mod consuming;
mod groups;
mod labels;
mod outbox;
mod publishing;
mod registry;
mod topics;
mod types;

pub use book::{Description, Kind};
pub use consuming::{Consuming, DeliverySeries, GroupSeries, TopicSeries};
pub use groups::Groups;
pub use outbox::{Outbox, OutboxState};
pub use publishing::{PublishSeries, Publishing};
pub use registry::Metrics;
pub use topics::Topics;
