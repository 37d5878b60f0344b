//! What a producer returns for an event that is in the log.

use tidings_transport::{Position, Topic};

/// The log has this event: it survives the loss of this process, and of the log's process
/// within the log's configured durability.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The event's id.
    pub id: String,
    /// The event's type. An event that is emitted in two major versions has a receipt for each;
    /// empty for an entry of a foreign wire.
    pub event_type: String,
    /// The full topic.
    pub topic: Topic,
    /// Where it stands there.
    pub position: Position,
}
