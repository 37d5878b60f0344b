//! What can be done with a bus without its log: checking settings, and events for an outbox.

use tidings::{Body, Bus, Draft, Event, EventBuilder, Mode, Namespace, Preparation, Wire};

use crate::connection::Settings;
use crate::error::Failure;

/// What an outbox keeps of an event for one topic.
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) event_type: String,
    /// Without its prefix.
    pub(crate) topic: String,
    pub(crate) key: Option<String>,
    pub(crate) document: Vec<u8>,
}

/// A bus without its log, and what its producer does before anything is sent. It has no thread
/// and no connection, so forks may share it.
pub(crate) struct Rehearsal {
    bus: Bus,
    preparation: Preparation,
    /// Whether a catalog was named.
    held: bool,
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
        if let Some(mode) = settings.validation {
            preparation = preparation.with_validation(mode);
        }
        if let Some(emitter) = &settings.emitter {
            preparation = preparation.with_service(emitter.service());
        }
        for (event_type, route) in &settings.routes {
            bus.topic(route.topic())?;
            preparation = preparation.with_routes(event_type, [route.clone()]);
        }
        Ok(Self {
            bus,
            preparation,
            held: settings.validation.is_some(),
        })
    }

    /// Adds what the catalog says of the type, where it is missing.
    pub(crate) fn define(&self, builder: EventBuilder) -> EventBuilder {
        match self.held {
            true => builder.defined_by(&**self.bus.definitions()),
            false => builder,
        }
    }

    /// Refuses an event that the catalog refuses.
    pub(crate) fn hold(&self, event: Event, topic: &str) -> Result<(), Failure> {
        self.preparation.to(topic, Draft::from(event))?;
        Ok(())
    }

    /// The full name of a topic.
    pub(crate) fn full_topic(&self, topic: &str) -> Result<String, Failure> {
        Ok(self.bus.topic(topic)?.as_str().to_owned())
    }

    /// What an outbox keeps of an event, and of the earlier major versions that go with it.
    pub(crate) fn prepare(&self, event: Event, topic: Option<&str>) -> Result<Vec<Row>, Failure> {
        let draft = Draft::from(event);
        let mut first = match topic {
            Some(topic) => self.preparation.to(topic, draft)?,
            None => self.preparation.route(draft)?,
        };
        let earlier = first.take_earlier();
        let mut rows = Vec::new();
        for prepared in std::iter::once(first).chain(earlier) {
            let (id, event_type) = (prepared.id().to_owned(), prepared.event_type().to_owned());
            for record in prepared.into_records() {
                let Body::Document(document) = record.body else {
                    return Err(Failure::new("failed", "an outbox holds documents only"));
                };
                rows.push(Row {
                    id: id.clone(),
                    event_type: event_type.clone(),
                    topic: record.topic.as_str().to_owned(),
                    key: record.key.map(|key| key.as_str().to_owned()),
                    document: document.to_vec(),
                });
            }
        }
        Ok(rows)
    }
}
