//! The bodies of the fuzz targets: plain functions over the public API, so that the crates' own
//! tests run them too, on any compiler. A body takes any input and panics only on a bug.

pub mod catalog;
pub mod envelope;
pub mod openedx;
