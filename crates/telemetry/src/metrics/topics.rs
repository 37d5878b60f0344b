//! How large topics are, and what is removed from them.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use tidings_transport::{Topic, TopicInfo};

use super::book::Book;
use super::labels::OfTopic;

/// How large topics are, and what retention did to them.
#[derive(Debug)]
pub struct Topics {
    events: Family<OfTopic, Gauge>,
    bytes: Family<OfTopic, Gauge>,
    trimmed: Family<OfTopic, Counter>,
    spared: Family<OfTopic, Gauge>,
}

impl Topics {
    pub(super) fn register(book: &mut Book) -> Self {
        Self {
            events: book.gauges("topic_events", "Events that the topic holds"),
            bytes: book.gauges(
                "topic_bytes",
                "What the topic occupies, in bytes: memory on Redis; absent where the log does \
                 not tell",
            ),
            trimmed: book.counters(
                "topic_trimmed",
                "Events that this process removed from the topic by the rules of retention",
            ),
            spared: book.gauges(
                "topic_spared_events",
                "Events that the rules of retention name and that a group still needs",
            ),
        }
    }

    /// The log told how large a topic is.
    pub fn set(&self, info: &TopicInfo) {
        let labels = labels(&info.topic);
        set(&self.events, &labels, info.length);
        match info.bytes {
            Some(bytes) => set(&self.bytes, &labels, bytes),
            None => drop(self.bytes.remove(&labels)),
        }
    }

    /// Retention removed so many, and spared so many.
    pub fn trimmed(&self, topic: &Topic, removed: u64, spared: u64) {
        let labels = labels(topic);
        self.trimmed.get_or_create(&labels).inc_by(removed);
        set(&self.spared, &labels, spared);
    }
}

fn labels(topic: &Topic) -> OfTopic {
    OfTopic {
        topic: topic.to_string(),
    }
}

fn set(family: &Family<OfTopic, Gauge>, labels: &OfTopic, value: u64) {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    family.get_or_create(labels).set(value);
}
