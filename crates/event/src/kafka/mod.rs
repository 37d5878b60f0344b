//! The Kafka binding of CloudEvents, free of any client library: headers and value in, headers and
//! value out.
//!
//! Follows *Kafka Protocol Binding for CloudEvents*, version 1.0.2, in the binary and the
//! structured mode; a value that is a JSON batch or of another event format is refused by name.
//! The key of a message is the event's `partitionkey`, which stays an attribute besides
//! (section 3.1).

mod decode;
mod encode;
pub mod frame;
mod message;

pub use decode::decode;
pub use encode::encode;
pub use message::{Message, Mode};

/// The header that declares the media type of the value.
pub const CONTENT_TYPE: &str = "content-type";

/// What stands before the names of attributes in headers.
pub const PREFIX: &str = "ce_";
