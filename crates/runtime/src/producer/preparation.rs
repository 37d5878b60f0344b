//! From a draft to records: stamped, checked, routed, keyed and encoded.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tidings_event::profile::Mode;
use tidings_event::{Definition, Definitions, Emitter, Event, EventBuilder, KeyPath, Limits};
use tidings_telemetry::Telemetry;
use tidings_transport::{Body, Error as TransportError, Key, Record, Topic};

use super::observation::{Observed, Operation};
use super::prepared::Prepared;
use super::profile::Profile;
use super::routing::{Place, Routing, topics_of};
use super::telling::{Telling, Told};
use super::{Draft, ForeignEntry, PublishError, PublishErrorKind, Route};
use crate::Namespace;
use crate::wire::{Encoded, Wire, encode};

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

/// Writes a key that was found elsewhere into the document, for whoever has only the document.
fn state_key(event: &mut Event, key: &str) -> Result<(), PublishError> {
    let set = event.set_extension("partitionkey", key);
    set.map_err(|e| PublishError::from_source(PublishErrorKind::Invalid, e).of(event.id()))
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

    /// Puts a prefix before the names of topics.
    #[must_use]
    pub fn with_namespace(mut self, namespace: Namespace) -> Self {
        self.namespace = namespace;
        self
    }

    /// Stamps event builders with this service's source, host and time.
    #[must_use]
    pub fn with_emitter(mut self, emitter: Emitter) -> Self {
        self.emitter = Some(emitter);
        self
    }

    /// Sends events of a type to these topics as well.
    #[must_use]
    pub fn with_routes(
        mut self,
        event_type: impl Into<String>,
        routes: impl IntoIterator<Item = Route>,
    ) -> Self {
        self.routing.add(event_type.into(), routes);
        self
    }

    /// The wire to write. Default: native.
    #[must_use]
    pub fn with_wire(mut self, wire: Wire) -> Self {
        self.wire = wire;
        self
    }

    /// The wire to write to one topic, by its logical name.
    #[must_use]
    pub fn with_topic_wire(mut self, topic: impl Into<String>, wire: Wire) -> Self {
        self.topic_wires.insert(topic.into(), wire);
        self
    }

    /// How strictly the OEP-41 profile runs. Default: `Enforce`; `Warn` where the Open edX wire
    /// is written.
    #[must_use]
    pub fn with_profile(mut self, mode: Mode) -> Self {
        self.profile = Profile::new(Some(mode));
        self
    }

    /// Takes definitions from this catalog and holds events to it, with [`Mode::Enforce`] unless
    /// [`with_validation`](Self::with_validation) says otherwise.
    #[must_use]
    pub fn with_catalog(mut self, catalog: Arc<dyn Definitions>) -> Self {
        self.definitions = catalog;
        self.telling.validation.get_or_insert(Mode::Enforce);
        self
    }

    /// How strictly events are held to their definitions: type, owner, minor version, payload, and
    /// the earlier major version that is made of it. Whatever the mode, what is missing is stamped
    /// and the earlier major versions are emitted.
    #[must_use]
    pub fn with_validation(mut self, mode: Mode) -> Self {
        self.telling.validation = Some(mode);
        self
    }

    /// The service that publishes, by the name that owners have in the catalog. Default: the
    /// emitter's.
    #[must_use]
    pub fn with_service(mut self, service: impl Into<Box<str>>) -> Self {
        self.telling.service = Some(service.into());
        self
    }

    /// Forwards what was held to the catalog before: nothing is held to it again, and no earlier
    /// major versions are added.
    #[must_use]
    pub fn forwarding(mut self) -> Self {
        self.telling.forwards = true;
        self
    }

    /// What is told of its events: series, and traces, which events then carry. Default: nothing.
    #[must_use]
    pub fn with_telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// What spans say is done with its events. Default: they are published.
    #[must_use]
    pub fn with_operation(mut self, operation: Operation) -> Self {
        self.operation = operation;
        self
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

    /// Whether anything is written in another form than the document.
    pub(super) fn has_foreign_wire(&self) -> bool {
        let mut wires = self.topic_wires.values().chain([&self.wire]);
        wires.any(|wire| *wire != Wire::Native)
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
        } = self.tell(self.build(draft)?)?;
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
        let Told { event, earlier, .. } = self.tell(self.build(draft)?)?;
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
        let event = Event::from_json(&document)
            .map_err(|e| PublishError::from_source(PublishErrorKind::Invalid, e))?;
        let Told {
            event,
            definition,
            earlier,
        } = self.tell(event)?;
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

    fn add_document(
        &self,
        prepared: &mut Prepared,
        logical: &str,
        path: Option<&KeyPath>,
        key: Option<Key>,
        event: &Event,
        document: &Bytes,
    ) -> Result<(), PublishError> {
        let wire = self.wire_of(logical);
        if wire != Wire::Native {
            let mut event = event.clone();
            if let (Some(key), None) = (key, event.partition_key()) {
                state_key(&mut event, key.as_str())?;
            }
            return self.add(prepared, logical, path, event);
        }
        self.profile.check(event, wire, document.len())?;
        let key = match (event.partition_key(), key) {
            (Some(stated), _) => Some(Key::new(stated)),
            (None, Some(key)) => Some(key),
            (None, None) => self.derive(path, event)?.map(Key::new),
        };
        let topic = self.topic(logical, event)?;
        let body = Body::Document(document.clone());
        prepared.records.push(Record { topic, key, body });
        Ok(())
    }

    /// Begins to observe an event on its way to some topics.
    fn observe(&self, event: &Event, places: &[Place<'_>]) -> Observed {
        let destination = match (self.telemetry.propagation(), places) {
            (Some(_), [(only, _)]) => self.namespace.topic(only).ok(),
            _ => None,
        };
        Observed::new(&self.telemetry, self.operation, destination, event)
    }

    /// Records of an event for some topics, with this key if it states none itself.
    fn for_places(
        &self,
        places: &[Place<'_>],
        key: Option<&Key>,
        mut event: Event,
    ) -> Result<Prepared, PublishError> {
        let observed = self.observe(&event, places);
        observed.stamp(&self.telemetry, &mut event);
        let mut prepared = Prepared::of(&event, observed, places.len());
        if let (Some(key), None) = (key, event.partition_key()) {
            state_key(&mut event, key.as_str())?;
        }
        if let Some(((topic, path), others)) = places.split_last() {
            for (topic, path) in others {
                self.add(&mut prepared, topic, *path, event.clone())?;
            }
            self.add(&mut prepared, topic, *path, event)?;
        }
        Ok(prepared)
    }

    /// The definition whose topics count because no route says where a type goes.
    fn topics_of(&self, event: &Event) -> Option<Arc<Definition>> {
        let (ty, minor) = (event.event_type(), event.minorversion());
        match self.routing.of(ty) {
            [] => self.definitions.definition(ty, minor),
            _ => None,
        }
    }

    fn tell(&self, event: Event) -> Result<Told, PublishError> {
        let emitter = self.emitter.as_ref().map(Emitter::service);
        self.telling.tell(&*self.definitions, emitter, event)
    }

    /// A record of an entry that the caller has written.
    pub(super) fn entry(&self, topic: &str, entry: ForeignEntry) -> Result<Prepared, PublishError> {
        let ForeignEntry {
            id,
            key,
            fields,
            schema,
        } = entry;
        let body = Body::Fields(fields);
        let limit = Limits::DEFAULT_DOCUMENT;
        if body.len() > limit {
            let bytes = body.len();
            let message = format!("its entry has {bytes} bytes, and readers take {limit}");
            let kind = PublishErrorKind::TooLarge { bytes, limit };
            return Err(PublishError::new(kind, message).of(&id));
        }
        let topic = self.namespace.topic(topic);
        let topic =
            topic.map_err(|e| PublishError::from_source(PublishErrorKind::Invalid, e).of(&id))?;
        Ok(Prepared {
            records: vec![Record { topic, key, body }],
            schemas: schema.into_iter().collect(),
            id,
            event_type: String::new(),
            observed: Observed::default(),
            earlier: Vec::new(),
        })
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

    fn add(
        &self,
        prepared: &mut Prepared,
        logical: &str,
        path: Option<&KeyPath>,
        mut event: Event,
    ) -> Result<(), PublishError> {
        let topic = self.topic(logical, &event)?;
        if event.partition_key().is_none()
            && let Some(key) = self.derive(path, &event)?
        {
            state_key(&mut event, &key)?;
        }
        let wire = self.wire_of(logical);
        let encoded = encode(&event, wire, &*self.definitions)
            .map_err(|e| PublishError::from_source(PublishErrorKind::Encoding, e).of(event.id()))?;
        let Encoded {
            body,
            document_len,
            schema,
        } = encoded;
        self.profile.check(&event, wire, document_len)?;
        let key = event.partition_key().map(Key::new);
        prepared.records.push(Record { topic, key, body });
        prepared.schemas.extend(schema);
        Ok(())
    }

    fn wire_of(&self, logical: &str) -> Wire {
        self.topic_wires.get(logical).copied().unwrap_or(self.wire)
    }

    fn topic(&self, logical: &str, event: &Event) -> Result<Topic, PublishError> {
        let topic = self.namespace.topic(logical);
        topic.map_err(|e| PublishError::from_source(PublishErrorKind::Invalid, e).of(event.id()))
    }

    /// The key that a path leads to: the route's, or else the definition's. A route that asks
    /// for a key must find one; a definition only offers one.
    fn derive(
        &self,
        path: Option<&KeyPath>,
        event: &Event,
    ) -> Result<Option<String>, PublishError> {
        if let Some(path) = path {
            let key = path.key_of(event);
            return key
                .map(Some)
                .map_err(|e| PublishError::from_source(PublishErrorKind::NoKey, e).of(event.id()));
        }
        let (ty, minor) = (event.event_type(), event.minorversion());
        let definition = self.definitions.definition(ty, minor);
        let path = definition.as_ref().and_then(|d| d.key_path.as_ref());
        Ok(path.and_then(|path| path.key_of(event).ok()))
    }
}
