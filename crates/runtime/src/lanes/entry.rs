//! What stands in a lane.

use tokio::time::Instant;

/// Names an entry. A ticket of an entry that has left is recognised and ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

/// Where an entry is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Behind another of its lane.
    Waiting,
    /// May run; stands in the queue.
    Ready,
    /// Somebody works on it.
    Taken,
    /// Will be ready again then; its lane waits with it.
    Delayed(Instant),
}

pub(super) struct Entry<T> {
    pub(super) value: T,
    pub(super) bytes: usize,
    pub(super) state: State,
    pub(super) lane: Option<usize>,
    /// Neighbours in the lane, as slots.
    pub(super) before: Option<u32>,
    pub(super) behind: Option<u32>,
}

/// A place for an entry; the generation tells its tenants apart.
pub(super) struct Slot<T> {
    pub(super) generation: u32,
    pub(super) entry: Option<Entry<T>>,
}

/// The entries of one key, linked through their slots, so that a lane allocates nothing.
pub(super) struct Lane<K> {
    pub(super) key: K,
    pub(super) head: u32,
    pub(super) tail: u32,
    pub(super) depth: usize,
}
