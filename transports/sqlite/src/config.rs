//! Settings of the file.

use std::path::PathBuf;
use std::time::Duration;

/// What a publish that returned `Ok` survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// The loss of power: every acknowledged write is synced to the disk first.
    #[default]
    Full,
    /// The loss of any process. The last moments before a loss of power may be missing; the file
    /// stays whole.
    Normal,
}

/// Settings of a [`Sqlite`](crate::Sqlite) transport.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteConfig {
    /// The file. Its folder must exist, be writable, and lie on a local disk: WAL mode needs
    /// memory that all processes share. `PATH-wal`, `PATH-shm`, `PATH-lock` and `PATH-wake` are
    /// kept beside it.
    pub path: PathBuf,
    /// What a publish that returned `Ok` survives. Default: `Full`.
    pub durability: Durability,
    /// The file grows no further than this many bytes by publishing; then it returns `Full`. To hand
    /// out and to settle may take an eighth more. Default: none.
    pub max_bytes: Option<u64>,
    /// How long to wait for a turn to write before the answer is `Unavailable`. Default: 5 s.
    pub busy_timeout: Duration,
}

impl SqliteConfig {
    /// The defaults, for this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            durability: Durability::Full,
            max_bytes: None,
            busy_timeout: Duration::from_secs(5),
        }
    }

    /// Sets what a publish that returned `Ok` survives.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets how far the file may grow, in bytes.
    pub fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = Some(max_bytes);
        self
    }

    /// Sets how long to wait for a turn to write.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }
}
