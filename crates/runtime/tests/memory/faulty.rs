//! A log in memory that fails on purpose, or has fewer abilities.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering as Atomic};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tidings_transport::{
    Batch, Capabilities, Capability, Count, DeadLetter, Delivery, Error, ErrorKind, Finding,
    Follower, Gap, Group, GroupInfo, Key, LogProcess, Memory, Opened, Ordering, Outcome, ParkedKey,
    Position, Record, Redelivery, Result, Retention, SchemaRegistry, SchemaStore, Seeked,
    Settlement, Start, Stored, Subscriber, Subscription, Topic, TopicInfo, Transport, Trimmed,
    settle_then_start,
};
use tokio::time::sleep;

/// What is wrong with it.
#[derive(Default)]
pub struct Faults {
    /// So many dead letters cannot be stored from now on.
    pub refuse_letters: AtomicUsize,
    /// Dead letters that could not be stored.
    pub refused: AtomicUsize,
    /// It hands out everything in log order, and its caller holds back successors.
    pub unkeyed: bool,
    /// Its records are messages with headers.
    pub headers: bool,
    /// How often it was asked for deliveries.
    pub asked: AtomicUsize,
    /// What numbers its schemas.
    pub registry: Option<Arc<dyn SchemaRegistry>>,
    /// Publishing takes its time, and is refused at times: so many batches may be under way.
    pub slow: Option<Slow>,
}

/// A log whose publishing takes its time.
pub struct Slow {
    pub width: usize,
    /// The keys of what is under way, a list for each call, and how many calls there were at most.
    pub under_way: Mutex<(Vec<Vec<Key>>, usize)>,
}

impl Slow {
    /// Notes what is under way, waits, and refuses a third of it.
    async fn refuses(&self, records: &[Record]) -> Vec<bool> {
        let keys: Vec<Key> = records.iter().filter_map(|r| r.key.clone()).collect();
        {
            let (calls, most) = &mut *self.under_way.lock().unwrap();
            for key in calls.iter().flatten() {
                assert!(!keys.contains(key), "{key:?} is under way already");
            }
            calls.push(keys.clone());
            *most = calls.len().max(*most);
        }
        sleep(Duration::from_millis(rand::random_range(0..20))).await;
        let (calls, _) = &mut *self.under_way.lock().unwrap();
        let at = calls.iter().position(|other| *other == keys).unwrap();
        calls.swap_remove(at);
        records.iter().map(|_| rand::random_ratio(1, 3)).collect()
    }
}

/// A log that fails on purpose.
#[derive(Clone)]
pub struct Faulty {
    pub log: Memory,
    pub faults: Arc<Faults>,
}

impl Faulty {
    pub fn new(log: Memory, faults: Faults) -> Self {
        Self {
            log,
            faults: Arc::new(faults),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Transport for Faulty {
    fn capabilities(&self) -> Capabilities {
        match self.faults.unkeyed {
            true => Capabilities::of(&[
                Capability::Replay,
                Capability::Fields,
                Capability::SettleAndStart,
            ]),
            false if self.faults.headers => Capabilities::of(&[
                Capability::Replay,
                Capability::KeyedOrder,
                Capability::Fields,
                Capability::Headers,
            ]),
            false => self.log.capabilities(),
        }
    }

    async fn publish(&self, records: &[Record]) -> Vec<Result<Position>> {
        let Some(slow) = &self.faults.slow else {
            return self.log.publish(records).await;
        };
        let mut results = Vec::with_capacity(records.len());
        let mut refused = HashSet::new();
        for (record, refuse) in records.iter().zip(slow.refuses(records).await) {
            // What follows a refusal of its key is refused as well, as a log does that keeps order.
            if refuse || refused.contains(&record.key) {
                refused.insert(record.key.clone());
                let away = "the log is loading its data";
                results.push(Err(Error::new(ErrorKind::Unavailable, "publish", away)));
                continue;
            }
            results.extend(self.log.publish(std::slice::from_ref(record)).await);
        }
        results
    }

    fn batches_under_way(&self) -> usize {
        let slow = self.faults.slow.as_ref();
        slow.map_or(self.log.batches_under_way(), |slow| slow.width)
    }

    async fn create_group(&self, topic: &Topic, group: &Group, start: &Start) -> Result<Opened> {
        self.log.create_group(topic, group, start).await
    }

    async fn subscribe(&self, mut subscription: Subscription) -> Result<Arc<dyn Subscriber>> {
        if self.faults.unkeyed {
            subscription.ordering = Ordering::None;
        }
        Ok(Arc::new(FaultySubscriber {
            inner: self.log.subscribe(subscription).await?,
            faults: self.faults.clone(),
            told: AtomicBool::new(!self.faults.unkeyed),
        }))
    }

    async fn read(&self, topic: &Topic, from: &Start, limit: usize) -> Result<Vec<Stored>> {
        self.log.read(topic, from, limit).await
    }

    async fn read_until(
        &self,
        topic: &Topic,
        from: &Start,
        end: &Position,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        self.log.read_until(topic, from, end, limit).await
    }

    async fn read_back(
        &self,
        topic: &Topic,
        before: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        self.log.read_back(topic, before, limit).await
    }

    async fn topics(&self) -> Result<Vec<TopicInfo>> {
        self.log.topics().await
    }

    async fn topic(&self, topic: &Topic) -> Result<TopicInfo> {
        self.log.topic(topic).await
    }

    async fn groups(&self, topic: &Topic) -> Result<Vec<GroupInfo>> {
        self.log.groups(topic).await
    }

    async fn losses(&self, topic: &Topic, group: &Group) -> Result<Option<Gap>> {
        self.log.losses(topic, group).await
    }

    async fn acknowledge_losses(&self, topic: &Topic, group: &Group) -> Result<Count> {
        self.log.acknowledge_losses(topic, group).await
    }

    async fn remove_group(&self, topic: &Topic, group: &Group) -> Result<()> {
        self.log.remove_group(topic, group).await
    }

    async fn seek(&self, topic: &Topic, group: &Group, to: &Start) -> Result<Seeked> {
        self.log.seek(topic, group, to).await
    }

    async fn trim(&self, topic: &Topic, retention: &Retention) -> Result<Trimmed> {
        self.log.trim(topic, retention).await
    }

    async fn dead_letters(
        &self,
        topic: &Topic,
        group: &Group,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        self.log.dead_letters(topic, group, after, limit).await
    }

    async fn parked(&self, topic: &Topic, group: &Group) -> Result<Vec<ParkedKey>> {
        self.log.parked(topic, group).await
    }

    async fn release(&self, topic: &Topic, group: &Group, key: &Key) -> Result<u64> {
        self.log.release(topic, group, key).await
    }

    async fn redeliver(
        &self,
        topic: &Topic,
        group: &Group,
        records: &[Redelivery],
    ) -> Vec<Result<()>> {
        self.log.redeliver(topic, group, records).await
    }

    async fn discard(&self, topic: &Topic, group: &Group, ids: &[Position]) -> Vec<Result<()>> {
        self.log.discard(topic, group, ids).await
    }

    fn schema_store(&self) -> Option<&dyn SchemaStore> {
        self.log.schema_store()
    }

    fn schema_registry(&self) -> Option<&dyn SchemaRegistry> {
        self.faults.registry.as_deref()
    }

    async fn ping(&self) -> Result<String> {
        self.log.ping().await
    }

    async fn process(&self) -> Result<Option<LogProcess>> {
        self.log.process().await
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        self.log.diagnose().await
    }
}

struct FaultySubscriber {
    inner: Arc<dyn Subscriber>,
    faults: Arc<Faults>,
    /// That it has become the active one.
    told: AtomicBool,
}

impl FaultySubscriber {
    fn refuses(&self, settlement: &Settlement) -> bool {
        let letter = matches!(
            settlement.outcome,
            Outcome::DeadLetter { .. } | Outcome::Park { .. }
        );
        let faults = &self.faults;
        let left = faults.refuse_letters.load(Atomic::SeqCst);
        if !letter || left == 0 {
            return false;
        }
        faults.refuse_letters.store(left - 1, Atomic::SeqCst);
        faults.refused.fetch_add(1, Atomic::SeqCst);
        true
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Subscriber for FaultySubscriber {
    fn opened(&self) -> &[(Topic, Opened)] {
        self.inner.opened()
    }

    async fn next(&self, max: usize) -> Result<Batch> {
        self.faults.asked.fetch_add(1, Atomic::SeqCst);
        let mut batch = self.inner.next(max).await?;
        if !batch.deliveries.is_empty() && !self.told.swap(true, Atomic::SeqCst) {
            let topics = self.inner.opened().iter();
            batch.became_active = topics.map(|(topic, _)| topic.clone()).collect();
        }
        Ok(batch)
    }

    async fn start(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32>> {
        self.inner.start(deliveries).await
    }

    async fn heartbeat(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<()>> {
        self.inner.heartbeat(deliveries).await
    }

    async fn settle(&self, settlements: &[Settlement]) -> Vec<Result<()>> {
        let mut results = Vec::with_capacity(settlements.len());
        for settlement in settlements {
            if self.refuses(settlement) {
                let full = "the dead-letter log has no room";
                results.push(Err(Error::new(ErrorKind::Full, "settle", full)));
                continue;
            }
            let one = std::slice::from_ref(settlement);
            results.extend(self.inner.settle(one).await);
        }
        results
    }

    async fn settle_and_start(
        &self,
        settlements: &[Settlement],
        followers: &[Follower],
    ) -> (Vec<Result<()>>, Vec<Result<u32>>) {
        settle_then_start(self, settlements, followers).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}
