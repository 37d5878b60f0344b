//! What a log tells of itself. Observing changes nothing.

use std::time::Duration;

use jiff::Timestamp;

use crate::{Count, Group, Position, Topic};

/// A topic as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicInfo {
    /// Its full name.
    pub topic: Topic,
    /// How many records it holds.
    pub length: u64,
    /// The oldest record that is still there.
    pub first: Option<Position>,
    /// The newest record.
    pub last: Option<Position>,
    /// When the log received the newest record.
    pub last_received: Option<Timestamp>,
    /// What it occupies, in bytes, if the log can tell cheaply.
    pub bytes: Option<u64>,
}

/// How far a group is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// Records that are neither settled nor dead letters, those in flight included. Parked ones
    /// are dead letters, also while they are being released.
    pub events: Count,
    /// How long ago the log received the oldest of them; zero when there is none.
    pub age: Duration,
}

/// A group as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupInfo {
    /// Its name.
    pub group: Group,
    /// Everything up to here was handed out at least once, or is a dead letter.
    pub position: Position,
    /// How far it is behind.
    pub lag: Lag,
    /// Records handed out and not settled.
    pub pending: u64,
    /// When the log received the oldest of these.
    pub oldest_pending: Option<Timestamp>,
    /// The names for people of the consumers that live.
    pub consumers: Vec<String>,
    /// Records in the dead-letter log, parked ones included.
    pub dead_letters: u64,
    /// Keys that are parked or releasing.
    pub parked_keys: u64,
    /// Records lost to it since it was made, or since a person last acknowledged what it lost. With
    /// `Capability::GroupUpkeep`, what its consumer will be told only when it comes back is among them.
    pub lost: Count,
}

/// What to remove from a topic. `Default` removes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// Remove records received longer ago than this.
    pub max_age: Option<Duration>,
    /// Remove the oldest records beyond this many.
    pub max_len: Option<u64>,
    /// Remove the oldest beyond this many even if groups still need them.
    pub hard_max_len: Option<u64>,
    /// Groups without a sign of life for longer are not spared. Default: 7 days.
    pub group_ttl: Duration,
    /// Only say what would be removed.
    pub dry_run: bool,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            max_age: None,
            max_len: None,
            hard_max_len: None,
            group_ttl: Duration::from_secs(7 * 24 * 3600),
            dry_run: false,
        }
    }
}

/// What `trim` did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trimmed {
    /// Records removed.
    pub removed: u64,
    /// Records that the rules name, kept because a group still needs them or one before them.
    pub spared: u64,
    /// The active groups that have not settled all that the rules name, by name: for them it is
    /// spared, up to the hard cap.
    pub needed_by: Vec<Group>,
}
