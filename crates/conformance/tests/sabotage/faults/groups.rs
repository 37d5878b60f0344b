//! Guarantees 2 and 3, broken.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, Weak};

use async_trait::async_trait;
use tidings_transport::{
    Batch, Count, ErrorKind, Group, Opened, Outcome, Result, Settlement, Start, Subscriber,
    Subscription, Topic, Transport,
};

use crate::simulated::Simulated;
use crate::wrapper::{Fault, Handle, Seat};

/// The third consumer that lives moves the group to the end: what event-bus-redis does.
#[derive(Default)]
pub struct JoiningMovesToTheEnd {
    living: Mutex<Vec<Weak<dyn Subscriber>>>,
}

#[async_trait]
impl Fault for JoiningMovesToTheEnd {
    async fn subscribe(
        &self,
        handle: &Handle,
        wanted: Subscription,
    ) -> Result<Arc<dyn Subscriber>> {
        let joined = handle.log.subscribe(wanted.clone()).await?;
        let living = {
            let mut all = self.living.lock().expect("no panic");
            all.retain(|consumer| consumer.strong_count() > 0);
            all.push(Arc::downgrade(&joined));
            all.len()
        };
        if living == 3 {
            for (topic, _) in &wanted.topics {
                handle
                    .log
                    .seek(topic, &wanted.group, &Start::Latest)
                    .await?;
            }
        }
        Ok(joined)
    }
}

/// `--from earliest` moves a group that exists.
#[derive(Default)]
pub struct RestartingMovesToTheStart;

#[async_trait]
impl Fault for RestartingMovesToTheStart {
    async fn subscribe(
        &self,
        handle: &Handle,
        wanted: Subscription,
    ) -> Result<Arc<dyn Subscriber>> {
        let joined = handle.log.subscribe(wanted.clone()).await?;
        for (topic, start) in &wanted.topics {
            if *start == Start::Earliest {
                handle.log.seek(topic, &wanted.group, start).await?;
            }
        }
        Ok(joined)
    }
}

/// Of the groups a, b and c only the first two hear.
#[derive(Default)]
pub struct OnlyTwoGroupsHear {
    seen: Mutex<BTreeMap<Topic, BTreeSet<Group>>>,
}

#[async_trait]
impl Fault for OnlyTwoGroupsHear {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        let batch = seat.consumer.next(max).await?;
        let deaf = {
            let mut seen = self.seen.lock().expect("no panic");
            let mut deaf = false;
            for (topic, _) in &seat.subscription.topics {
                let groups = seen.entry(topic.clone()).or_default();
                groups.insert(seat.subscription.group.clone());
                deaf |= groups.iter().nth(2) == Some(&seat.subscription.group);
            }
            deaf
        };
        if deaf {
            return Ok(std::future::pending().await);
        }
        Ok(batch)
    }
}

/// Groups are kept in memory: a kill of the log moves them to the end.
#[derive(Default)]
pub struct AKillMovesToTheEnd;

#[async_trait]
impl Fault for AKillMovesToTheEnd {
    async fn killed(&self, log: &Simulated) {
        let log = log.memory();
        for topic in log.topics().await.unwrap_or_default() {
            for group in log.groups(&topic.topic).await.unwrap_or_default() {
                let (topic, group) = (&topic.topic, &group.group);
                let moved = log.seek(topic, group, &Start::Latest).await;
                moved.expect("the group is listed");
            }
        }
    }
}

/// Acks are kept in the handle: for another one, a group that is through begins anew.
#[derive(Default)]
pub struct ForgetsAcks;

#[async_trait]
impl Fault for ForgetsAcks {
    async fn subscribe(
        &self,
        handle: &Handle,
        wanted: Subscription,
    ) -> Result<Arc<dyn Subscriber>> {
        let joined = handle.log.subscribe(wanted.clone()).await?;
        for (topic, _) in &wanted.topics {
            let groups = handle.log.groups(topic).await?;
            let info = groups.iter().find(|info| info.group == wanted.group);
            let through = info.is_some_and(|info| info.lag.events == Count::Exactly(0));
            if through && handle.number > 1 {
                let log = &handle.log;
                log.seek(topic, &wanted.group, &Start::Earliest).await?;
            }
        }
        Ok(joined)
    }
}

/// A group that is made begins where its first consumer finds the end.
#[derive(Default)]
pub struct LatestIsFoundLate {
    made: Mutex<HashSet<(Topic, Group)>>,
}

#[async_trait]
impl Fault for LatestIsFoundLate {
    async fn create_group(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        start: &Start,
    ) -> Result<Opened> {
        let missing = handle.log.groups(topic).await.is_err();
        let opened = handle.log.create_group(topic, group, start).await?;
        let mut made = self.made.lock().expect("no panic");
        if missing && *start == Start::Latest {
            made.insert((topic.clone(), group.clone()));
        }
        Ok(opened)
    }

    async fn subscribe(
        &self,
        handle: &Handle,
        wanted: Subscription,
    ) -> Result<Arc<dyn Subscriber>> {
        for (topic, _) in &wanted.topics {
            let name = (topic.clone(), wanted.group.clone());
            let made = self.made.lock().expect("no panic").remove(&name);
            // Another process than the one that made it.
            if made && handle.number > 1 {
                handle
                    .log
                    .seek(topic, &wanted.group, &Start::Latest)
                    .await?;
            }
        }
        handle.log.subscribe(wanted).await
    }
}

/// A group on a topic that has history gets that too.
#[derive(Default)]
pub struct LatestIsEarliest;

#[async_trait]
impl Fault for LatestIsEarliest {
    async fn create_group(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        start: &Start,
    ) -> Result<Opened> {
        let start = match start {
            Start::Latest => &Start::Earliest,
            other => other,
        };
        handle.log.create_group(topic, group, start).await
    }
}

/// Every consumer begins its group at another place than it asked for.
async fn subscribe_at(
    handle: &Handle,
    mut wanted: Subscription,
    start: impl Fn(&Start) -> Start,
) -> Result<Arc<dyn Subscriber>> {
    for (_, from) in &mut wanted.topics {
        *from = start(from);
    }
    handle.log.subscribe(wanted).await
}

#[derive(Default)]
pub struct EarliestIsLatest;

#[async_trait]
impl Fault for EarliestIsLatest {
    async fn subscribe(
        &self,
        handle: &Handle,
        wanted: Subscription,
    ) -> Result<Arc<dyn Subscriber>> {
        subscribe_at(handle, wanted, |start| match start {
            Start::Earliest => Start::Latest,
            other => other.clone(),
        })
        .await
    }
}

#[derive(Default)]
pub struct TimesAreEarliest;

#[async_trait]
impl Fault for TimesAreEarliest {
    async fn subscribe(
        &self,
        handle: &Handle,
        wanted: Subscription,
    ) -> Result<Arc<dyn Subscriber>> {
        subscribe_at(handle, wanted, |start| match start {
            Start::Time(_) => Start::Earliest,
            other => other.clone(),
        })
        .await
    }
}

#[derive(Default)]
pub struct PositionsAreEarliest;

#[async_trait]
impl Fault for PositionsAreEarliest {
    async fn create_group(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        start: &Start,
    ) -> Result<Opened> {
        let start = match start {
            Start::After(position) if position.as_str().parse::<u64>().is_ok() => &Start::Earliest,
            other => other,
        };
        handle.log.create_group(topic, group, start).await
    }
}

/// What is no position is taken for the end.
#[derive(Default)]
pub struct NonsenseIsLatest;

#[async_trait]
impl Fault for NonsenseIsLatest {
    async fn create_group(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        start: &Start,
    ) -> Result<Opened> {
        let log = &handle.log;
        match log.create_group(topic, group, start).await {
            Err(e) if e.kind() == ErrorKind::Invalid => {
                log.create_group(topic, group, &Start::Latest).await
            }
            other => other,
        }
    }
}

/// Tells of its topics in another order.
#[derive(Default)]
pub struct OpensInAnotherOrder;

#[async_trait]
impl Fault for OpensInAnotherOrder {
    async fn subscribe(
        &self,
        handle: &Handle,
        wanted: Subscription,
    ) -> Result<Arc<dyn Subscriber>> {
        let mut wanted = wanted;
        wanted.topics.reverse();
        handle.log.subscribe(wanted).await
    }
}

/// Hears only one kind of event of a topic.
#[derive(Default)]
pub struct OneTypePerTopic;

#[async_trait]
impl Fault for OneTypePerTopic {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        loop {
            let mut batch = seat.consumer.next(max).await?;
            let other = |body: &tidings_transport::Body| match body {
                tidings_transport::Body::Document(document) => {
                    String::from_utf8_lossy(document).contains(".deleted.v1")
                }
                tidings_transport::Body::Fields(_) => false,
            };
            let (dropped, kept): (Vec<_>, Vec<_>) =
                batch.deliveries.into_iter().partition(|d| other(&d.body));
            let acks = dropped.into_iter().map(|delivery| Settlement {
                delivery,
                outcome: Outcome::Ack,
            });
            seat.consumer.settle(&acks.collect::<Vec<_>>()).await;
            batch.deliveries = kept;
            if !(batch.deliveries.is_empty() && batch.gaps.is_empty()) {
                return Ok(batch);
            }
        }
    }
}

/// Hears only the first topic of several.
#[derive(Default)]
pub struct OneTopicPerConsumer;

#[async_trait]
impl Fault for OneTopicPerConsumer {
    async fn subscribe(
        &self,
        handle: &Handle,
        wanted: Subscription,
    ) -> Result<Arc<dyn Subscriber>> {
        // The group is made in all of them, as it should be.
        let all = handle.log.subscribe(wanted.clone()).await?;
        if wanted.topics.len() < 3 {
            return Ok(all);
        }
        all.close().await?;
        let mut first = wanted;
        first.topics.truncate(1);
        handle.log.subscribe(first).await
    }
}

/// Asks a topic only when those before it have nothing.
#[derive(Default)]
pub struct BusyTopicsFirst {
    waiting: Mutex<Vec<Arc<tidings_transport::Delivery>>>,
}

#[async_trait]
impl Fault for BusyTopicsFirst {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        if seat.subscription.topics.len() != 2 {
            return seat.consumer.next(max).await;
        }
        let order = |d: &Arc<tidings_transport::Delivery>| {
            let topics = seat.subscription.topics.iter();
            topics.map(|(topic, _)| topic).position(|t| *t == d.topic)
        };
        if self.waiting.lock().expect("no panic").is_empty() {
            let batch = seat.consumer.next(1_000).await?;
            let mut waiting = self.waiting.lock().expect("no panic");
            waiting.extend(batch.deliveries);
            waiting.sort_by_key(order);
        }
        let mut waiting = self.waiting.lock().expect("no panic");
        let end = max.min(waiting.len());
        Ok(Batch {
            deliveries: waiting.drain(..end).collect(),
            ..Batch::default()
        })
    }
}
