//! The forms in which events stand in a log.

mod decoder;
mod encode;
mod form;
mod message;
mod numbered;

pub use decoder::{Decoder, Reading, WantedSchema};
pub(crate) use encode::{Encoded, encode};
pub use form::{UnknownWire, Wire};
pub(crate) use numbered::{KeyAvro, Numbered};
