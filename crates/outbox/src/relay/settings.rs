//! How a relay works.

use std::time::Duration;

use tidings_runtime::Backoff;

/// How a relay works.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    /// Rows of a batch. Default: 1,000.
    pub(super) batch: usize,
    /// Bytes of a batch; at least one row. Default: 4 MiB.
    pub(super) batch_bytes: usize,
    /// The longest wait between two looks at an idle outbox. Default: 250 ms; 1 s where commits
    /// wake the relay.
    pub(super) poll: Option<Duration>,
    /// For how long published rows are kept in `tidings_outbox_published`. Default: deleted.
    pub(super) keep: Option<Duration>,
    /// How much of what was published last is published again after the log has lost its process.
    /// Default: nothing.
    pub(super) resend: Option<Duration>,
    /// How often a standby asks for the lock. Default: 1 s.
    pub(super) standby: Duration,
    /// How often the active relay confirms its lock. Default: 1 s.
    pub(super) heartbeat: Duration,
    /// The waits while the bus or the database is away. Default: 100 ms, growing to 5 s.
    pub(super) backoff: Backoff,
    /// For how long a database that is away at the start is waited for. Default: for ever.
    pub(super) give_up_after: Option<Duration>,
    #[cfg(feature = "sabotage")]
    pub(super) sabotage: Option<crate::Sabotage>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch: 1_000,
            batch_bytes: 4 * 1024 * 1024,
            poll: None,
            keep: None,
            resend: None,
            standby: Duration::from_secs(1),
            heartbeat: Duration::from_secs(1),
            backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(5)),
            give_up_after: None,
            #[cfg(feature = "sabotage")]
            sabotage: None,
        }
    }
}

impl Settings {
    /// For how long published rows are kept, if they are.
    pub(super) fn kept(&self) -> Option<Duration> {
        self.keep.or(self.resend)
    }

    /// Whether a bug was planted.
    #[cfg(feature = "sabotage")]
    pub(super) fn sabotaged(&self, bug: crate::Sabotage) -> bool {
        self.sabotage == Some(bug)
    }
}
