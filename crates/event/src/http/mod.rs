//! The HTTP binding of CloudEvents, free of any HTTP library: headers in, headers out.
//!
//! Follows *HTTP Protocol Binding for CloudEvents*, version 1.0.2. Binary mode is here; bodies
//! of the structured and batch modes are documents of [`json`](crate::json), and [`Mode::of`]
//! tells which one a message has.

mod decode;
mod encode;
mod header_value;
mod mode;

pub use decode::decode;
pub use encode::{Message, encode};
pub use mode::Mode;
