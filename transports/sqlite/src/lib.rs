//! Placeholder for the crate docs.
