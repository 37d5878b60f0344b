//! What consumers count and measure.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use tidings_transport::{Group, Topic};

use super::book::{Book, Histograms};
use super::labels::{OfDelivery, OfFailure, OfGroup, OfGroupTopic};
use super::types::ByType;

/// What consumers count and measure, of one process.
#[derive(Debug, Clone)]
pub struct Consuming {
    received: Family<OfGroupTopic, Counter>,
    delivered: Family<OfDelivery, Counter>,
    retried: Family<OfFailure, Counter>,
    dead_letters: Family<OfFailure, Counter>,
    parked: Family<OfFailure, Counter>,
    stale: Family<OfGroupTopic, Counter>,
    gaps: Family<OfGroupTopic, Counter>,
    in_hand: Family<OfGroup, Gauge>,
    breaker_open: Family<OfGroup, Gauge>,
    handler_duration: Histograms<OfDelivery>,
    event_age: Histograms<OfDelivery>,
}

/// Handlers take from a memory access to minutes.
fn handler_buckets() -> Histogram {
    Histogram::new([
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
        60.0, 300.0,
    ])
}

/// Events arrive within milliseconds, or after the outage of a day.
fn age_buckets() -> Histogram {
    Histogram::new([
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0,
        7_200.0, 86_400.0,
    ])
}

impl Consuming {
    pub(super) fn register(book: &mut Book) -> Self {
        Self {
            received: book.counters("received", "Deliveries taken in hand"),
            delivered: book.counters(
                "delivered",
                "Deliveries whose handler succeeded and whose acknowledgement the log confirmed",
            ),
            retried: book.counters(
                "retried",
                "Attempts that failed and were, or will be, repeated, by class of failure",
            ),
            dead_letters: book.counters(
                "dead_letters",
                "Deliveries whose dead letter the log confirmed, by class of failure",
            ),
            parked: book.counters(
                "parked",
                "Deliveries that the log confirmed as parked, by class of failure; class \
                 behind_parked waits behind one that failed",
            ),
            stale: book.counters(
                "stale_deliveries",
                "Deliveries that passed to another consumer while they were in hand",
            ),
            gaps: book.counters(
                "gaps",
                "Losses reported by the log, each of one or more records",
            ),
            in_hand: book.gauges("in_hand", "Deliveries in hand: fetched and not settled"),
            breaker_open: book.gauges(
                "breaker_open",
                "1 while the circuit breaker of the group holds handlers back, else 0",
            ),
            handler_duration: book.durations(
                "handler_duration",
                "How long one attempt of a handler took",
                handler_buckets,
            ),
            event_age: book.durations(
                "event_age",
                "From the event's own time to its confirmed acknowledgement, clocks permitting",
                age_buckets,
            ),
        }
    }

    /// The series of a group.
    pub fn of(&self, group: &Group) -> GroupSeries {
        let labels = OfGroup {
            group: group.to_string(),
        };
        GroupSeries {
            in_hand: self.in_hand.get_or_create_owned(&labels),
            breaker_open: self.breaker_open.get_or_create_owned(&labels),
            group: labels.group,
            families: self.clone(),
            topics: Mutex::default(),
        }
    }
}

/// What is counted of one group.
#[derive(Debug)]
pub struct GroupSeries {
    group: String,
    families: Consuming,
    in_hand: Gauge,
    breaker_open: Gauge,
    topics: Mutex<HashMap<Topic, Arc<TopicSeries>>>,
}

impl GroupSeries {
    /// The series of a topic.
    pub fn topic(&self, topic: &Topic) -> Arc<TopicSeries> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = topics.get(topic) {
            return known.clone();
        }
        let labels = OfGroupTopic {
            group: self.group.clone(),
            topic: topic.to_string(),
        };
        let families = &self.families;
        let series = Arc::new(TopicSeries {
            received: families.received.get_or_create_owned(&labels),
            stale: families.stale.get_or_create_owned(&labels),
            gaps: families.gaps.get_or_create_owned(&labels),
            labels,
            families: families.clone(),
            types: Mutex::default(),
        });
        topics.insert(topic.clone(), series.clone());
        series
    }

    /// So many deliveries are in hand.
    pub fn in_hand(&self, deliveries: usize) {
        self.in_hand
            .set(i64::try_from(deliveries).unwrap_or(i64::MAX));
    }

    /// The circuit breaker opened, or closed again.
    pub fn breaker(&self, open: bool) {
        self.breaker_open.set(i64::from(open));
    }
}

/// What is counted of one topic in a group.
#[derive(Debug)]
pub struct TopicSeries {
    labels: OfGroupTopic,
    families: Consuming,
    received: Counter,
    stale: Counter,
    gaps: Counter,
    types: Mutex<ByType<DeliverySeries>>,
}

impl TopicSeries {
    /// The series of an event type: look it up once for a delivery, then only add.
    pub fn event_type(&self, event_type: &str) -> Arc<DeliverySeries> {
        let mut types = self.types.lock().unwrap_or_else(PoisonError::into_inner);
        types.of(event_type, |label| {
            let labels = OfDelivery {
                group: self.labels.group.clone(),
                topic: self.labels.topic.clone(),
                r#type: label.to_owned(),
            };
            let families = &self.families;
            DeliverySeries {
                delivered: families.delivered.get_or_create_owned(&labels),
                handler_duration: families.handler_duration.get_or_create_owned(&labels),
                event_age: families.event_age.get_or_create_owned(&labels),
            }
        })
    }

    /// Deliveries were taken in hand.
    pub fn received(&self, deliveries: usize) {
        self.received.inc_by(deliveries as u64);
    }

    /// A delivery passed to another consumer.
    pub fn stale(&self) {
        self.stale.inc();
    }

    /// The log reported a loss.
    pub fn gap(&self) {
        self.gaps.inc();
    }

    /// An attempt failed and will be repeated.
    pub fn retried(&self, class: &str) {
        self.count(&self.families.retried, class);
    }

    /// A dead letter was confirmed.
    pub fn dead_letter(&self, class: &str) {
        self.count(&self.families.dead_letters, class);
    }

    /// A parked delivery was confirmed; no class when it only waits behind one that failed.
    pub fn parked(&self, class: Option<&str>) {
        self.count(&self.families.parked, class.unwrap_or("behind_parked"));
    }

    // Failures are rare: their labels are made anew each time.
    fn count(&self, family: &Family<OfFailure, Counter>, class: &str) {
        let labels = OfFailure {
            group: self.labels.group.clone(),
            topic: self.labels.topic.clone(),
            class: class.to_owned(),
        };
        family.get_or_create(&labels).inc();
    }
}

/// What is counted of one event type of a topic in a group.
#[derive(Debug)]
pub struct DeliverySeries {
    delivered: Counter,
    handler_duration: Histogram,
    event_age: Histogram,
}

impl DeliverySeries {
    /// An attempt of a handler took so long.
    pub fn handled(&self, took: Duration) {
        self.handler_duration.observe(took.as_secs_f64());
    }

    /// The acknowledgement was confirmed at `now`, of an event that says when it happened.
    pub fn delivered(&self, event_time: Option<Timestamp>, now: Timestamp) {
        self.delivered.inc();
        if let Some(time) = event_time {
            // A clock that goes ahead elsewhere must not make it negative.
            let age = now.duration_since(time).as_secs_f64().max(0.0);
            self.event_age.observe(age);
        }
    }
}
