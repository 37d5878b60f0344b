//! What producers count.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tidings_transport::Topic;

use super::book::Book;
use super::labels::{OfKind, OfTopicType};
use super::types::ByType;

/// What producers count, of one process.
#[derive(Debug)]
pub struct Publishing {
    published: Family<OfTopicType, Counter>,
    failures: Family<OfKind, Counter>,
    types: Mutex<ByType<PublishSeries>>,
}

impl Publishing {
    pub(super) fn register(book: &mut Book) -> Self {
        Self {
            published: book.counters(
                "published",
                "Records that the log confirmed, one for each topic of an event",
            ),
            failures: book.counters("publish_failures", "Publishes that ended in an error"),
            types: Mutex::default(),
        }
    }

    /// The series of an event type: look it up once for an event, then only add.
    pub fn of(&self, event_type: &str) -> Arc<PublishSeries> {
        let mut types = self.types.lock().unwrap_or_else(PoisonError::into_inner);
        types.of(event_type, |label| PublishSeries {
            event_type: label.to_owned(),
            published: self.published.clone(),
            topics: Mutex::default(),
        })
    }

    /// A publish ended in an error of this kind, a short stable word.
    pub fn failed(&self, kind: &str) {
        let labels = OfKind {
            kind: kind.to_owned(),
        };
        self.failures.get_or_create(&labels).inc();
    }
}

/// What is counted of one event type.
#[derive(Debug)]
pub struct PublishSeries {
    event_type: String,
    published: Family<OfTopicType, Counter>,
    /// A type goes to one or two topics: a list is searched faster than hashed.
    topics: Mutex<Vec<(Topic, Counter)>>,
}

impl PublishSeries {
    /// The log confirmed a record in this topic.
    pub fn published(&self, topic: &Topic) {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, counter)) = topics.iter().find(|(known, _)| known == topic) {
            counter.inc();
            return;
        }
        let counter = self.published.get_or_create_owned(&OfTopicType {
            topic: topic.to_string(),
            r#type: self.event_type.clone(),
        });
        counter.inc();
        topics.push((topic.clone(), counter));
    }
}
