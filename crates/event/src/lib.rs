//! The CloudEvents envelope, the OEP-41 profile and the wire formats of Tidings.
//!
//! An [`Event`] is always valid CloudEvents 1.0: reading is liberal but never wrong, and payloads
//! pass through byte for byte. [`Emitter`] makes events that follow OEP-41 by default. No async,
//! no I/O.
//!
//! # Example
//! ```
//! use tidings_event::{Emitter, Event, Role};
//!
//! let emitter = Emitter::new("openedx", "discovery", Role::Web)?;
//! let event = emitter
//!     .event("org.openedx.catalog.course.created.v1")
//!     .partition_key("edX+DemoX")
//!     .data_json(r#"{"course_key": "edX+DemoX", "title": "Demonstration"}"#)
//!     .build()?;
//!
//! let received = Event::from_json(&event.to_json())?;
//! assert_eq!(received, event);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod avro;
pub mod http;
pub mod json;
pub mod kafka;
pub mod openedx;
pub mod profile;

mod attribute;
mod binary;
mod builder;
mod data;
mod definitions;
mod emitter;
mod error;
mod event;
mod id;
mod key_path;
mod limits;
mod majors;
mod parts;
mod payload_rules;

pub use attribute::{InvalidTime, Time, Value};
pub use builder::EventBuilder;
pub use data::{Data, Json};
pub use definitions::{Contract, Definition, Definitions, NoDefinitions};
pub use emitter::{Emitter, Occurrence, Role};
pub use error::{DecodeError, Invalid};
pub use event::Event;
pub use id::new_id;
pub use key_path::{InvalidKeyPath, KeyError, KeyPath, KeyProblem};
pub use limits::Limits;
pub use payload_rules::{Mismatch, PayloadRules};
