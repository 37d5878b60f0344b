//! The JSON formats of CloudEvents: structured and batch.
//!
//! Follows *JSON Event Format for CloudEvents*, version 1.0.2. The payload is neither parsed nor
//! re-encoded on its way through.

mod batch;
mod decode;
mod depth;
mod encode;
mod envelope;
mod line;

pub use batch::{decode_batch, encode_batch, split_batch};
pub use decode::{decode, decode_shared};
pub use encode::{encode, encode_into};
pub use line::single_line;

pub(crate) use decode::{check_specversion, missing};
pub(crate) use depth::check_depth;

/// The media type of one event.
pub const MEDIA_TYPE: &str = "application/cloudevents+json";

/// The media type of a batch.
pub const BATCH_MEDIA_TYPE: &str = "application/cloudevents-batch+json";
