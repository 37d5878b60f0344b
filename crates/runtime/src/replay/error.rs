//! Why a replay ended early.

use tidings_transport::{Error as TransportError, Group, Topic};

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
