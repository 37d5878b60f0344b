//! How groups stand, as the log tells.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use tidings_transport::{Count, GroupInfo, Topic};

use super::book::{Book, Level};
use super::labels::{Alone, OfGroupTopic};

/// How groups stand, as the log told when it was asked last.
///
/// While the log does not answer, there is no series of a group: an old lag would be a lie.
#[derive(Debug)]
pub struct Groups {
    log_up: Family<Alone, Gauge>,
    lag_events: Family<OfGroupTopic, Gauge>,
    lag_exact: Family<OfGroupTopic, Gauge>,
    lag_age: Family<OfGroupTopic, Level>,
    pending: Family<OfGroupTopic, Gauge>,
    oldest_pending: Family<OfGroupTopic, Level>,
    dead_letters: Family<OfGroupTopic, Gauge>,
    parked_keys: Family<OfGroupTopic, Gauge>,
    lost: Family<OfGroupTopic, Gauge>,
    lost_exact: Family<OfGroupTopic, Gauge>,
    consumers: Family<OfGroupTopic, Gauge>,
    known: Mutex<HashSet<OfGroupTopic>>,
}

impl Groups {
    pub(super) fn register(book: &mut Book) -> Self {
        Self {
            log_up: book.gauges(
                "log_up",
                "1 if the log answered when it was asked last, else 0",
            ),
            lag_events: book.gauges(
                "group_lag_events",
                "Events that the group has not settled, those in hand included; absent while \
                 the log cannot tell",
            ),
            lag_exact: book.gauges(
                "group_lag_exact",
                "1 if the lag is exact, 0 if it is a lower bound or unknown",
            ),
            lag_age: book.seconds(
                "group_lag",
                "How long ago the log received the oldest event that the group has not settled",
            ),
            pending: book.gauges("group_pending", "Events handed out and not settled"),
            oldest_pending: book.seconds(
                "group_oldest_pending",
                "How long ago the log received the oldest event that is handed out; 0 without one",
            ),
            dead_letters: book.gauges(
                "group_dead_letters",
                "Records in the dead-letter log of the group, parked ones included",
            ),
            parked_keys: book.gauges("group_parked_keys", "Keys that are parked or releasing"),
            lost: book.gauges(
                "group_lost_events",
                "Events lost to the group since that was last acknowledged; absent while the log cannot tell",
            ),
            lost_exact: book.gauges(
                "group_lost_exact",
                "1 if the number of lost events is exact, 0 if it is a lower bound or unknown",
            ),
            consumers: book.gauges("group_consumers", "Consumers of the group that live"),
            known: Mutex::default(),
        }
    }

    /// The log answered: these are all groups of these topics.
    pub fn set(&self, found: &[(Topic, Vec<GroupInfo>)]) {
        self.log_up.get_or_create(&[]).set(1);
        let now = Timestamp::now();
        let mut seen = HashSet::new();
        for (topic, groups) in found {
            for info in groups {
                let labels = OfGroupTopic {
                    group: info.group.to_string(),
                    topic: topic.to_string(),
                };
                self.set_group(&labels, info, now);
                seen.insert(labels);
            }
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in known.difference(&seen) {
            self.forget(gone);
        }
        *known = seen;
    }

    /// The log did not answer.
    pub fn unknown(&self) {
        self.log_up.get_or_create(&[]).set(0);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for labels in known.drain() {
            self.forget(&labels);
        }
    }

    fn set_group(&self, labels: &OfGroupTopic, info: &GroupInfo, now: Timestamp) {
        let set = |family: &Family<OfGroupTopic, Gauge>, value: u64| {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            family.get_or_create(labels).set(value);
        };
        let count = |family: &Family<_, _>, exact: &Family<_, _>, count: Count| {
            match count {
                Count::Exactly(n) | Count::AtLeast(n) => set(family, n),
                Count::Unknown => drop(family.remove(labels)),
            }
            set(exact, u64::from(matches!(count, Count::Exactly(_))));
        };
        count(&self.lag_events, &self.lag_exact, info.lag.events);
        count(&self.lost, &self.lost_exact, info.lost);
        set(&self.pending, info.pending);
        set(&self.dead_letters, info.dead_letters);
        set(&self.parked_keys, info.parked_keys);
        set(&self.consumers, info.consumers.len() as u64);
        let lag = info.lag.age.as_secs_f64();
        self.lag_age.get_or_create(labels).set(lag);
        let oldest = info
            .oldest_pending
            .map_or(0.0, |time| now.duration_since(time).as_secs_f64().max(0.0));
        self.oldest_pending.get_or_create(labels).set(oldest);
    }

    fn forget(&self, labels: &OfGroupTopic) {
        let gauges = [
            &self.lag_events,
            &self.lag_exact,
            &self.pending,
            &self.dead_letters,
            &self.parked_keys,
            &self.lost,
            &self.lost_exact,
            &self.consumers,
        ];
        for family in gauges {
            family.remove(labels);
        }
        self.lag_age.remove(labels);
        self.oldest_pending.remove(labels);
    }
}
