//! The wire of Open edX: our codecs against the schemas and entries of the real packages.

mod avro;
mod entry;
mod fixtures;
mod fuzz;
mod kafka;
mod round_trip;
