//! A log that breaks the contract in one place, and a harness for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};

use async_trait::async_trait;
use tidings_conformance::{Crash, Faults, GroupLoss, Harness};
use tidings_transport::{
    Batch, Capabilities, Count, DeadLetter, Delivery, Finding, Follower, Gap, Group, GroupInfo,
    Key, LogProcess, Opened, ParkedKey, Position, Record, Redelivery, Result, Retention,
    SchemaRegistry, SchemaStore, Seeked, Settlement, Start, Stored, Subscriber, Subscription,
    Topic, TopicInfo, Transport, Trimmed, settle_then_start,
};

use crate::simulated::{Simulated, SimulatedHarness};

/// An honest handle, and which of the harness's handles it is, from 1.
pub struct Handle {
    pub log: Arc<dyn Transport>,
    pub number: u64,
}

/// An honest consumer, and how it joined.
pub struct Seat {
    pub consumer: Arc<dyn Subscriber>,
    pub handle: Arc<Handle>,
    pub subscription: Subscription,
}

/// One way to break the contract: everything that it does not override is done honestly.
#[async_trait]
pub trait Fault: Send + Sync + 'static {
    async fn publish(&self, handle: &Handle, records: &[Record]) -> Vec<Result<Position>> {
        handle.log.publish(records).await
    }

    async fn create_group(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        start: &Start,
    ) -> Result<Opened> {
        handle.log.create_group(topic, group, start).await
    }

    async fn subscribe(
        &self,
        handle: &Handle,
        wanted: Subscription,
    ) -> Result<Arc<dyn Subscriber>> {
        handle.log.subscribe(wanted).await
    }

    async fn read(
        &self,
        handle: &Handle,
        topic: &Topic,
        from: &Start,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        handle.log.read(topic, from, limit).await
    }

    async fn read_until(
        &self,
        handle: &Handle,
        topic: &Topic,
        from: &Start,
        end: &Position,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        handle.log.read_until(topic, from, end, limit).await
    }

    async fn read_back(
        &self,
        handle: &Handle,
        topic: &Topic,
        before: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        handle.log.read_back(topic, before, limit).await
    }

    async fn topics(&self, handle: &Handle) -> Result<Vec<TopicInfo>> {
        handle.log.topics().await
    }

    async fn groups(&self, handle: &Handle, topic: &Topic) -> Result<Vec<GroupInfo>> {
        handle.log.groups(topic).await
    }

    async fn losses(&self, handle: &Handle, topic: &Topic, group: &Group) -> Result<Option<Gap>> {
        handle.log.losses(topic, group).await
    }

    async fn acknowledge_losses(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
    ) -> Result<Count> {
        handle.log.acknowledge_losses(topic, group).await
    }

    async fn remove_group(&self, handle: &Handle, topic: &Topic, group: &Group) -> Result<()> {
        handle.log.remove_group(topic, group).await
    }

    async fn seek(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        to: &Start,
    ) -> Result<Seeked> {
        handle.log.seek(topic, group, to).await
    }

    async fn trim(&self, handle: &Handle, topic: &Topic, keep: &Retention) -> Result<Trimmed> {
        handle.log.trim(topic, keep).await
    }

    async fn dead_letters(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        handle.log.dead_letters(topic, group, after, limit).await
    }

    async fn parked(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
    ) -> Result<Vec<ParkedKey>> {
        handle.log.parked(topic, group).await
    }

    async fn release(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        key: &Key,
    ) -> Result<u64> {
        handle.log.release(topic, group, key).await
    }

    async fn redeliver(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        records: &[Redelivery],
    ) -> Vec<Result<()>> {
        handle.log.redeliver(topic, group, records).await
    }

    async fn discard(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        ids: &[Position],
    ) -> Vec<Result<()>> {
        handle.log.discard(topic, group, ids).await
    }

    fn schema_store<'a>(&self, handle: &'a Handle) -> Option<&'a dyn SchemaStore> {
        handle.log.schema_store()
    }

    async fn ping(&self, handle: &Handle) -> Result<String> {
        handle.log.ping().await
    }

    fn opened<'a>(&self, seat: &'a Seat) -> &'a [(Topic, Opened)] {
        seat.consumer.opened()
    }

    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        seat.consumer.next(max).await
    }

    async fn start(&self, seat: &Seat, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32>> {
        seat.consumer.start(deliveries).await
    }

    async fn heartbeat(&self, seat: &Seat, deliveries: &[Arc<Delivery>]) -> Vec<Result<()>> {
        seat.consumer.heartbeat(deliveries).await
    }

    async fn settle(&self, seat: &Seat, settlements: &[Settlement]) -> Vec<Result<()>> {
        seat.consumer.settle(settlements).await
    }

    /// `None`: as two calls.
    async fn settle_and_start(
        &self,
        _seat: &Seat,
        _settlements: &[Settlement],
        _followers: &[Follower],
    ) -> Option<(Vec<Result<()>>, Vec<Result<u32>>)> {
        None
    }

    async fn close(&self, seat: &Seat) -> Result<()> {
        seat.consumer.close().await
    }

    fn handle_dropped(&self, _handle: &Handle) {}

    fn consumer_dropped(&self, _seat: &Seat) {}

    /// The log was killed.
    async fn killed(&self, _log: &Simulated) {}

    /// Somebody else has destroyed a group.
    async fn group_lost(&self, _log: &Simulated, _topic: &Topic, _group: &Group) {}
}

/// A handle to a log that breaks the contract by `fault`.
struct Sabotage {
    inner: Arc<Handle>,
    fault: Arc<dyn Fault>,
}

impl Drop for Sabotage {
    fn drop(&mut self) {
        self.fault.handle_dropped(&self.inner);
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Transport for Sabotage {
    fn capabilities(&self) -> Capabilities {
        self.inner.log.capabilities()
    }

    async fn publish(&self, records: &[Record]) -> Vec<Result<Position>> {
        self.fault.publish(&self.inner, records).await
    }

    fn batches_under_way(&self) -> usize {
        self.inner.log.batches_under_way()
    }

    async fn create_group(&self, topic: &Topic, group: &Group, start: &Start) -> Result<Opened> {
        let (handle, fault) = (&self.inner, &self.fault);
        fault.create_group(handle, topic, group, start).await
    }

    async fn subscribe(&self, wanted: Subscription) -> Result<Arc<dyn Subscriber>> {
        let subscription = wanted.clone();
        let consumer = self.fault.subscribe(&self.inner, wanted).await?;
        Ok(Arc::new(SabotagedSubscriber {
            inner: Seat {
                consumer,
                handle: self.inner.clone(),
                subscription,
            },
            fault: self.fault.clone(),
        }))
    }

    async fn read(&self, topic: &Topic, from: &Start, limit: usize) -> Result<Vec<Stored>> {
        self.fault.read(&self.inner, topic, from, limit).await
    }

    async fn read_until(
        &self,
        topic: &Topic,
        from: &Start,
        end: &Position,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let (handle, fault) = (&self.inner, &self.fault);
        fault.read_until(handle, topic, from, end, limit).await
    }

    async fn read_back(
        &self,
        topic: &Topic,
        before: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let (handle, fault) = (&self.inner, &self.fault);
        fault.read_back(handle, topic, before, limit).await
    }

    async fn topics(&self) -> Result<Vec<TopicInfo>> {
        self.fault.topics(&self.inner).await
    }

    async fn topic(&self, topic: &Topic) -> Result<TopicInfo> {
        self.inner.log.topic(topic).await
    }

    async fn groups(&self, topic: &Topic) -> Result<Vec<GroupInfo>> {
        self.fault.groups(&self.inner, topic).await
    }

    async fn losses(&self, topic: &Topic, group: &Group) -> Result<Option<Gap>> {
        self.fault.losses(&self.inner, topic, group).await
    }

    async fn acknowledge_losses(&self, topic: &Topic, group: &Group) -> Result<Count> {
        let (handle, fault) = (&self.inner, &self.fault);
        fault.acknowledge_losses(handle, topic, group).await
    }

    async fn remove_group(&self, topic: &Topic, group: &Group) -> Result<()> {
        self.fault.remove_group(&self.inner, topic, group).await
    }

    async fn seek(&self, topic: &Topic, group: &Group, to: &Start) -> Result<Seeked> {
        self.fault.seek(&self.inner, topic, group, to).await
    }

    async fn trim(&self, topic: &Topic, retention: &Retention) -> Result<Trimmed> {
        self.fault.trim(&self.inner, topic, retention).await
    }

    async fn dead_letters(
        &self,
        topic: &Topic,
        group: &Group,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        let (handle, fault) = (&self.inner, &self.fault);
        fault.dead_letters(handle, topic, group, after, limit).await
    }

    async fn parked(&self, topic: &Topic, group: &Group) -> Result<Vec<ParkedKey>> {
        self.fault.parked(&self.inner, topic, group).await
    }

    async fn release(&self, topic: &Topic, group: &Group, key: &Key) -> Result<u64> {
        self.fault.release(&self.inner, topic, group, key).await
    }

    async fn redeliver(
        &self,
        topic: &Topic,
        group: &Group,
        records: &[Redelivery],
    ) -> Vec<Result<()>> {
        let (handle, fault) = (&self.inner, &self.fault);
        fault.redeliver(handle, topic, group, records).await
    }

    async fn discard(&self, topic: &Topic, group: &Group, ids: &[Position]) -> Vec<Result<()>> {
        self.fault.discard(&self.inner, topic, group, ids).await
    }

    fn schema_store(&self) -> Option<&dyn SchemaStore> {
        self.fault.schema_store(&self.inner)
    }

    fn schema_registry(&self) -> Option<&dyn SchemaRegistry> {
        self.inner.log.schema_registry()
    }

    async fn ping(&self) -> Result<String> {
        self.fault.ping(&self.inner).await
    }

    async fn process(&self) -> Result<Option<LogProcess>> {
        self.inner.log.process().await
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        self.inner.log.diagnose().await
    }
}

struct SabotagedSubscriber {
    inner: Seat,
    fault: Arc<dyn Fault>,
}

impl Drop for SabotagedSubscriber {
    fn drop(&mut self) {
        self.fault.consumer_dropped(&self.inner);
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Subscriber for SabotagedSubscriber {
    fn opened(&self) -> &[(Topic, Opened)] {
        self.fault.opened(&self.inner)
    }

    async fn next(&self, max: usize) -> Result<Batch> {
        self.fault.next(&self.inner, max).await
    }

    async fn start(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32>> {
        self.fault.start(&self.inner, deliveries).await
    }

    async fn heartbeat(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<()>> {
        self.fault.heartbeat(&self.inner, deliveries).await
    }

    async fn settle(&self, settlements: &[Settlement]) -> Vec<Result<()>> {
        self.fault.settle(&self.inner, settlements).await
    }

    async fn settle_and_start(
        &self,
        settlements: &[Settlement],
        followers: &[Follower],
    ) -> (Vec<Result<()>>, Vec<Result<u32>>) {
        let (seat, fault) = (&self.inner, &self.fault);
        match fault.settle_and_start(seat, settlements, followers).await {
            Some(results) => results,
            None => settle_then_start(self, settlements, followers).await,
        }
    }

    async fn close(&self) -> Result<()> {
        self.fault.close(&self.inner).await
    }
}

/// A harness for a sabotaged log.
pub struct SabotagedHarness {
    honest: SimulatedHarness,
    fault: Arc<dyn Fault>,
    handles: AtomicU64,
}

impl SabotagedHarness {
    pub fn new(log: Arc<Simulated>, fault: Arc<dyn Fault>) -> Self {
        Self {
            honest: SimulatedHarness(log),
            fault,
            handles: AtomicU64::new(0),
        }
    }
}

#[async_trait]
impl Harness for SabotagedHarness {
    async fn open(&self) -> Arc<dyn Transport> {
        let log = self.honest.open().await;
        let number = self.handles.fetch_add(1, Atomic::Relaxed);
        Arc::new(Sabotage {
            inner: Arc::new(Handle { log, number }),
            fault: self.fault.clone(),
        })
    }

    fn faults(&self) -> Faults<'_> {
        let mut faults = self.honest.faults();
        faults.crash = Some(self);
        faults.group_loss = Some(self);
        faults
    }
}

#[async_trait]
impl Crash for SabotagedHarness {
    async fn kill(&self) {
        self.fault.killed(&self.honest.0).await;
        self.honest.0.kill().await;
    }

    async fn restart(&self) {
        self.honest.0.restart().await;
    }
}

#[async_trait]
impl GroupLoss for SabotagedHarness {
    async fn destroy_group(&self, topic: &Topic, group: &Group) {
        self.honest.0.destroy_group(topic, group).await;
        self.fault.group_lost(&self.honest.0, topic, group).await;
    }
}
