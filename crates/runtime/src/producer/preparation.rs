//! From a draft to records: stamped, checked, routed, keyed and encoded.

mod records;
mod settings;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tidings_event::{Definition, Definitions, Emitter, Event, EventBuilder};
use tidings_telemetry::Telemetry;
use tidings_transport::{Error as TransportError, Key};

use super::observation::{Observed, Operation};
use super::prepared::Prepared;
use super::profile::Profile;
use super::routing::{Place, Routing, topics_of};
use super::telling::{Telling, Told};
use super::{Draft, PublishError, PublishErrorKind, Route};
use crate::Namespace;
use crate::validation::ByHand;
use crate::wire::Wire;

/// What a producer does to an event before it leaves: stamps, checks, routes, finds its key and
/// encodes it. No I/O, and no log: an outbox prepares events in the same way.
pub struct Preparation {
    namespace: Namespace,
    definitions: Arc<dyn Definitions>,
    emitter: Option<Emitter>,
    routing: Routing,
    wire: Wire,
    topic_wires: HashMap<String, Wire>,
    profile: Profile,
    telling: Telling,
    telemetry: Telemetry,
    operation: Operation,
}

impl Preparation {
    /// One with defaults and no routes.
    pub fn new(definitions: Arc<dyn Definitions>) -> Self {
        Self {
            namespace: Namespace::default(),
            definitions,
            emitter: None,
            routing: Routing::default(),
            wire: Wire::Native,
            topic_wires: HashMap::new(),
            profile: Profile::new(None),
            telling: Telling::default(),
            telemetry: Telemetry::default(),
            operation: Operation::default(),
        }
    }

    /// What is told of its events.
    pub(super) fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Starts an event of a type, stamped by the emitter if there is one.
    pub fn event(&self, event_type: impl Into<String>) -> EventBuilder {
        match &self.emitter {
            Some(emitter) => emitter.event(event_type),
            None => Event::builder(event_type),
        }
    }

    /// Whether anything is written in this form.
    pub(super) fn writes(&self, wanted: Wire) -> bool {
        let mut wires = self.topic_wires.values().chain([&self.wire]);
        wires.any(|wire| *wire == wanted)
    }

    /// Checks the topics of all routes.
    ///
    /// # Errors
    /// `Invalid`, with the first name that breaks a rule.
    pub fn check_routes(&self) -> Result<(), TransportError> {
        let mut routes = self.routing.iter();
        routes.try_for_each(|route| self.namespace.topic(route.topic()).map(drop))
    }

    /// A record for each topic that the routes name, or else the definition; and the same for the
    /// earlier major versions that the catalog asks for.
    ///
    /// # Errors
    /// [`PublishError`]: what is wrong with the event, or that nothing says where its type goes.
    pub fn route(&self, draft: Draft) -> Result<Prepared, PublishError> {
        let Told {
            event,
            definition,
            earlier,
        } = self.tell(self.build(draft)?, None, None)?;
        let definition = definition.or_else(|| self.topics_of(&event));
        let places = self.routing.places(&event, definition.as_deref())?;
        let mut prepared = self.for_places(&places, None, event)?;
        for (event, definition) in earlier {
            prepared
                .earlier
                .push(match self.routing.places(&event, definition.as_deref()) {
                    Ok(places) => self.for_places(&places, None, event)?,
                    Err(_) => self.for_places(&topics_of(&places), None, event)?,
                });
        }
        Ok(prepared)
    }

    /// A record for one topic, by its logical name; and the same for the earlier major versions
    /// that the catalog asks for.
    ///
    /// # Errors
    /// [`PublishError`]: what is wrong with the event.
    pub fn to(&self, topic: &str, draft: Draft) -> Result<Prepared, PublishError> {
        let told = self.tell(self.build(draft)?, Some(topic), None)?;
        let Told { event, earlier, .. } = told;
        let mut prepared = self.for_places(&[self.routing.place(topic, &event)], None, event)?;
        for (event, _) in earlier {
            let earlier = self.for_places(&[self.routing.place(topic, &event)], None, event)?;
            prepared.earlier.push(earlier);
        }
        Ok(prepared)
    }

    /// Records of a document that stays byte for byte as it is, unless the wire is foreign: for
    /// one topic, or for those of its type. Earlier major versions that the catalog asks for are
    /// made of it.
    ///
    /// # Errors
    /// [`PublishError`]: what is wrong with the event.
    pub fn document(
        &self,
        topic: Option<&str>,
        key: Option<Key>,
        document: Bytes,
    ) -> Result<Prepared, PublishError> {
        let event = Event::from_shared_json(document.clone())
            .map_err(|e| PublishError::from_source(PublishErrorKind::Invalid, e))?;
        let Told {
            event,
            definition,
            earlier,
        } = self.tell(event, topic, key.as_ref())?;
        let by_type = || topic.is_none().then(|| self.topics_of(&event)).flatten();
        let definition = definition.or_else(by_type);
        let found = self
            .routing
            .places_or(topic, &event, definition.as_deref())?;
        let observed = self.observe(&event, &found);
        let mut prepared = Prepared::of(&event, observed, found.len());
        for (topic, path) in &found {
            let key = key.clone();
            self.add_document(&mut prepared, topic, *path, key, &event, &document)?;
        }
        for (event, definition) in earlier {
            let own = self.routing.places_or(topic, &event, definition.as_deref());
            let earlier = match own {
                Ok(places) => self.for_places(&places, key.as_ref(), event)?,
                Err(_) => self.for_places(&topics_of(&found), key.as_ref(), event)?,
            };
            prepared.earlier.push(earlier);
        }
        Ok(prepared)
    }

    /// Begins to observe an event on its way to some topics.
    fn observe(&self, event: &Event, places: &[Place<'_>]) -> Observed {
        let destination = match (self.telemetry.propagation(), places) {
            (Some(_), [(only, _)]) => self.namespace.topic(only).ok(),
            _ => None,
        };
        Observed::new(&self.telemetry, self.operation, destination, event)
    }

    /// The definition whose topics count because no route says where a type goes.
    fn topics_of(&self, event: &Event) -> Option<Arc<Definition>> {
        let (ty, minor) = (event.event_type(), event.minorversion());
        match self.routing.of(ty) {
            [] => self.definitions.definition(ty, minor),
            _ => None,
        }
    }

    /// Holds an event to the catalog, with the topic and the key that its caller gave it.
    fn tell(
        &self,
        event: Event,
        topic: Option<&str>,
        key: Option<&Key>,
    ) -> Result<Told, PublishError> {
        let emitter = self.emitter.as_ref().map(Emitter::service);
        let by_hand = match self.telling.validation {
            Some(_) => self.by_hand(&event, topic, key),
            None => ByHand::default(),
        };
        self.telling
            .tell(&*self.definitions, emitter, event, &by_hand)
    }

    /// The topic and the key that a caller gave. Where a route says of the type where it goes, or where
    /// its key stands, that is not the catalog's to say.
    fn by_hand<'t>(&self, event: &Event, topic: Option<&'t str>, key: Option<&Key>) -> ByHand<'t> {
        let routes = self.routing.of(event.event_type());
        let stated = event.partition_key().or(key.map(Key::as_str));
        ByHand {
            topic: topic.filter(|topic| !routes.iter().any(|route| route.topic() == *topic)),
            key: stated
                .filter(|_| !routes.iter().any(Route::has_key_path))
                .map(Into::into),
        }
    }

    fn build(&self, draft: Draft) -> Result<Event, PublishError> {
        match draft {
            Draft::Event(event) => Ok(*event),
            Draft::Builder(builder) => {
                let mut builder = match &self.emitter {
                    Some(emitter) => emitter.stamp(*builder),
                    None => *builder,
                };
                if self.telling.validation.is_some() {
                    builder = builder.defined_by(&*self.definitions);
                }
                let built = builder.build();
                built.map_err(|e| PublishError::from_source(PublishErrorKind::Invalid, e))
            }
        }
    }
}
