//! What a definition says of its event.

mod consumer;
mod deprecation;
mod event;
mod example;
mod mapping;
mod owner;
mod personal;
mod read;
mod rules;

pub use consumer::{Accepted, Consumer};
pub use deprecation::Deprecation;
pub use event::{Allowance, EventDefinition};
pub use example::Example;
pub use mapping::{Mapping, MappingError, Step};
pub use owner::Owner;
pub use personal::Personal;

pub(crate) use read::{avro_payload, read};
