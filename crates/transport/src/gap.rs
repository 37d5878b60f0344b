//! What was lost to a group: never silent.

use std::fmt;

use crate::{Group, Position, Topic};

/// How many, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Exactly so many.
    Exactly(u64),
    /// So many or more.
    AtLeast(u64),
    /// Nobody can tell.
    Unknown,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(n) => write!(f, "{n}"),
            Self::AtLeast(n) => write!(f, "{n} or more"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// Records that a group will never get: trimmed by others, evicted, or gone with the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The topic.
    pub topic: Topic,
    /// The group that lost them.
    pub group: Group,
    /// The last position before the gap, if known.
    pub after: Option<Position>,
    /// The first position after the gap, if known.
    pub until: Option<Position>,
    /// How many were lost.
    pub lost: Count,
    /// For people: how it was noticed.
    pub cause: String,
}
