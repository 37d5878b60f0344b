//! A log in memory, for tests and for one process.

/// A log in the memory of this process.
#[derive(Debug, Default)]
pub struct Memory;
