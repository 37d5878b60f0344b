//! What a handler is given.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tidings_event::Event;
use tidings_transport::{Body, Delivery, Group, Key, Position, Topic};

use super::HandlerError;

/// One attempt at one event. Cheap to clone. `Debug` shows where it stands, never what it says.
#[derive(Clone)]
pub struct Message {
    pub(super) received: Arc<Received>,
    pub(super) attempt: u32,
}

/// A delivery with the event that it carries: counted once for all of it, since every attempt of every
/// worker takes a share.
pub(super) struct Received {
    pub(super) event: Event,
    pub(super) delivery: Arc<Delivery>,
    pub(super) group: Group,
    pub(super) key: Option<Key>,
}

impl Message {
    /// The event.
    pub fn event(&self) -> &Event {
        &self.received.event
    }

    /// The full topic it came from.
    pub fn topic(&self) -> &Topic {
        &self.received.delivery.topic
    }

    /// Where it stands in the topic.
    pub fn position(&self) -> &Position {
        &self.received.delivery.position
    }

    /// When the log received it, if the log knows.
    pub fn received(&self) -> Option<Timestamp> {
        self.received.delivery.received
    }

    /// The group that this consumer belongs to.
    pub fn group(&self) -> &Group {
        &self.received.group
    }

    /// The key whose lane it ran in.
    pub fn key(&self) -> Option<&Key> {
        self.received.key.as_ref()
    }

    /// Which attempt this is, from 1, counted across consumers and restarts.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether it is replayed: handed to this group once more by a person, who mends something.
    /// Handlers that send mail or money look at this.
    pub fn is_replay(&self) -> bool {
        self.event().extension(crate::REPLAY).is_some()
    }

    /// The payload as a value.
    ///
    /// # Errors
    /// A *permanent* failure, ready for `?` in a handler, when the payload is not JSON or does
    /// not fit the type. It says where, never what stands there.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HandlerError> {
        let data = self.event().data().and_then(|data| data.as_json());
        let Some(json) = data else {
            return Err(HandlerError::permanent("the payload is not JSON"));
        };
        serde_json::from_str(json).map_err(|e| {
            let (line, column) = (e.line(), e.column());
            HandlerError::permanent(format!(
                "the payload is not what the handler expects, line {line} column {column}"
            ))
        })
    }

    /// The event as a CloudEvents JSON document: byte for byte as published where the log has the
    /// canonical form, encoded anew where it came over a foreign wire.
    pub fn document(&self) -> Bytes {
        match &self.received.delivery.body {
            Body::Document(document) => document.clone(),
            Body::Fields(_) => self.event().to_json().into(),
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.event().id())
            .field("type", &self.event().event_type())
            .field("topic", self.topic())
            .field("position", self.position())
            .field("group", self.group())
            .field("attempt", &self.attempt)
            .finish()
    }
}
