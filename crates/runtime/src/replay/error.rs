//! Why a replay ended early.

use tidings_transport::{Error as TransportError, Group, Start, Topic};

use super::Until;

/// Why a replay ended early. What was handed over before stays handed over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A fresh group was asked for, and it exists.
    #[error(
        "group {group} of {topic} exists, and a fresh one was asked for; name another, or replay to \
         the one that exists"
    )]
    GroupExists {
        /// The topic.
        topic: Topic,
        /// The group.
        group: Group,
    },
    /// Nothing can stand in the range.
    #[error("the replay ends at {until}, which comes before {from}, where it begins")]
    EndsBeforeItBegins {
        /// Where it begins.
        from: Start,
        /// Where it ends.
        until: Until,
    },
    /// The log refused something, or was away for too long.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl ReplayError {
    /// Whether starting again later, from where it ended, may help.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Transport(source) if source.is_temporary())
    }
}
