//! Placeholder for the crate docs.

pub mod servers;
