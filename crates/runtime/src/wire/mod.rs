//! The forms in which events stand in a log.

mod decoder;
mod encode;
mod form;

pub use decoder::{Decoder, Reading};
pub(crate) use encode::{Encoded, encode};
pub use form::{UnknownWire, Wire};
