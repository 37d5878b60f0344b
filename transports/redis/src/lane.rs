//! One topic of a consumer, as its background task sees it.

use tokio::time::Instant;

use crate::entry_id::EntryId;
use crate::held::Arrival;

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
    /// How large its entries were at the last read that brought some, on average.
    entry_bytes: Option<usize>,
}

/// The most that one answer should carry. While the server hands out more, what handlers wait for stands
/// behind it: events of 60 KB by five hundreds keep it busy for 25 ms each time. Less than this is dear, since
/// the look before each read has the server copy two entries (`XINFO STREAM`).
const ANSWER_BYTES: usize = 2 * 1024 * 1024;

/// The most to ask a topic for that has brought nothing yet, so that nobody knows how large its entries are.
const UNKNOWN: usize = 64;

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
            entry_bytes: None,
        }
    }

    /// How many entries to ask for where so many are wanted, by the size that they had.
    pub(crate) fn fitting(&self, wanted: usize) -> usize {
        let fit = match self.entry_bytes {
            None => UNKNOWN,
            Some(bytes) => ANSWER_BYTES / bytes.max(1),
        };
        wanted.min(fit).max(1)
    }

    /// What a read has brought.
    pub(crate) fn brought(&mut self, arrivals: &[Arrival]) {
        let bytes: usize = arrivals.iter().map(|arrival| arrival.body.len()).sum();
        if !arrivals.is_empty() {
            self.entry_bytes = Some(bytes / arrivals.len());
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tidings_transport::Body;

    use super::*;

    fn arrivals(sizes: &[usize]) -> Vec<Arrival> {
        let arrival = |size: &usize| Arrival {
            id: EntryId::default(),
            attempts: 0,
            key: None,
            body: Body::Document(Bytes::from(vec![b'x'; *size])),
        };
        sizes.iter().map(arrival).collect()
    }

    #[test]
    fn large_entries_are_asked_for_by_fewer() {
        let mut lane = Lane::new(EntryId::default(), 1);
        assert_eq!(lane.fitting(500), 64, "nothing is known yet");
        lane.brought(&arrivals(&[60 * 1024; 10]));
        assert_eq!(lane.fitting(500), 34);
        assert_eq!(lane.fitting(3), 3);
        lane.brought(&[]);
        assert_eq!(lane.fitting(500), 34, "an empty read says nothing");
        lane.brought(&arrivals(&[8 * 1024 * 1024]));
        assert_eq!(lane.fitting(500), 1, "one always");
        lane.brought(&arrivals(&[500, 600]));
        assert_eq!(lane.fitting(500), 500);
    }
}
