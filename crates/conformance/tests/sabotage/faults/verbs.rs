//! What the contract says beside the ten guarantees, broken.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tidings_transport::{
    Batch, Capability, Error, ErrorKind, Group, GroupInfo, Opened, Outcome, ParkedKey, Position,
    Result, SchemaId, SchemaStore, Settlement, Start, Stored, Subscriber, Subscription, Topic,
    TopicInfo,
};

use crate::wrapper::{Fault, Handle, Seat};

/// What is not declared is done somehow.
#[derive(Default)]
pub struct UndeclaredIsDoneSomehow;

#[async_trait]
impl Fault for UndeclaredIsDoneSomehow {
    async fn read(
        &self,
        handle: &Handle,
        topic: &Topic,
        from: &Start,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let declared = handle.log.capabilities().has(Capability::Replay);
        match handle.log.read(topic, from, limit).await {
            Err(_) if !declared => Ok(Vec::new()),
            other => other,
        }
    }

    async fn read_back(
        &self,
        handle: &Handle,
        topic: &Topic,
        before: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let declared = handle.log.capabilities().has(Capability::Replay);
        match handle.log.read_back(topic, before, limit).await {
            Err(_) if !declared => Ok(Vec::new()),
            other => other,
        }
    }

    async fn settle(&self, seat: &Seat, settlements: &[Settlement]) -> Vec<Result<()>> {
        let declared = seat.handle.log.capabilities().has(Capability::Delay);
        let changed = settlements.iter().map(|s| {
            let mut changed = s.clone();
            if let Outcome::Retry { at } = &mut changed.outcome {
                *at = at.filter(|_| declared);
            }
            changed
        });
        seat.consumer.settle(&changed.collect::<Vec<_>>()).await
    }
}

/// How old things are is not told.
#[derive(Default)]
pub struct AgesAreNotTold;

#[async_trait]
impl Fault for AgesAreNotTold {
    async fn groups(&self, handle: &Handle, topic: &Topic) -> Result<Vec<GroupInfo>> {
        let mut groups = handle.log.groups(topic).await?;
        for info in &mut groups {
            info.oldest_pending = None;
            info.lag.age = Duration::ZERO;
        }
        Ok(groups)
    }
}

/// Lists are in no order, and tell no lengths.
#[derive(Default)]
pub struct ListsAreUnsorted;

#[async_trait]
impl Fault for ListsAreUnsorted {
    async fn topics(&self, handle: &Handle) -> Result<Vec<TopicInfo>> {
        let mut topics = handle.log.topics().await?;
        topics.reverse();
        Ok(topics)
    }

    async fn groups(&self, handle: &Handle, topic: &Topic) -> Result<Vec<GroupInfo>> {
        let mut groups = handle.log.groups(topic).await?;
        groups.reverse();
        Ok(groups)
    }
}

/// Nobody is named.
#[derive(Default)]
pub struct ConsumersAreNotNamed;

#[async_trait]
impl Fault for ConsumersAreNotNamed {
    async fn groups(&self, handle: &Handle, topic: &Topic) -> Result<Vec<GroupInfo>> {
        let mut groups = handle.log.groups(topic).await?;
        for info in &mut groups {
            info.consumers.clear();
        }
        Ok(groups)
    }
}

/// It does not say what it is.
#[derive(Default)]
pub struct PingSaysNothing;

#[async_trait]
impl Fault for PingSaysNothing {
    async fn ping(&self, handle: &Handle) -> Result<String> {
        handle.log.ping().await.map(|_| String::new())
    }
}

/// A store that keeps nothing.
struct NoSchemas;

#[async_trait]
impl SchemaStore for NoSchemas {
    async fn put_schema(&self, _id: &SchemaId, _schema: &str) -> Result<()> {
        Ok(())
    }

    async fn get_schema(&self, _id: &SchemaId) -> Result<Option<String>> {
        Ok(None)
    }
}

#[derive(Default)]
pub struct SchemasAreNotKept;

#[async_trait]
impl Fault for SchemasAreNotKept {
    fn schema_store<'a>(&self, _handle: &'a Handle) -> Option<&'a dyn SchemaStore> {
        Some(&NoSchemas)
    }
}

/// Nobody is woken: a waiting consumer looks once a minute.
#[derive(Default)]
pub struct NobodyIsWoken;

#[async_trait]
impl Fault for NobodyIsWoken {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        loop {
            let now = tokio::time::timeout(Duration::ZERO, seat.consumer.next(max));
            if let Ok(batch) = now.await {
                return batch;
            }
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    }
}

/// A dropped call loses what it had fetched.
#[derive(Default)]
pub struct DroppedCallsLose;

#[async_trait]
impl Fault for DroppedCallsLose {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        let batch = seat.consumer.next(max).await;
        tokio::task::yield_now().await;
        batch
    }
}

/// A consumer that is asked for four takes all it can get.
#[derive(Default)]
pub struct TakesMoreThanAskedFor;

#[async_trait]
impl Fault for TakesMoreThanAskedFor {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        let more = if max == 4 { 100 } else { max };
        seat.consumer.next(more).await
    }
}

/// A closed consumer goes on.
#[derive(Default)]
pub struct ClosedIsOpen;

#[async_trait]
impl Fault for ClosedIsOpen {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        match seat.consumer.next(max).await {
            Err(e) if e.kind() == ErrorKind::Closed => std::future::pending().await,
            other => other,
        }
    }
}

/// Names of groups are folded to lower case.
#[derive(Default)]
pub struct NamesAreFolded;

fn folded(group: &Group) -> Group {
    Group::new(group.as_str().to_lowercase()).expect("as valid as it was")
}

#[async_trait]
impl Fault for NamesAreFolded {
    async fn create_group(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        start: &Start,
    ) -> Result<Opened> {
        handle.log.create_group(topic, &folded(group), start).await
    }
}

/// Long names are refused.
#[derive(Default)]
pub struct LongNamesAreRefused;

#[async_trait]
impl Fault for LongNamesAreRefused {
    async fn subscribe(
        &self,
        handle: &Handle,
        wanted: Subscription,
    ) -> Result<Arc<dyn Subscriber>> {
        if wanted.topics.iter().any(|(t, _)| t.as_str().len() > 128) {
            let why = "the name of the topic is too long";
            return Err(Error::new(ErrorKind::Invalid, "subscribe", why));
        }
        handle.log.subscribe(wanted).await
    }
}

/// A subscription is taken as it comes.
#[derive(Default)]
pub struct SubscriptionsAreNotChecked;

#[async_trait]
impl Fault for SubscriptionsAreNotChecked {
    async fn subscribe(
        &self,
        handle: &Handle,
        wanted: Subscription,
    ) -> Result<Arc<dyn Subscriber>> {
        let lease = wanted.lease.max(Duration::from_millis(100));
        handle.log.subscribe(wanted.lease(lease)).await
    }
}

/// What does not exist is empty.
#[derive(Default)]
pub struct TheMissingIsEmpty;

#[async_trait]
impl Fault for TheMissingIsEmpty {
    async fn parked(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
    ) -> Result<Vec<ParkedKey>> {
        match handle.log.parked(topic, group).await {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            other => other,
        }
    }
}

/// Asks the log before it looks at what was declared.
#[derive(Default)]
pub struct AsksBeforeItRefuses;

#[async_trait]
impl Fault for AsksBeforeItRefuses {
    async fn read(
        &self,
        handle: &Handle,
        topic: &Topic,
        from: &Start,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        handle.log.ping().await?;
        handle.log.read(topic, from, limit).await
    }
}

/// Positions of topics say where they began.
#[derive(Default)]
pub struct LastIsFirst;

#[async_trait]
impl Fault for LastIsFirst {
    async fn topics(&self, handle: &Handle) -> Result<Vec<TopicInfo>> {
        let mut topics = handle.log.topics().await?;
        for info in &mut topics {
            info.last = info.first.clone();
        }
        Ok(topics)
    }
}

/// Observing a group touches it: what was handed out is forgotten.
#[derive(Default)]
pub struct ObservingMoves;

#[async_trait]
impl Fault for ObservingMoves {
    async fn ping(&self, handle: &Handle) -> Result<String> {
        for info in handle.log.topics().await? {
            for group in handle.log.groups(&info.topic).await? {
                let to = Start::After(Position::new(group.position.as_str()));
                handle.log.seek(&info.topic, &group.group, &to).await?;
            }
        }
        handle.log.ping().await
    }
}
