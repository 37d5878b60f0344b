//! What a log can do, in one screen.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    Capabilities, Capability, Count, DeadLetter, Error, ErrorKind, Finding, Gap, Group, GroupInfo,
    Key, LogProcess, Opened, ParkedKey, Position, Record, Redelivery, Result, Retention,
    SchemaRegistry, SchemaStore, Seeked, Start, Stored, Subscriber, Subscription, Topic, TopicInfo,
    Trimmed,
};

/// A log that carries records between services.
///
/// Cheap to share (`Arc<dyn Transport>`); every method may be called concurrently. The numbers
/// are those of the guarantees in `ARCHITECTURE.md`.
///
/// Topics come to be by [`publish`](Self::publish), groups and their topics by
/// [`create_group`](Self::create_group) and [`subscribe`](Self::subscribe). Every other method
/// that names one which does not exist returns [`ErrorKind::NotFound`](crate::ErrorKind::NotFound).
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// What this log can do beyond the contract. A method that needs an ability names it, and
    /// without it returns [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) before any I/O.
    fn capabilities(&self) -> Capabilities;

    /// Appends records, in order per topic, and says for each where it stands or why it does not.
    ///
    /// (1) A record whose result is `Ok` survives the loss of this process, and of the log's
    /// process within the log's configured durability. When nobody can know whether it was
    /// stored, the kind is `UnknownOutcome`: publish it again, with the same event id.
    /// (7) Records of several event types may share a topic.
    ///
    /// The result has one entry per record, in the order given. A record fails alone.
    async fn publish(&self, records: &[Record]) -> Vec<Result<Position>>;

    /// How many calls of [`publish`](Self::publish) are worth having under way at once, for whoever
    /// gathers records into batches: more than one where the log works on the next batch while the
    /// answers to the one before are on their way. Order is the caller's to keep: what must not overtake a
    /// record is published after that one is answered.
    fn batches_under_way(&self) -> usize {
        1
    }

    /// Makes a group at `start`, unless it exists: then its position stays and the result says so.
    ///
    /// (3) `Start::Latest` is resolved and stored now: what is published after this returns
    /// belongs to the group, whether or not a consumer runs. The topic need not exist yet.
    async fn create_group(&self, topic: &Topic, group: &Group, start: &Start) -> Result<Opened>;

    /// Joins a group on one or more topics, creating it where it is missing as
    /// [`create_group`](Self::create_group) does.
    ///
    /// (2) Every group that exists when a record is published gets it at least once. Its position
    /// moves only by settling or by [`seek`](Self::seek): never by starting, restarting or adding
    /// a consumer.
    async fn subscribe(&self, subscription: Subscription) -> Result<Arc<dyn Subscriber>>;

    /// Reads records at or after `from`, oldest first, at most `limit`; leaves no trace.
    /// From `Start::Latest` there is nothing. Requires `Capability::Replay`.
    async fn read(&self, topic: &Topic, from: &Start, limit: usize) -> Result<Vec<Stored>>;

    /// [`read`](Self::read), up to the record at `end` and no further: an end that stands still while others
    /// publish. There is nothing where `end` comes before `from`. Requires `Capability::Replay`.
    async fn read_until(
        &self,
        topic: &Topic,
        from: &Start,
        end: &Position,
        limit: usize,
    ) -> Result<Vec<Stored>>;

    /// Reads the records before `before`, or all where it is `None`: newest first, at most `limit`;
    /// leaves no trace. Requires `Capability::Replay`.
    async fn read_back(
        &self,
        topic: &Topic,
        before: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Stored>>;

    /// The topics of this log, by name.
    async fn topics(&self) -> Result<Vec<TopicInfo>>;

    /// One topic, as [`topics`](Self::topics) tells of it. A log that need not look at all of them
    /// for that does not; the default does.
    async fn topic(&self, topic: &Topic) -> Result<TopicInfo> {
        let mut all = self.topics().await?.into_iter();
        all.find(|info| info.topic == *topic).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "topic",
                format!("there is no topic {topic}"),
            )
        })
    }

    /// The groups of a topic, by name, with what they have not settled. Observing moves nothing.
    async fn groups(&self, topic: &Topic) -> Result<Vec<GroupInfo>>;

    /// All that [`GroupInfo::lost`] counts of a group, as one gap: its cause is how the last of it was
    /// noticed. `None` when nothing is lost. Observing moves nothing.
    ///
    /// A log that keeps no causes has nothing to say: the default is `None`.
    async fn losses(&self, _topic: &Topic, _group: &Group) -> Result<Option<Gap>> {
        Ok(None)
    }

    /// Sets [`GroupInfo::lost`] back to nothing, and returns what it was: a person has taken note of
    /// it. A consumer that was not told yet is told all the same. Requires
    /// `Capability::GroupUpkeep`.
    async fn acknowledge_losses(&self, _topic: &Topic, _group: &Group) -> Result<Count> {
        Err(unsupported("acknowledge_losses"))
    }

    /// Removes a group for good, with its position, its dead letters and its parked keys; the records
    /// stay. `Invalid` while consumers of it live. Requires `Capability::GroupUpkeep`.
    async fn remove_group(&self, _topic: &Topic, _group: &Group) -> Result<()> {
        Err(unsupported("remove_group"))
    }

    /// Moves a group: it will be handed what stands at or after `to`, and what it held in flight
    /// is forgotten (a settlement of it is `Stale`). Dead letters and parked keys stay, and so do
    /// released deliveries in hand, which belong to them.
    async fn seek(&self, topic: &Topic, group: &Group, to: &Start) -> Result<Seeked>;

    /// Removes old records, from the oldest on without holes. (8) Spares what groups active within `retention.group_ttl` have not
    /// settled, up to `retention.hard_max_len`, which always wins: what it takes from a group is
    /// reported to it as a [`Gap`].
    async fn trim(&self, topic: &Topic, retention: &Retention) -> Result<Trimmed>;

    /// The dead letters of a group, parked ones included, oldest first, after `after`.
    async fn dead_letters(
        &self,
        topic: &Topic,
        group: &Group,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>>;

    /// The keys that wait in the dead-letter log, and in which state.
    async fn parked(&self, topic: &Topic, group: &Group) -> Result<Vec<ParkedKey>>;

    /// Marks a parked key *releasing*: the active consumer is then handed its parked records in
    /// their order, one at a time, before newer ones of that key. With the last of them settled the
    /// key is clear, in one step with finding none left. Returns how many wait, 0 where the key
    /// is not parked; for a key that is releasing already nothing changes.
    async fn release(&self, topic: &Topic, group: &Group, key: &Key) -> Result<u64>;

    /// Hands records to this group once more, and to no other, as `released` deliveries: dead
    /// letters by their ids, or records of the topic. Each waits in the dead-letter log until it
    /// is settled; those of one key come one at a time, in the order of that log, and what fails
    /// stays there as a dead letter, its key clear. `NotFound` where there is no such dead letter,
    /// `Invalid` where it waits behind its parked key: release that. One result each.
    async fn redeliver(
        &self,
        topic: &Topic,
        group: &Group,
        records: &[Redelivery],
    ) -> Vec<Result<()>>;

    /// Removes dead letters for good, parked ones too: a key for which nothing waits any more is
    /// clear, and the settlement of one in somebody's hands is `Stale`. One result each;
    /// `NotFound` where there is none of this id.
    async fn discard(&self, topic: &Topic, group: &Group, ids: &[Position]) -> Vec<Result<()>>;

    /// Where schemas of schema-less wires are kept, if this log keeps them.
    fn schema_store(&self) -> Option<&dyn SchemaStore>;

    /// The registry that numbers schemas for this log, if there is one. Only logs with
    /// `Capability::Headers` have wires that ask for it.
    fn schema_registry(&self) -> Option<&dyn SchemaRegistry> {
        None
    }

    /// Checks that the log answers, and returns what it is: `"Redis 7.0.15"`.
    async fn ping(&self) -> Result<String>;

    /// The process that keeps the log, where one that ends may take with it records that it had
    /// acknowledged (Redis with `appendfsync everysec`): for whoever has them still, and can
    /// publish them again.
    ///
    /// `None`, which is the default, where nothing acknowledged ends with a process, or where the
    /// log does not tell.
    async fn process(&self) -> Result<Option<LogProcess>> {
        Ok(None)
    }

    /// What in the log's own settings and state endangers the guarantees, for `tidings doctor`:
    /// an eviction policy, missing persistence, an unsafe version, a disk that is nearly full.
    /// What every log can tell (lag, pending, gaps) is in [`groups`](Self::groups) instead.
    /// Observing changes nothing; a fact that the log refuses to tell is a finding, not an error.
    ///
    /// A log without settings of its own has nothing to say: the default is empty.
    async fn diagnose(&self) -> Result<Vec<Finding>> {
        Ok(Vec::new())
    }
}

/// What a method says that a log does not have.
fn unsupported(operation: &'static str) -> Error {
    let lacks = Capabilities::default().require(Capability::GroupUpkeep, operation);
    lacks.expect_err("the empty set has no ability")
}
