//! Which events exist: definitions that Tidings reads schemas and keys from.
//!
//! A [`Catalog`] is made of folders of Avro schemas and, if wanted, the events of Open edX,
//! which are built in. It implements [`Definitions`](tidings_event::Definitions), by which
//! everything else asks.
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
mod error;
mod file_name;
mod folder;
mod openedx;
#[cfg(test)]
mod tests;

pub use self::catalog::Catalog;
pub use self::error::{Error, ErrorKind, Result};
pub use tidings_event::openedx::UnknownSchema;
