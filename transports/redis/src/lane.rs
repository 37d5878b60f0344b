//! One topic of a consumer, as its background task sees it.

use tokio::time::Instant;

use crate::entry_id::EntryId;

/// Where the task stands in a topic.
#[derive(Debug)]
pub(crate) struct Lane {
    /// When to show a sign of life, and to renew or try for the lease.
    pub(crate) tend_at: Instant,
    /// When to look for entries that others hold for too long.
    pub(crate) sweep_at: Instant,
    /// When to remove dead consumers.
    pub(crate) bury_at: Instant,
    /// The lease was free at the last look, although others have room for it.
    pub(crate) free_seen: bool,
    /// How many consumers of the group live.
    pub(crate) alive: u64,
    /// Takes nothing new any more, so that another consumer can have the topic.
    pub(crate) yielding: bool,
    /// New entries come after this one.
    pub(crate) wait_from: EntryId,
    /// Bells that were heard.
    pub(crate) bell_from: EntryId,
    /// There may be new entries.
    pub(crate) more: bool,
    /// How often the group was made anew since it was last seen whole.
    pub(crate) recoveries: u32,
    /// A walk through what was handed out and not settled.
    pub(crate) sweep: Option<Sweep>,
}

/// How far it has come.
#[derive(Debug, Clone)]
pub(crate) struct Sweep {
    /// As `XPENDING` takes it.
    pub(crate) from: String,
    /// Only what is idle for so long; 0 takes over everything, before anything new.
    pub(crate) idle_ms: u64,
}

impl Lane {
    pub(crate) fn new(position: EntryId, alive: u64) -> Self {
        let now = Instant::now();
        Self {
            tend_at: now,
            sweep_at: now,
            bury_at: now,
            free_seen: false,
            alive,
            yielding: false,
            wait_from: position,
            bell_from: EntryId::default(),
            more: true,
            recoveries: 0,
            sweep: None,
        }
    }

    /// Begins to walk, unless a walk through everything is under way.
    pub(crate) fn begin_sweep(&mut self, idle_ms: u64) {
        if self.sweep.as_ref().is_none_or(|s| s.idle_ms > 0) {
            self.sweep = Some(Sweep {
                from: "-".into(),
                idle_ms,
            });
        }
    }
}
