//! Notes what the log confirmed, so that the books can tell whether it holds to that, and whether two
//! consumers were confirmed on one delivery.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use tidings::Event;
use tidings_transport::{
    Batch, Body, Capabilities, Count, DeadLetter, Delivery, Finding, Follower, Gap, Group,
    GroupInfo, Key, LogProcess, Opened, ParkedKey, Position, Record, Redelivery, Result, Retention,
    SchemaRegistry, SchemaStore, Seeked, Settlement, Start, Stored, Subscriber, Subscription,
    Topic, TopicInfo, Transport, Trimmed,
};

use crate::books::ledgers;
use crate::moment::Moment;
use crate::planted::{Bug, Planted};

/// A log whose confirmations are noted in a file.
pub struct Witness {
    inner: Arc<dyn Transport>,
    bug: Option<Bug>,
    moment: Moment,
    ledger: Arc<File>,
}

impl Witness {
    pub fn new(
        inner: Arc<dyn Transport>,
        bug: Option<Bug>,
        ledger: &Path,
    ) -> std::io::Result<Self> {
        let moment = Moment::new(bug, ledger);
        let ledger = OpenOptions::new().create(true).append(true).open(ledger)?;
        Ok(Self {
            inner,
            bug,
            moment,
            ledger: Arc::new(ledger),
        })
    }
}

/// One write, which the kernel keeps also when this process is killed after it.
fn note(mut ledger: &File, lines: impl Iterator<Item = String>) {
    let lines: String = lines.map(|line| line + "\n").collect();
    if let Err(error) = ledger.write_all(lines.as_bytes()) {
        tracing::error!(%error, "the ledger cannot be written");
    }
}

fn event_id(body: &Body) -> Option<String> {
    let Body::Document(document) = body else {
        return None;
    };
    let event = Event::from_json(document).ok()?;
    Some(event.id().to_owned())
}

struct Witnessed {
    inner: Planted,
    ledger: Arc<File>,
}

impl Witnessed {
    fn note_settled(&self, settlements: &[Settlement], results: &[Result<()>]) {
        let confirmed = settlements.iter().zip(results);
        let confirmed = confirmed.filter(|(_, result)| result.is_ok());
        note(
            &self.ledger,
            confirmed.map(|(settlement, _)| {
                let delivery = &settlement.delivery;
                ledgers::settled(&delivery.topic, &delivery.position)
            }),
        );
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Subscriber for Witnessed {
    fn opened(&self) -> &[(Topic, Opened)] {
        self.inner.opened()
    }

    async fn next(&self, max: usize) -> Result<Batch> {
        self.inner.next(max).await
    }

    async fn start(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32>> {
        self.inner.start(deliveries).await
    }

    async fn heartbeat(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<()>> {
        self.inner.heartbeat(deliveries).await
    }

    async fn settle(&self, settlements: &[Settlement]) -> Vec<Result<()>> {
        let settled = self.inner.settle(settlements).await;
        self.note_settled(settlements, &settled);
        settled
    }

    async fn settle_and_start(
        &self,
        settlements: &[Settlement],
        followers: &[Follower],
    ) -> (Vec<Result<()>>, Vec<Result<u32>>) {
        let (settled, started) = self.inner.settle_and_start(settlements, followers).await;
        self.note_settled(settlements, &settled);
        (settled, started)
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Transport for Witness {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn publish(&self, records: &[Record]) -> Vec<Result<Position>> {
        self.moment.of(Bug::DeleteBeforePublish).await;
        let published = self.inner.publish(records).await;
        let taken = records.iter().zip(&published);
        note(
            &self.ledger,
            taken.filter_map(|(record, result)| {
                let id = event_id(&record.body)?;
                let position = result.as_ref().ok()?;
                Some(ledgers::published(&record.topic, position, &id))
            }),
        );
        published
    }

    fn batches_under_way(&self) -> usize {
        self.inner.batches_under_way()
    }

    async fn create_group(&self, topic: &Topic, group: &Group, start: &Start) -> Result<Opened> {
        self.inner.create_group(topic, group, start).await
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<Arc<dyn Subscriber>> {
        let inner = self.inner.subscribe(subscription).await?;
        let inner = Planted {
            inner,
            bug: self.bug,
        };
        let ledger = self.ledger.clone();
        Ok(Arc::new(Witnessed { inner, ledger }))
    }

    async fn read(&self, topic: &Topic, from: &Start, limit: usize) -> Result<Vec<Stored>> {
        self.inner.read(topic, from, limit).await
    }

    async fn read_until(
        &self,
        topic: &Topic,
        from: &Start,
        end: &Position,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        self.inner.read_until(topic, from, end, limit).await
    }

    async fn read_back(
        &self,
        topic: &Topic,
        before: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        self.inner.read_back(topic, before, limit).await
    }

    async fn topics(&self) -> Result<Vec<TopicInfo>> {
        self.inner.topics().await
    }

    async fn topic(&self, topic: &Topic) -> Result<TopicInfo> {
        self.inner.topic(topic).await
    }

    async fn groups(&self, topic: &Topic) -> Result<Vec<GroupInfo>> {
        self.inner.groups(topic).await
    }

    async fn losses(&self, topic: &Topic, group: &Group) -> Result<Option<Gap>> {
        self.inner.losses(topic, group).await
    }

    async fn acknowledge_losses(&self, topic: &Topic, group: &Group) -> Result<Count> {
        self.inner.acknowledge_losses(topic, group).await
    }

    async fn remove_group(&self, topic: &Topic, group: &Group) -> Result<()> {
        self.inner.remove_group(topic, group).await
    }

    async fn seek(&self, topic: &Topic, group: &Group, to: &Start) -> Result<Seeked> {
        self.inner.seek(topic, group, to).await
    }

    async fn trim(&self, topic: &Topic, retention: &Retention) -> Result<Trimmed> {
        self.inner.trim(topic, retention).await
    }

    async fn dead_letters(
        &self,
        topic: &Topic,
        group: &Group,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        self.inner.dead_letters(topic, group, after, limit).await
    }

    async fn parked(&self, topic: &Topic, group: &Group) -> Result<Vec<ParkedKey>> {
        self.inner.parked(topic, group).await
    }

    async fn release(&self, topic: &Topic, group: &Group, key: &Key) -> Result<u64> {
        self.inner.release(topic, group, key).await
    }

    async fn redeliver(
        &self,
        topic: &Topic,
        group: &Group,
        records: &[Redelivery],
    ) -> Vec<Result<()>> {
        self.inner.redeliver(topic, group, records).await
    }

    async fn discard(&self, topic: &Topic, group: &Group, ids: &[Position]) -> Vec<Result<()>> {
        self.inner.discard(topic, group, ids).await
    }

    fn schema_store(&self) -> Option<&dyn SchemaStore> {
        self.inner.schema_store()
    }

    fn schema_registry(&self) -> Option<&dyn SchemaRegistry> {
        self.inner.schema_registry()
    }

    async fn ping(&self) -> Result<String> {
        self.inner.ping().await
    }

    async fn process(&self) -> Result<Option<LogProcess>> {
        self.inner.process().await
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        self.inner.diagnose().await
    }
}
