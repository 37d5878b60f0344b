//! What is in hand, and what it is on the server.

use tidings_transport::{Body, Key};

use crate::entry_id::EntryId;

/// What the last read for the active consumer brought, for the books of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LastRead {
    pub(crate) from: EntryId,
    pub(crate) count: usize,
    pub(crate) upto: EntryId,
}

impl LastRead {
    /// Nothing was read since the group stood here.
    pub(crate) fn nothing_since(at: EntryId) -> Self {
        Self {
            from: at,
            count: 0,
            upto: at,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) epoch: u64,
    pub(crate) attempts: u32,
}

#[derive(Debug)]
pub(crate) struct Released {
    pub(crate) attempts: u32,
    pub(crate) letter: EntryId,
    pub(crate) key: Option<Key>,
    /// It is redelivered, and its key need not be parked.
    pub(crate) again: bool,
}

/// A letter as it comes from the server.
#[derive(Debug)]
pub(crate) struct LetterArrival {
    pub(crate) letter: EntryId,
    pub(crate) position: EntryId,
    pub(crate) attempts: u32,
    pub(crate) key: Option<Key>,
    pub(crate) body: Body,
    pub(crate) again: bool,
}

/// What a delivery in hand is on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) lane: usize,
    pub(crate) epoch: u64,
    pub(crate) what: What,
    pub(crate) attempts: u32,
}

/// An entry of the topic, or a letter by its id in the dead-letter log: of a key that is being
/// released, or redelivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Live(EntryId),
    Released(EntryId),
    Redelivered(EntryId),
}

impl What {
    /// The id, of an entry of the topic.
    pub(crate) fn live(self) -> Option<EntryId> {
        match self {
            Self::Live(id) => Some(id),
            Self::Released(_) | Self::Redelivered(_) => None,
        }
    }
}

/// An entry as it comes from the server.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) id: EntryId,
    pub(crate) attempts: u32,
    pub(crate) key: Option<Key>,
    pub(crate) body: Body,
}
