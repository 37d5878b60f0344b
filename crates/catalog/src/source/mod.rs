//! YAML and JSON files as trees that know where each of their parts stands.

mod fields;
mod location;
mod node;
mod parse;
mod scalar;

pub use location::Location;

pub(crate) use fields::{Fields, nearest};
pub(crate) use node::{Node, Shape, Source};
