//! What failed for good.

use jiff::Timestamp;

use crate::{Body, Group, Key, Position, Stored, Topic};

/// Why a delivery failed. Never holds a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// A short stable word to filter by: `handler`, `undecodable`, `timeout`, …
    pub class: String,
    /// For people. Bounded to 1,000 characters.
    pub message: String,
    /// When the first attempt failed.
    pub first_failure: Timestamp,
    /// When the last attempt failed.
    pub last_failure: Timestamp,
}

impl Reason {
    const MAX_MESSAGE: usize = 1_000;

    /// A failure that happened now, once. Cuts a message that is too long.
    pub fn new(class: impl Into<String>, message: impl Into<String>) -> Self {
        let now = Timestamp::now();
        let mut message = message.into();
        if let Some((cut, _)) = message.char_indices().nth(Self::MAX_MESSAGE) {
            message.truncate(cut);
        }
        Self {
            class: class.into(),
            message,
            first_failure: now,
            last_failure: now,
        }
    }

    /// Sets when the first attempt failed.
    pub fn since(mut self, first_failure: Timestamp) -> Self {
        self.first_failure = first_failure;
        self
    }
}

/// A record in the dead-letter log of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its place in the dead-letter log.
    pub id: Position,
    /// The topic it came from.
    pub topic: Topic,
    /// The group that failed on it.
    pub group: Group,
    /// Where it stood in the topic.
    pub position: Position,
    /// Its key.
    pub key: Option<Key>,
    /// How many handlers were started on it.
    pub attempts: u32,
    /// Why; `None` for a record that only waits behind a parked key, or was never given up.
    pub reason: Option<Reason>,
    /// Which consumer gave it up, by the name for people; empty where nobody did.
    pub consumer: String,
    /// Whether it waits for the release of its key.
    pub parked: bool,
    /// Whether it is to be handed to its group once more.
    pub redelivering: bool,
    /// The document or the raw fields, byte for byte.
    pub body: Body,
}

/// What a group is to be handed once more, by [`redeliver`](crate::Transport::redeliver).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redelivery {
    /// The dead letter of this id. For one that is being redelivered already nothing changes.
    DeadLetter(Position),
    /// A record of the topic, as [`read`](crate::Transport::read) returned it or with a body that
    /// says more. It becomes a record of the dead-letter log without a reason.
    Record(Stored),
}

/// In which state a parked key is. A key that is not parked is *clear*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParkedState {
    /// Its records wait for a person.
    Parked,
    /// Its records are handed out in order; arrivals still append.
    Releasing,
}

/// A key whose records wait in the dead-letter log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedKey {
    /// The key.
    pub key: Key,
    /// In which state it is.
    pub state: ParkedState,
    /// How many records wait.
    pub records: u64,
}
