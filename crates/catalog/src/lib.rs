//! Which events exist: definitions, what they promise, and whether a change keeps it.
//!
//! A [`Catalog`] is made of folders of definitions and, if wanted, the events of Open edX, which
//! are built in. An [`EventDefinition`] says of one event type what happened, who emits it, what
//! its payload looks like, and who reads what of it. The bus asks a catalog as
//! [`Definitions`](tidings_event::Definitions).
//!
//! # Example
//! ```
//! use tidings_catalog::Catalog;
//! use tidings_event::Definitions;
//!
//! let catalog = Catalog::openedx();
//! let definition = catalog
//!     .definition("org.openedx.learning.course.enrollment.created.v1", Some(0))
//!     .unwrap();
//! let schema = definition.schema.as_ref().unwrap();
//! assert!(catalog.schema(schema.fingerprint()).is_some());
//! ```

mod catalog;
mod definition;
mod draft;
mod error;
pub mod evolution;
mod file_name;
mod files;
pub mod lint;
mod load;
mod openedx;
mod payload;
mod source;
#[cfg(test)]
mod tests;

pub use self::catalog::Catalog;
pub use self::definition::{
    Accepted, Allowance, Consumer, Deprecation, EventDefinition, Example, Mapping, MappingError,
    Owner, Personal, Step,
};
pub use self::draft::{Draft, DraftField, InvalidField};
pub use self::error::{Error, ErrorKind, Problem, Result};
pub use self::payload::{AvroPayload, Field, FieldPath, JsonPayload, Payload};
pub use self::source::Location;
pub use tidings_event::Mismatch;
pub use tidings_event::openedx::UnknownSchema;
