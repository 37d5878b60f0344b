//! The members of a group.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// Tells consumers apart, over all groups.
pub(super) type ConsumerId = u64;

#[derive(Debug)]
struct Consumer {
    name: String,
    lease: Duration,
    seen: Instant,
    /// It sits in `next`, so it lives.
    waiting: bool,
}

impl Consumer {
    fn lives(&self, now: Instant) -> bool {
        self.waiting || now < self.seen + self.lease
    }
}

/// Who belongs to a group, and when anybody last showed a sign of life.
#[derive(Debug)]
pub(super) struct Consumers {
    members: BTreeMap<ConsumerId, Consumer>,
    last_sign: Instant,
}

impl Consumers {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            members: BTreeMap::new(),
            last_sign: now,
        }
    }

    /// Notes a sign of life; a consumer that was given up for dead is a member again.
    pub(super) fn touch(&mut self, id: ConsumerId, name: &str, lease: Duration, now: Instant) {
        self.last_sign = now;
        self.members.retain(|_, c| c.lives(now));
        let consumer = self.members.entry(id).or_insert_with(|| Consumer {
            name: name.into(),
            lease,
            seen: now,
            waiting: false,
        });
        consumer.seen = now;
    }

    /// Notes that somebody deals with the group.
    pub(super) fn sign(&mut self, now: Instant) {
        self.last_sign = now;
    }

    pub(super) fn set_waiting(&mut self, id: ConsumerId, waiting: bool, now: Instant) {
        self.last_sign = now;
        if let Some(consumer) = self.members.get_mut(&id) {
            consumer.waiting = waiting;
            consumer.seen = now;
        }
    }

    pub(super) fn remove(&mut self, id: ConsumerId) {
        self.members.remove(&id);
    }

    /// The names of those that live.
    pub(super) fn names(&self, now: Instant) -> Vec<String> {
        let living = self.members.values().filter(|c| c.lives(now));
        living.map(|c| c.name.clone()).collect()
    }

    /// Whether anybody showed a sign of life within `ttl`.
    pub(super) fn active(&self, ttl: Duration, now: Instant) -> bool {
        now.saturating_duration_since(self.last_sign) <= ttl
            || self.members.values().any(|c| c.waiting)
    }
}
