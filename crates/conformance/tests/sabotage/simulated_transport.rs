//! A handle to a simulated log, and its consumers.

use std::sync::atomic::{AtomicBool, Ordering as Atomic};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tidings_transport::{
    Batch, Capabilities, Capability, Count, DeadLetter, Delivery, Finding, Follower, Gap, Group,
    GroupInfo, Key, LogProcess, Memory, Opened, Ordering, Outcome, ParkedKey, Position, Record,
    Redelivery, Result, Retention, SchemaId, SchemaRegistry, SchemaStore, Seeked, Settlement,
    Start, Stored, Subscriber, Subscription, Topic, TopicInfo, Transport, Trimmed,
    settle_then_start,
};
use tokio::sync::watch;

use crate::simulated::Simulated;

pub struct SimulatedTransport(pub Arc<Simulated>);

impl SimulatedTransport {
    async fn call<T>(
        &self,
        operation: &'static str,
        call: impl AsyncFnOnce(Memory) -> Result<T>,
    ) -> Result<T> {
        call_log(&self.0, operation, call).await
    }
}

/// Sends a request, and loses its answer where that is to be lost.
async fn call_log<T>(
    log: &Simulated,
    operation: &'static str,
    call: impl AsyncFnOnce(Memory) -> Result<T>,
) -> Result<T> {
    let lost = log.send(operation).await?;
    let answer = call(log.memory()).await;
    lost.map_or(answer, Err)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Transport for SimulatedTransport {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn publish(&self, records: &[Record]) -> Vec<Result<Position>> {
        let lost = self.0.send("publish").await;
        let mut results = Vec::new();
        for record in records {
            results.push(match (self.0.check_record(record), &lost) {
                (Err(refused), _) => Err(refused),
                (Ok(()), Err(e)) => Err(again(e)),
                (Ok(()), Ok(lost)) => {
                    let mut stored = self.0.memory().publish(std::slice::from_ref(record)).await;
                    lost.as_ref().map_or(stored.remove(0), |e| Err(again(e)))
                }
            });
        }
        results
    }

    fn batches_under_way(&self) -> usize {
        1
    }

    async fn create_group(&self, topic: &Topic, group: &Group, start: &Start) -> Result<Opened> {
        self.0.check_start("create_group", start)?;
        let call = async |log: Memory| log.create_group(topic, group, start).await;
        self.call("create_group", call).await
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<Arc<dyn Subscriber>> {
        for (_, start) in &subscription.topics {
            self.0.check_start("subscribe", start)?;
        }
        let mut inside = subscription.clone();
        if self.0.poor {
            // The active consumer gets everything in log order.
            inside.ordering = Ordering::None;
        }
        let restarts = self.0.restarts();
        let subscribe = async |log: Memory| log.subscribe(inside.clone()).await;
        let member = self.call("subscribe", subscribe).await?;
        Ok(Arc::new(SimulatedSubscriber {
            log: self.0.clone(),
            consumer: self.0.next_consumer(),
            ordering: subscription.ordering,
            opened: member.opened().to_vec(),
            subscription: inside,
            seat: Mutex::new(Seat {
                member,
                restarts,
                gaps: Vec::new(),
            }),
            closed: AtomicBool::new(false),
        }))
    }

    async fn read(&self, topic: &Topic, from: &Start, limit: usize) -> Result<Vec<Stored>> {
        self.capabilities().require(Capability::Replay, "read")?;
        let call = async |log: Memory| log.read(topic, from, limit).await;
        self.call("read", call).await
    }

    async fn read_until(
        &self,
        topic: &Topic,
        from: &Start,
        end: &Position,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        self.capabilities().require(Capability::Replay, "read")?;
        let call = async |log: Memory| log.read_until(topic, from, end, limit).await;
        self.call("read", call).await
    }

    async fn read_back(
        &self,
        topic: &Topic,
        before: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        self.capabilities().require(Capability::Replay, "read")?;
        let call = async |log: Memory| log.read_back(topic, before, limit).await;
        self.call("read", call).await
    }

    async fn topics(&self) -> Result<Vec<TopicInfo>> {
        self.call("topics", async |log| log.topics().await).await
    }

    async fn topic(&self, topic: &Topic) -> Result<TopicInfo> {
        self.call("topic", async |log| log.topic(topic).await).await
    }

    async fn groups(&self, topic: &Topic) -> Result<Vec<GroupInfo>> {
        self.call("groups", async |log| log.groups(topic).await)
            .await
    }

    async fn losses(&self, topic: &Topic, group: &Group) -> Result<Option<Gap>> {
        let call = async |log: Memory| log.losses(topic, group).await;
        self.call("losses", call).await
    }

    async fn acknowledge_losses(&self, topic: &Topic, group: &Group) -> Result<Count> {
        let abilities = self.0.capabilities();
        abilities.require(Capability::GroupUpkeep, "acknowledge_losses")?;
        let call = async |log: Memory| log.acknowledge_losses(topic, group).await;
        self.call("acknowledge_losses", call).await
    }

    async fn remove_group(&self, topic: &Topic, group: &Group) -> Result<()> {
        let abilities = self.0.capabilities();
        abilities.require(Capability::GroupUpkeep, "remove_group")?;
        let call = async |log: Memory| log.remove_group(topic, group).await;
        self.call("remove_group", call).await
    }

    async fn seek(&self, topic: &Topic, group: &Group, to: &Start) -> Result<Seeked> {
        self.0.check_start("seek", to)?;
        let call = async |log: Memory| log.seek(topic, group, to).await;
        self.call("seek", call).await
    }

    async fn trim(&self, topic: &Topic, retention: &Retention) -> Result<Trimmed> {
        let call = async |log: Memory| log.trim(topic, retention).await;
        self.call("trim", call).await
    }

    async fn dead_letters(
        &self,
        topic: &Topic,
        group: &Group,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        let call = async |log: Memory| log.dead_letters(topic, group, after, limit).await;
        self.call("dead_letters", call).await
    }

    async fn parked(&self, topic: &Topic, group: &Group) -> Result<Vec<ParkedKey>> {
        let call = async |log: Memory| log.parked(topic, group).await;
        self.call("parked", call).await
    }

    async fn release(&self, topic: &Topic, group: &Group, key: &Key) -> Result<u64> {
        let call = async |log: Memory| log.release(topic, group, key).await;
        self.call("release", call).await
    }

    async fn redeliver(
        &self,
        topic: &Topic,
        group: &Group,
        records: &[Redelivery],
    ) -> Vec<Result<()>> {
        let call = async |log: Memory| Ok(log.redeliver(topic, group, records).await);
        each(self.call("redeliver", call).await, records.len())
    }

    async fn discard(&self, topic: &Topic, group: &Group, ids: &[Position]) -> Vec<Result<()>> {
        let call = async |log: Memory| Ok(log.discard(topic, group, ids).await);
        each(self.call("discard", call).await, ids.len())
    }

    fn schema_store(&self) -> Option<&dyn SchemaStore> {
        Some(self)
    }

    fn schema_registry(&self) -> Option<&dyn SchemaRegistry> {
        None
    }

    async fn ping(&self) -> Result<String> {
        self.call("ping", async |log| log.ping().await).await
    }

    async fn process(&self) -> Result<Option<LogProcess>> {
        self.call("process", async |log| log.process().await).await
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        self.call("diagnose", async |log| log.diagnose().await)
            .await
    }
}

#[async_trait]
impl SchemaStore for SimulatedTransport {
    async fn put_schema(&self, id: &SchemaId, schema: &str) -> Result<()> {
        self.0.memory().put_schema(id, schema).await
    }

    async fn get_schema(&self, id: &SchemaId) -> Result<Option<String>> {
        self.0.memory().get_schema(id).await
    }
}

/// The results of a batch, or why there is none.
fn each(results: Result<Vec<Result<()>>>, count: usize) -> Vec<Result<()>> {
    results.unwrap_or_else(|e| (0..count).map(|_| Err(again(&e))).collect())
}

/// The same error once more: errors cannot be cloned.
fn again(e: &tidings_transport::Error) -> tidings_transport::Error {
    tidings_transport::Error::new(e.kind(), e.operation(), e.to_string())
}

struct SimulatedSubscriber {
    log: Arc<Simulated>,
    consumer: u64,
    ordering: Ordering,
    subscription: Subscription,
    opened: Vec<(Topic, Opened)>,
    seat: Mutex<Seat>,
    closed: AtomicBool,
}

/// Its place in the log as that stands now.
struct Seat {
    member: Arc<dyn Subscriber>,
    restarts: watch::Receiver<Memory>,
    gaps: Vec<Gap>,
}

impl SimulatedSubscriber {
    /// Its member of the group. In a log that was restarted empty it joins again, at the
    /// beginning, and whoever makes the group anew tells of the gap.
    async fn member(&self) -> Result<Arc<dyn Subscriber>> {
        let restarted = {
            let seat = self.seat.lock().unwrap_or_else(PoisonError::into_inner);
            if !seat.restarts.has_changed().unwrap_or(false) {
                return Ok(seat.member.clone());
            }
            let mut restarts = seat.restarts.clone();
            let log = restarts.borrow_and_update().clone();
            (log, restarts)
        };
        let (log, restarts) = restarted;
        let anew = self.subscription.clone().start(&Start::Earliest);
        let member = log.subscribe(anew).await?;
        let missing = member.opened().iter().filter(|(_, opened)| !opened.existed);
        let gaps = missing.map(|(topic, _)| Gap {
            topic: topic.clone(),
            group: self.subscription.group.clone(),
            after: None,
            until: None,
            lost: Count::Unknown,
            cause: "the log was restarted empty".into(),
        });
        let gaps = gaps.collect();
        let mut seat = self.seat.lock().unwrap_or_else(PoisonError::into_inner);
        *seat = Seat {
            member: member.clone(),
            restarts,
            gaps,
        };
        Ok(member)
    }

    fn take_gaps(&self) -> Vec<Gap> {
        let mut seat = self.seat.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut seat.gaps)
    }

    fn restarts(&self) -> watch::Receiver<Memory> {
        let seat = self.seat.lock().unwrap_or_else(PoisonError::into_inner);
        seat.restarts.clone()
    }

    /// Whether one consumer at a time is active.
    fn takes_turns(&self) -> bool {
        let closed = self.closed.load(Atomic::Acquire);
        self.log.poor && self.ordering == Ordering::Key && !closed
    }

    fn activate(&self) -> Option<tokio::time::Instant> {
        let Subscription {
            topics,
            group,
            lease,
            ..
        } = &self.subscription;
        self.log.activate(topics, group, self.consumer, *lease)
    }

    /// Waits until it is active. Then it stays so for a third of the lease at least.
    async fn turn(&self) {
        while self.takes_turns() {
            let changed = self.log.active_changed.notified();
            match self.activate() {
                None => return,
                Some(until) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(until) => {}
                },
            }
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Subscriber for SimulatedSubscriber {
    fn opened(&self) -> &[(Topic, Opened)] {
        &self.opened
    }

    async fn next(&self, max: usize) -> Result<Batch> {
        let lost = self.log.send("next").await?;
        loop {
            let member = self.member().await?;
            let gaps = self.take_gaps();
            if !gaps.is_empty() {
                return Ok(Batch {
                    gaps,
                    ..Batch::default()
                });
            }
            let mut restarts = self.restarts();
            let waiting = async {
                self.turn().await;
                member.next(max).await
            };
            let mut batch = tokio::select! {
                batch = waiting => batch,
                _ = restarts.changed() => continue,
                () = tokio::time::sleep(self.subscription.lease / 3), if self.takes_turns() => {
                    continue;
                }
            };
            if self.takes_turns() {
                self.activate();
                if let Ok(batch) = &mut batch
                    && !batch.deliveries.is_empty()
                {
                    batch.became_active = self.log.became_active(self.consumer);
                }
            }
            return lost.map_or(batch, Err);
        }
    }

    async fn start(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32>> {
        match self.reach("start").await {
            Ok(member) => member.start(deliveries).await,
            Err(e) => deliveries.iter().map(|_| Err(again(&e))).collect(),
        }
    }

    async fn heartbeat(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<()>> {
        if self.takes_turns() {
            self.activate();
        }
        match self.reach("heartbeat").await {
            Ok(member) => member.heartbeat(deliveries).await,
            Err(e) => deliveries.iter().map(|_| Err(again(&e))).collect(),
        }
    }

    async fn settle(&self, settlements: &[Settlement]) -> Vec<Result<()>> {
        let lost = self.log.send("settle").await;
        let mut results = Vec::new();
        for settlement in settlements {
            results.push(match &lost {
                Err(e) => Err(again(e)),
                Ok(lost) => {
                    let result = self.settle_one(settlement).await;
                    lost.as_ref().map_or(result, |e| Err(again(e)))
                }
            });
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
        let closed = self.reach("close").await?.close().await;
        self.closed.store(true, Atomic::Release);
        self.log.retire(self.consumer);
        closed
    }
}

impl SimulatedSubscriber {
    async fn reach(&self, operation: &'static str) -> Result<Arc<dyn Subscriber>> {
        call_log(&self.log, operation, async |_| self.member().await).await
    }

    async fn settle_one(&self, settlement: &Settlement) -> Result<()> {
        let topic = &settlement.delivery.topic;
        match &settlement.outcome {
            Outcome::Retry { at: Some(_) } => {
                let declared = self.log.capabilities();
                declared.require(Capability::Delay, "settle")?;
            }
            Outcome::DeadLetter { .. } | Outcome::Park { .. } => {
                self.log.check_letter(topic, &self.subscription.group)?;
            }
            _ => {}
        }
        let member = self.member().await?;
        let mut results = member.settle(std::slice::from_ref(settlement)).await;
        results.remove(0)
    }
}
