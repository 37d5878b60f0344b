//! The process that keeps a log.

use std::time::Duration;

/// The process that keeps a log, where one that ends may take with it records that it had
/// acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogProcess {
    /// Tells it from every other, before and after it.
    pub id: String,
    /// For how long it has been up, or less by at most a second: never more.
    pub up: Duration,
}

impl LogProcess {
    /// A process by its id, that has been up for so long.
    pub fn new(id: impl Into<String>, up: Duration) -> Self {
        let id = id.into();
        Self { id, up }
    }
}
