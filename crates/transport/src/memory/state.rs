//! Everything the log knows, behind one lock.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::memory::clock::Clock;
use crate::memory::consumer::ConsumerId;
use crate::memory::group::{Epoch, GroupState};
use crate::memory::log::{Log, Sequence};
use crate::{Error, ErrorKind, Group, Opened, Result, SchemaId, Start, Topic};

/// What may be stored, in bytes.
#[derive(Debug)]
pub(super) struct Budget {
    used: u64,
    max: u64,
}

impl Budget {
    /// Takes room, or refuses.
    pub(super) fn take(&mut self, operation: &'static str, bytes: u64) -> Result<()> {
        if self.used.saturating_add(bytes) > self.max {
            return Err(Error::new(
                ErrorKind::Full,
                operation,
                format!(
                    "the log in memory holds {} of at most {} bytes and has no room for {bytes} \
                     more; trim a topic, or allow more",
                    self.used, self.max
                ),
            ));
        }
        self.used += bytes;
        Ok(())
    }

    /// Takes room for what cannot be refused: records that move behind those of their parked
    /// key, at most once each.
    pub(super) fn force(&mut self, bytes: u64) {
        self.used = self.used.saturating_add(bytes);
    }

    pub(super) fn give_back(&mut self, bytes: u64) {
        self.used = self.used.saturating_sub(bytes);
    }
}

/// A topic: its records, and the groups that read them.
#[derive(Debug, Default)]
pub(super) struct TopicState {
    pub(super) log: Log,
    pub(super) groups: BTreeMap<Group, GroupState>,
}

impl TopicState {
    /// Makes a group unless it exists. `after` is where it begins then.
    pub(super) fn open(
        &mut self,
        topic: &Topic,
        name: &Group,
        after: Sequence,
        now: Instant,
    ) -> Opened {
        if let Some(group) = self.groups.get_mut(name) {
            group.consumers.sign(now);
            return Opened {
                existed: true,
                position: group.position(),
            };
        }
        let group = GroupState::new(topic.clone(), name.clone(), after, &self.log, now);
        let position = crate::memory::log::position(after);
        self.groups.insert(name.clone(), group);
        Opened {
            existed: false,
            position,
        }
    }

    /// Removes the oldest records; what groups lose by that they will be told.
    pub(super) fn remove_front(&mut self, n: usize, cause: &'static str, budget: &mut Budget) {
        budget.give_back(self.log.remove_front(n));
        for group in self.groups.values_mut() {
            group.skip_removed(&self.log, cause);
        }
    }
}

/// What the lock guards.
#[derive(Debug)]
pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) available: bool,
    pub(super) budget: Budget,
    pub(super) topics: BTreeMap<Topic, TopicState>,
    pub(super) schemas: HashMap<SchemaId, String>,
    pub(super) epochs: Epoch,
    pub(super) consumers: ConsumerId,
}

impl State {
    /// Refuses while the log is away.
    pub(super) fn check(&self, operation: &'static str) -> Result<()> {
        if self.available {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            operation,
            "the log in memory was set unavailable; try again later",
        ))
    }

    pub(super) fn topic(&mut self, operation: &'static str, name: &Topic) -> Result<&TopicState> {
        let topic = self.topics.get(name);
        topic.ok_or_else(|| no_topic(operation, name))
    }

    pub(super) fn group(
        &mut self,
        operation: &'static str,
        topic: &Topic,
        name: &Group,
    ) -> Result<(&mut GroupState, &Log, &mut Budget)> {
        let state = self.topics.get_mut(topic);
        let state = state.ok_or_else(|| no_topic(operation, topic))?;
        let group = state.groups.get_mut(name).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                operation,
                format!("topic {topic} has no group {name}; `tidings groups create` makes one"),
            )
        })?;
        Ok((group, &state.log, &mut self.budget))
    }

    /// Where a group would begin, if it does not exist.
    pub(super) fn resolve(
        &self,
        operation: &'static str,
        topic: &Topic,
        group: &Group,
        start: &Start,
    ) -> Result<Sequence> {
        match self.topics.get(topic) {
            Some(state) if state.groups.contains_key(group) => Ok(0),
            Some(state) => state.log.resolve(operation, start),
            None => Log::default().resolve(operation, start),
        }
    }
}

fn no_topic(operation: &'static str, name: &Topic) -> Error {
    Error::new(
        ErrorKind::NotFound,
        operation,
        format!("there is no topic {name}"),
    )
}

/// The state, and the bell for those who wait for it to change.
#[derive(Debug)]
pub(super) struct Shared {
    // A std mutex: held for short computations only, never over an await.
    state: Mutex<State>,
    pub(super) changed: Notify,
}

impl Shared {
    pub(super) fn new(max_bytes: u64) -> Self {
        Self {
            state: Mutex::new(State {
                clock: Clock::start(),
                available: true,
                budget: Budget {
                    used: 0,
                    max: max_bytes,
                },
                topics: BTreeMap::new(),
                schemas: HashMap::new(),
                epochs: 0,
                consumers: 0,
            }),
            changed: Notify::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("the log in memory never panics while it is locked")
    }

    /// Locks, unless the log is away.
    pub(super) fn open(&self, operation: &'static str) -> Result<MutexGuard<'_, State>> {
        let state = self.lock();
        state.check(operation)?;
        Ok(state)
    }
}
