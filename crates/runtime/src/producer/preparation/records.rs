//! The records of an event that may leave.

use bytes::Bytes;
use tidings_event::{Event, KeyPath, Limits};
use tidings_transport::{Body, Key, Record, Topic};

use super::super::observation::Observed;
use super::super::prepared::Prepared;
use super::super::routing::Place;
use super::super::{ForeignEntry, PublishError, PublishErrorKind};
use super::Preparation;
use crate::wire::{Encoded, Wire, encode};

/// Writes a key that was found elsewhere into the document, for whoever has only the document.
fn state_key(event: &mut Event, key: &str) -> Result<(), PublishError> {
    let set = event.set_extension("partitionkey", key);
    set.map_err(|e| PublishError::from_source(PublishErrorKind::Invalid, e).of(event.id()))
}

impl Preparation {
    /// Records of an event for some topics, with this key if it states none itself.
    pub(super) fn for_places(
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

    pub(super) fn add_document(
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
        prepared.schemas.push(None);
        Ok(())
    }

    /// A record of an entry that the caller has written.
    pub(in crate::producer) fn entry(
        &self,
        topic: &str,
        entry: ForeignEntry,
    ) -> Result<Prepared, PublishError> {
        let ForeignEntry {
            id,
            key,
            fields,
            schema,
            key_avro,
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
            schemas: vec![schema],
            key_avro,
            id,
            event_type: String::new(),
            observed: Observed::default(),
            earlier: Vec::new(),
        })
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
        prepared.schemas.push(schema);
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
