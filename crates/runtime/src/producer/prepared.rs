//! What leaves for the log.

use std::collections::HashSet;
use std::sync::Arc;

use tidings_event::Event;
use tidings_event::avro::Schema;
use tidings_transport::{Key, Record, Topic};

use super::observation::Observed;
use crate::wire::KeyAvro;

/// An event that is stamped, checked and encoded, ready for its topics.
#[derive(Debug)]
pub struct Prepared {
    pub(super) id: String,
    pub(super) event_type: String,
    pub(super) records: Vec<Record>,
    /// For each record what its readers need to find in the schema store or the registry.
    pub(super) schemas: Vec<Option<Arc<Schema>>>,
    /// The key as Avro, where it is no string.
    pub(super) key_avro: Option<KeyAvro>,
    pub(super) observed: Observed,
    /// What tells of the same occurrence in earlier major versions.
    pub(super) earlier: Vec<Prepared>,
}

impl Prepared {
    pub(super) fn of(event: &Event, observed: Observed, topics: usize) -> Self {
        Self {
            id: event.id().to_owned(),
            event_type: event.event_type().to_owned(),
            records: Vec::with_capacity(topics),
            schemas: Vec::with_capacity(topics),
            key_avro: None,
            observed,
            earlier: Vec::new(),
        }
    }

    /// Whether one record is all there is: no other topic, no schema, no earlier major version.
    pub(super) fn is_single(&self) -> bool {
        self.records.len() == 1 && matches!(*self.schemas, [None]) && self.earlier.is_empty()
    }

    /// Takes it apart into what leaves together: itself, and the earlier major versions.
    pub(super) fn into_all(mut self) -> impl Iterator<Item = Self> {
        let earlier = std::mem::take(&mut self.earlier);
        std::iter::once(self).chain(earlier)
    }

    /// The topics and keys whose order it is part of.
    pub(super) fn places(&self) -> Vec<(Topic, Key)> {
        // Only a schema can keep an event back while its neighbours go.
        if self.schemas.iter().all(Option::is_none) {
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

    /// The type of the event.
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// The same occurrence in earlier major versions, the newest first, if the catalog asks for
    /// them: events of their own, which leave with this one.
    pub fn take_earlier(&mut self) -> Vec<Self> {
        std::mem::take(&mut self.earlier)
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
