//! What can be done with a bus without its log: checking settings, and events for an outbox.

use tidings::{Body, Bus, Draft, Event, Mode, Namespace, Preparation, Wire};

use crate::connection::Settings;
use crate::error::Failure;

/// A topic without its prefix, a key, and a document.
pub(crate) type Entry = (String, Option<String>, Vec<u8>);

/// A bus without its log, and what its producer does before anything is sent. It has no thread
/// and no connection, so forks may share it.
pub(crate) struct Rehearsal {
    bus: Bus,
    preparation: Preparation,
}

impl Rehearsal {
    pub(crate) fn new(settings: &Settings) -> Result<Self, Failure> {
        let mut bus = tidings::rehearse(&settings.url)?;
        if let Some(prefix) = &settings.prefix {
            bus = bus.with_namespace(Namespace::new(prefix.as_str())?);
        }
        if let Some(definitions) = settings.definitions(bus.definitions())? {
            bus = bus.with_definitions(definitions);
        }
        // An outbox holds documents and topics without a prefix, whatever the wire: the relay puts
        // the prefix before them, and writes the wire of the bus.
        let mut preparation = Preparation::new(bus.definitions().clone());
        let foreign = settings.wire.unwrap_or(bus.wire()) != Wire::Native;
        match settings.profile {
            Some(mode) => preparation = preparation.with_profile(mode),
            None if foreign => preparation = preparation.with_profile(Mode::Warn),
            None => {}
        }
        for (event_type, route) in &settings.routes {
            bus.topic(route.topic())?;
            preparation = preparation.with_routes(event_type, [route.clone()]);
        }
        Ok(Self { bus, preparation })
    }

    /// The full name of a topic.
    pub(crate) fn full_topic(&self, topic: &str) -> Result<String, Failure> {
        Ok(self.bus.topic(topic)?.as_str().to_owned())
    }

    /// What an outbox keeps of an event.
    pub(crate) fn prepare(&self, event: Event, topic: Option<&str>) -> Result<Vec<Entry>, Failure> {
        let draft = Draft::from(event);
        let prepared = match topic {
            Some(topic) => self.preparation.to(topic, draft)?,
            None => self.preparation.route(draft)?,
        };
        let entries = prepared
            .into_records()
            .into_iter()
            .map(|record| match record.body {
                Body::Document(document) => Ok((
                    record.topic.as_str().to_owned(),
                    record.key.map(|key| key.as_str().to_owned()),
                    document.to_vec(),
                )),
                _ => Err(Failure::new("failed", "an outbox holds documents only")),
            });
        entries.collect()
    }
}
