//! What a producer can be given.

use tidings_event::{Event, EventBuilder};

/// What a producer can be given: a finished [`Event`], which it leaves as it is, or an
/// [`EventBuilder`], to which its emitter adds what is missing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Draft {
    /// Finished.
    Event(Box<Event>),
    /// To be stamped.
    Builder(Box<EventBuilder>),
}

impl From<Event> for Draft {
    fn from(event: Event) -> Self {
        Self::Event(Box::new(event))
    }
}

impl From<EventBuilder> for Draft {
    fn from(builder: EventBuilder) -> Self {
        Self::Builder(Box::new(builder))
    }
}
