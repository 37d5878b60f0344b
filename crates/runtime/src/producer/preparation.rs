//! From a draft to records: stamped, checked, routed, keyed and encoded.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tidings_event::avro::Schema;
use tidings_event::{Definitions, Emitter, Event, KeyPath};
use tidings_telemetry::Telemetry;
use tidings_transport::{Body, Key, Record, Topic};

use super::observation::Observed;
use super::profile::Profile;
use super::routing::Routing;
use super::{Draft, PublishError, PublishErrorKind};
use crate::Namespace;
use crate::wire::{Encoded, Wire, encode};

/// What a producer does to an event before it leaves. No I/O.
pub(super) struct Preparation {
    pub(super) namespace: Namespace,
    pub(super) definitions: Arc<dyn Definitions>,
    pub(super) emitter: Option<Emitter>,
    pub(super) routing: Routing,
    pub(super) wire: Wire,
    pub(super) topic_wires: HashMap<String, Wire>,
    pub(super) profile: Profile,
    pub(super) telemetry: Telemetry,
}

/// The records of one event, one for each topic.
pub(super) struct Prepared {
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
}

/// Writes a key that was found elsewhere into the document, for whoever has only the document.
fn state_key(event: &mut Event, key: &str) -> Result<(), PublishError> {
    let set = event.set_extension("partitionkey", key);
    set.map_err(|e| PublishError::from_source(PublishErrorKind::Invalid, e).of(event.id()))
}

impl Preparation {
    /// A record for each topic that the routes name.
    pub(super) fn route(&self, draft: Draft) -> Result<Prepared, PublishError> {
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

    /// A record for one topic.
    pub(super) fn to(&self, topic: &str, draft: Draft) -> Result<Prepared, PublishError> {
        let (event, observed) = self.finish(draft)?;
        let path = self.routing.key_path(event.event_type(), topic);
        let mut prepared = Prepared::of(&event, observed, 1);
        self.add(&mut prepared, topic, path, event)?;
        Ok(prepared)
    }

    /// A record of a document that stays byte for byte as it is, unless the wire is foreign.
    pub(super) fn document(
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
