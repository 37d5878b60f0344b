//! From a draft to records: stamped, checked, routed, keyed and encoded.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use tidings_event::avro::Schema;
use tidings_event::profile::Mode;
use tidings_event::{Definitions, Emitter, Event, EventBuilder, KeyPath, Limits};
use tidings_telemetry::Telemetry;
use tidings_transport::{Body, Error as TransportError, Key, Record, Topic};

use super::observation::Observed;
use super::profile::Profile;
use super::routing::Routing;
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
    telemetry: Telemetry,
}

/// An event that is stamped, checked and encoded, ready for its topics.
#[derive(Debug)]
pub struct Prepared {
    pub(super) id: String,
    pub(super) records: Vec<Record>,
    /// What its readers need to find in the schema store.
    pub(super) schemas: Vec<Arc<Schema>>,
    pub(super) observed: Observed,
}

impl Prepared {
    fn of(event: &Event, observed: Observed, topics: usize) -> Self {
        Self {
            id: event.id().to_owned(),
            records: Vec::with_capacity(topics),
            schemas: Vec::new(),
            observed,
        }
    }

    /// The topics and keys whose order it is part of.
    pub(super) fn places(&self) -> Vec<(Topic, Key)> {
        // Only a schema can keep an event back while its neighbours go.
        if self.schemas.is_empty() {
            return Vec::new();
        }
        let keyed = |r: &Record| Some((r.topic.clone(), r.key.clone()?));
        self.records.iter().filter_map(keyed).collect()
    }

    /// The topic in which it would overtake one of these.
    pub(super) fn follows(&self, behind: &HashSet<(Topic, Key)>) -> Option<Topic> {
        if behind.is_empty() {
            return None;
        }
        let keyed = |r: &Record| Some((r.topic.clone(), r.key.clone()?));
        let mut places = self.records.iter().filter_map(keyed);
        places
            .find(|place| behind.contains(place))
            .map(|(topic, _)| topic)
    }

    /// The id of the event.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its records, one for each topic.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Its records, one for each topic.
    pub fn into_records(self) -> Vec<Record> {
        self.records
    }
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
            telemetry: Telemetry::default(),
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

    /// What is told of its events: series, and traces, which events then carry. Default: nothing.
    #[must_use]
    pub fn with_telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
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

    /// A record for each topic that the routes name.
    ///
    /// # Errors
    /// [`PublishError`]: what is wrong with the event, or that no route knows its type.
    pub fn route(&self, draft: Draft) -> Result<Prepared, PublishError> {
        let (event, observed) = self.finish(draft)?;
        let routes = self.routing.of(event.event_type());
        let Some((last, others)) = routes.split_last() else {
            let message = format!(
                "no route for its type {:?}; add a route to the producer, or name the topic",
                event.event_type()
            );
            return Err(PublishError::new(PublishErrorKind::NoRoute, message).of(event.id()));
        };
        let mut prepared = Prepared::of(&event, observed, routes.len());
        for route in others {
            let path = route.key_path.as_ref();
            self.add(&mut prepared, &route.topic, path, event.clone())?;
        }
        self.add(&mut prepared, &last.topic, last.key_path.as_ref(), event)?;
        Ok(prepared)
    }

    /// A record for one topic, by its logical name.
    ///
    /// # Errors
    /// [`PublishError`]: what is wrong with the event.
    pub fn to(&self, topic: &str, draft: Draft) -> Result<Prepared, PublishError> {
        let (event, observed) = self.finish(draft)?;
        let path = self.routing.key_path(event.event_type(), topic);
        let mut prepared = Prepared::of(&event, observed, 1);
        self.add(&mut prepared, topic, path, event)?;
        Ok(prepared)
    }

    /// A record of a document that stays byte for byte as it is, unless the wire is foreign.
    ///
    /// # Errors
    /// [`PublishError`]: what is wrong with the event.
    pub fn document(
        &self,
        topic: &str,
        key: Option<Key>,
        document: Bytes,
    ) -> Result<Prepared, PublishError> {
        let mut event = Event::from_json(&document)
            .map_err(|e| PublishError::from_source(PublishErrorKind::Invalid, e))?;
        let path = self.routing.key_path(event.event_type(), topic);
        let observed = Observed::new(&self.telemetry, &event);
        let mut prepared = Prepared::of(&event, observed, 1);
        let wire = self.wire_of(topic);
        if wire != Wire::Native {
            if let (Some(key), None) = (key, event.partition_key()) {
                state_key(&mut event, key.as_str())?;
            }
            self.add(&mut prepared, topic, path, event)?;
            return Ok(prepared);
        }
        self.profile.check(&event, wire, document.len())?;
        let key = match (event.partition_key(), key) {
            (Some(stated), _) => Some(Key::new(stated)),
            (None, Some(key)) => Some(key),
            (None, None) => self.derive(path, &event)?.map(Key::new),
        };
        let topic = self.topic(topic, &event)?;
        let body = Body::Document(document);
        prepared.records.push(Record { topic, key, body });
        Ok(prepared)
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
            observed: Observed::default(),
        })
    }

    fn finish(&self, draft: Draft) -> Result<(Event, Observed), PublishError> {
        let mut event = match draft {
            Draft::Event(event) => *event,
            Draft::Builder(builder) => {
                let builder = match &self.emitter {
                    Some(emitter) => emitter.stamp(*builder),
                    None => *builder,
                };
                let built = builder.build();
                built.map_err(|e| PublishError::from_source(PublishErrorKind::Invalid, e))?
            }
        };
        let observed = Observed::new(&self.telemetry, &event);
        observed.stamp(&self.telemetry, &mut event);
        Ok((event, observed))
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
