//! Why a consumer ended without being asked.

use std::time::Duration;

use tidings_transport::{Error as TransportError, Group, Position, Topic};

/// Why a consumer ended without being asked. A program should exit non-zero on it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsumeError {
    /// A setting breaks a rule.
    #[error("consumer setting {setting}: {rule}")]
    Invalid {
        /// Which setting.
        setting: &'static str,
        /// The rule and how to keep it.
        rule: String,
        /// The error underneath, if there is one.
        #[source]
        source: Option<TransportError>,
    },
    /// The log refused something that trying again will not mend.
    #[error("group {group} cannot go on: {source}")]
    Transport {
        /// The group that was consumed.
        group: Group,
        /// What the log said.
        source: TransportError,
    },
    /// The log was away for longer than `give_up_after`.
    #[error("group {group} gave up after the log was away for {away:?}: {source}")]
    GaveUp {
        /// The group that was consumed.
        group: Group,
        /// How long nothing succeeded.
        away: Duration,
        /// The last failure.
        source: TransportError,
    },
    /// A message failed for good and the policy is `OnFailure::Stop`.
    #[error(
        "stopped at {topic} {position} (group {group}, event {id}, {attempts} attempts): {message}; \
         the message was given back and comes first when the consumer starts again"
    )]
    Stopped {
        /// The topic it came from.
        topic: Topic,
        /// The group that was consumed.
        group: Group,
        /// Where it stands in the topic.
        position: Position,
        /// The event's id.
        id: String,
        /// How many handlers were started on it.
        attempts: u32,
        /// What the last handler said.
        message: String,
    },
}

impl ConsumeError {
    /// Whether starting again later, unchanged, may help.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::GaveUp { .. } => true,
            Self::Transport { source, .. } => source.is_temporary(),
            Self::Invalid { .. } | Self::Stopped { .. } => false,
        }
    }
}
