//! The log in memory as a transport.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::memory::group::GroupState;
use crate::memory::log::{parse, position, size};
use crate::memory::state::{Budget, Shared};
use crate::memory::subscriber::MemorySubscriber;
use crate::{
    Capabilities, Capability, Count, DeadLetter, Error, ErrorKind, Gap, Group, GroupInfo, Key,
    Opened, ParkedKey, Position, Record, Redelivery, Result, Retention, SchemaId, SchemaStore,
    Seeked, Start, Stored, Subscriber, Subscription, Topic, TopicInfo, Transport, Trimmed,
};

/// A log in the memory of this process. Clones share it; it is gone with the last of them.
///
/// Faithful to the whole contract but for [`Capability::Durable`] and
/// [`Capability::Compaction`]. Leases run on tokio's clock, times are the wall time at
/// [`new`](Self::new) plus what that clock has run since. Bounded in bytes, records and dead
/// letters together: beyond that, [`ErrorKind::Full`](crate::ErrorKind::Full). It does not trim
/// by itself.
///
/// ```
/// # use tidings_transport::{Body, Memory, Record, Start, Topic, Transport};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tidings_transport::Error> {
/// let log = Memory::new();
/// let topic = Topic::new("course-catalog")?;
/// let record = Record {
///     topic: topic.clone(),
///     key: None,
///     body: Body::Document(r#"{"specversion":"1.0"}"#.into()),
/// };
/// assert!(log.publish(&[record]).await[0].is_ok());
/// assert_eq!(log.read(&topic, &Start::Earliest, 10).await?.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Memory {
    pub(super) shared: Arc<Shared>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    /// How much it holds unless told otherwise: 256 MiB.
    pub const DEFAULT_MAX_BYTES: u64 = 256 * 1024 * 1024;

    /// An empty log of the default size.
    pub fn new() -> Self {
        Self::with_max_bytes(Self::DEFAULT_MAX_BYTES)
    }

    /// An empty log that holds at most so many bytes: bodies and keys, and 128 bytes a record.
    pub fn with_max_bytes(max_bytes: u64) -> Self {
        Self {
            shared: Arc::new(Shared::new(max_bytes)),
        }
    }
}

impl Memory {
    /// Does something to each of these with their group.
    fn each_letter<T>(
        &self,
        operation: &'static str,
        topic: &Topic,
        name: &Group,
        items: &[T],
        f: impl Fn(&mut GroupState, &T, &mut Budget) -> Result<()>,
    ) -> Vec<Result<()>> {
        let mut state = self.shared.lock();
        let each = items.iter().map(|item| {
            state.check(operation)?;
            let (group, _, budget) = state.group(operation, topic, name)?;
            group.consumers.sign(Instant::now());
            f(group, item, budget)
        });
        each.collect()
    }
}

#[async_trait]
impl Transport for Memory {
    fn capabilities(&self) -> Capabilities {
        Capabilities::of(&[
            Capability::Replay,
            Capability::Competing,
            Capability::KeyedOrder,
            Capability::Delay,
            Capability::GroupUpkeep,
            Capability::Fields,
        ])
    }

    async fn publish(&self, records: &[Record]) -> Vec<Result<Position>> {
        let mut state = self.shared.lock();
        let state = &mut *state;
        let received = state.clock.time(Instant::now());
        let results = records.iter().map(|record| {
            state.check("publish")?;
            let bytes = size(record.key.as_ref(), &record.body);
            state.budget.take("publish", bytes)?;
            // Looked up first: most records go to a topic that is there.
            let topic = match state.topics.get_mut(&record.topic) {
                Some(topic) => topic,
                None => state.topics.entry(record.topic.clone()).or_default(),
            };
            Ok(position(topic.log.append(record, received)))
        });
        let results = results.collect();
        self.shared.changed.notify_waiters();
        results
    }

    async fn create_group(&self, topic: &Topic, group: &Group, start: &Start) -> Result<Opened> {
        let mut state = self.shared.open("create_group")?;
        let after = state.resolve("create_group", topic, group, start)?;
        let found = state.topics.entry(topic.clone()).or_default();
        Ok(found.open(topic, group, after, Instant::now()))
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<Arc<dyn Subscriber>> {
        subscription.check()?;
        let mut state = self.shared.open("subscribe")?;
        // All are resolved before any is made: a position that is refused leaves nothing behind.
        let group = &subscription.group;
        let resolved = subscription.topics.iter().map(|(topic, start)| {
            let after = state.resolve("subscribe", topic, group, start)?;
            Ok((topic.clone(), after))
        });
        let resolved = resolved.collect::<Result<Vec<_>>>()?;
        let now = Instant::now();
        state.consumers += 1;
        let id = state.consumers;
        let mut opened = Vec::with_capacity(resolved.len());
        for (topic, after) in resolved {
            let found = state.topics.entry(topic.clone()).or_default();
            let result = found.open(&topic, group, after, now);
            opened.push((topic, result));
        }
        drop(state);
        let subscriber = MemorySubscriber::new(Arc::clone(&self.shared), subscription, id, opened);
        subscriber.join();
        Ok(Arc::new(subscriber))
    }

    async fn read(&self, topic: &Topic, from: &Start, limit: usize) -> Result<Vec<Stored>> {
        let mut state = self.shared.open("read")?;
        let log = &state.topic("read", topic)?.log;
        let after = log.resolve("read", from)?;
        Ok(log.read(after, log.last(), limit))
    }

    async fn read_until(
        &self,
        topic: &Topic,
        from: &Start,
        end: &Position,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let mut state = self.shared.open("read")?;
        let log = &state.topic("read", topic)?.log;
        let after = log.resolve("read", from)?;
        let end = log.resolve("read", &Start::After(end.clone()))?;
        Ok(log.read(after, end, limit))
    }

    async fn read_back(
        &self,
        topic: &Topic,
        before: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let mut state = self.shared.open("read")?;
        let found = state.topic("read", topic)?;
        let before = before.map(|before| parse("read", before)).transpose()?;
        Ok(found.log.read_back(before, limit))
    }

    async fn topics(&self) -> Result<Vec<TopicInfo>> {
        let state = self.shared.open("topics")?;
        let topics = state.topics.iter();
        Ok(topics
            .map(|(name, topic)| {
                let log = &topic.log;
                let newest = log.get(log.last());
                TopicInfo {
                    topic: name.clone(),
                    length: log.len() as u64,
                    first: newest.map(|_| position(log.first())),
                    last: newest.map(|_| position(log.last())),
                    last_received: newest.map(|e| e.received),
                    bytes: Some(log.bytes()),
                }
            })
            .collect())
    }

    async fn groups(&self, topic: &Topic) -> Result<Vec<GroupInfo>> {
        let mut state = self.shared.open("groups")?;
        let now = Instant::now();
        let time = state.clock.time(now);
        let found = state.topic("groups", topic)?;
        let groups = found.groups.values();
        Ok(groups.map(|g| g.describe(&found.log, now, time)).collect())
    }

    async fn losses(&self, topic: &Topic, group: &Group) -> Result<Option<Gap>> {
        let mut state = self.shared.open("losses")?;
        let (found, _, _) = state.group("losses", topic, group)?;
        Ok(found.losses.sum(topic, group))
    }

    async fn acknowledge_losses(&self, topic: &Topic, group: &Group) -> Result<Count> {
        let mut state = self.shared.open("acknowledge_losses")?;
        let (found, _, _) = state.group("acknowledge_losses", topic, group)?;
        Ok(found.losses.acknowledge())
    }

    async fn remove_group(&self, topic: &Topic, group: &Group) -> Result<()> {
        let mut state = self.shared.open("remove_group")?;
        let now = Instant::now();
        let (found, _, budget) = state.group("remove_group", topic, group)?;
        let alive = found.consumers.names(now).len();
        if alive > 0 {
            return Err(Error::new(
                ErrorKind::Invalid,
                "remove_group",
                format!(
                    "group {group} of {topic} has consumers that live ({alive}): stop them first, \
                     or they would make it anew"
                ),
            ));
        }
        for letter in found.dead.list(None, usize::MAX)? {
            budget.give_back(size(letter.key.as_ref(), &letter.body));
        }
        if let Some(found) = state.topics.get_mut(topic) {
            found.groups.remove(group);
        }
        self.shared.changed.notify_waiters();
        Ok(())
    }

    async fn seek(&self, topic: &Topic, group: &Group, to: &Start) -> Result<Seeked> {
        let mut state = self.shared.open("seek")?;
        let (group, log, _) = state.group("seek", topic, group)?;
        let after = log.resolve("seek", to)?;
        let seeked = group.seek(log, after);
        group.consumers.sign(Instant::now());
        self.shared.changed.notify_waiters();
        Ok(seeked)
    }

    async fn trim(&self, topic: &Topic, retention: &Retention) -> Result<Trimmed> {
        let mut state = self.shared.open("trim")?;
        let now = Instant::now();
        let time = state.clock.time(now);
        state.topic("trim", topic)?;
        let state = &mut *state;
        let Some(found) = state.topics.get_mut(topic) else {
            return Ok(Trimmed::default());
        };
        let log = &found.log;
        let beyond = |max: Option<u64>| {
            let max = max.map_or(usize::MAX, |m| usize::try_from(m).unwrap_or(usize::MAX));
            log.len().saturating_sub(max)
        };
        let old = retention
            .max_age
            .and_then(|age| time.checked_sub(age).ok())
            .map_or(0, |before| log.received_before(before));
        let hard = beyond(retention.hard_max_len);
        let named = old.max(beyond(retention.max_len)).max(hard);
        let (mut free, mut needed_by) = (named, Vec::new());
        for (name, group) in &found.groups {
            let before = group.needs().saturating_sub(log.first());
            let before = usize::try_from(before).unwrap_or(usize::MAX);
            if before < named && group.consumers.active(retention.group_ttl, now) {
                free = free.min(before);
                needed_by.push(name.clone());
            }
        }
        let remove = free.max(hard);
        if !retention.dry_run && remove > 0 {
            found.remove_front(remove, "trimmed before it was settled", &mut state.budget);
            self.shared.changed.notify_waiters();
        }
        Ok(Trimmed {
            removed: remove as u64,
            spared: (named - remove) as u64,
            needed_by,
        })
    }

    async fn dead_letters(
        &self,
        topic: &Topic,
        group: &Group,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        let mut state = self.shared.open("dead_letters")?;
        let (group, _, _) = state.group("dead_letters", topic, group)?;
        group.dead.list(after, limit)
    }

    async fn parked(&self, topic: &Topic, group: &Group) -> Result<Vec<ParkedKey>> {
        let mut state = self.shared.open("parked")?;
        let (group, _, _) = state.group("parked", topic, group)?;
        Ok(group.dead.parked())
    }

    async fn release(&self, topic: &Topic, group: &Group, key: &Key) -> Result<u64> {
        let mut state = self.shared.open("release")?;
        let (group, _, _) = state.group("release", topic, group)?;
        let waiting = group.release(key);
        group.consumers.sign(Instant::now());
        self.shared.changed.notify_waiters();
        Ok(waiting)
    }

    async fn redeliver(
        &self,
        topic: &Topic,
        group: &Group,
        records: &[Redelivery],
    ) -> Vec<Result<()>> {
        let results = self.each_letter("redeliver", topic, group, records, GroupState::redeliver);
        self.shared.changed.notify_waiters();
        results
    }

    async fn discard(&self, topic: &Topic, group: &Group, ids: &[Position]) -> Vec<Result<()>> {
        let results = self.each_letter("discard", topic, group, ids, GroupState::discard);
        // What waited behind them may be free.
        self.shared.changed.notify_waiters();
        results
    }

    fn schema_store(&self) -> Option<&dyn SchemaStore> {
        Some(self)
    }

    async fn ping(&self) -> Result<String> {
        drop(self.shared.open("ping")?);
        Ok("a log in the memory of this process".into())
    }
}

#[async_trait]
impl SchemaStore for Memory {
    async fn put_schema(&self, id: &SchemaId, schema: &str) -> Result<()> {
        let mut state = self.shared.open("put_schema")?;
        if !state.schemas.contains_key(id) {
            state.budget.take("put_schema", schema.len() as u64)?;
            state.schemas.insert(id.clone(), schema.into());
        }
        Ok(())
    }

    async fn get_schema(&self, id: &SchemaId) -> Result<Option<String>> {
        Ok(self.shared.open("get_schema")?.schemas.get(id).cloned())
    }
}
