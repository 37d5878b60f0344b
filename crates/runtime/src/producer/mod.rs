//! The producer: stamps, checks, routes, encodes, batches.

mod builder;
mod draft;
mod error;
mod foreign;
mod observation;
mod outlet;
mod preparation;
mod prepared;
mod profile;
mod publish;
mod receipt;
mod reported;
mod retry;
mod routing;
mod schema_shelf;
mod shared;
mod telling;

pub use builder::ProducerBuilder;
pub use draft::Draft;
pub use error::{PublishError, PublishErrorKind};
pub use foreign::ForeignEntry;
pub use observation::Operation;
pub use preparation::Preparation;
pub use prepared::Prepared;
pub use publish::Producer;
pub use receipt::Receipt;
pub use retry::PublishRetry;
pub use routing::Route;
