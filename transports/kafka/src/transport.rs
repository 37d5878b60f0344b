//! Kafka as a transport.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tidings_transport::{
    Capabilities, Capability, Count, DeadLetter, Finding, Gap, Group, GroupInfo, Key, Opened,
    ParkedKey, Position, Record, Redelivery, Result, Retention, SchemaRegistry, SchemaStore,
    Seeked, Start, Stored, Subscriber, Subscription, Topic, TopicInfo, Transport, Trimmed,
};

use crate::client::Client;
use crate::config::KafkaConfig;
use crate::librdkafka::library;
use crate::subscriber::KafkaSubscriber;
use crate::{
    dead_letters, describe, diagnose, groups, publisher, reader, retention, topics, upkeep,
};

/// A log on an Apache Kafka cluster, version 2.4 or later.
///
/// Declares [`Capability::Replay`], [`Capability::Fields`], [`Capability::Headers`],
/// [`Capability::Durable`], [`Capability::GroupUpkeep`] and [`Capability::SettleAndStart`]. Cheap to share behind an `Arc`.
/// Dropping the last one closes it, which blocks: for up to a second while no broker can be reached.
pub struct Kafka {
    client: Arc<Client>,
    registry: Option<Arc<dyn SchemaRegistry>>,
}

impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kafka").field(&self.client.config).finish()
    }
}

impl Kafka {
    /// Connects, and checks that the cluster answers.
    ///
    /// # Errors
    /// `Invalid` for settings that cannot be; `Unavailable` when the cluster is away; `Denied` when
    /// it refuses the credentials.
    pub async fn connect(config: KafkaConfig) -> Result<Self> {
        let kafka = Self {
            client: Arc::new(Client::new(config)?),
            registry: None,
        };
        kafka.ping().await?;
        Ok(kafka)
    }

    /// The same log with a registry that numbers its schemas: the Open edX wire needs one.
    #[must_use]
    pub fn with_schema_registry(mut self, registry: Arc<dyn SchemaRegistry>) -> Self {
        self.registry = Some(registry);
        self
    }
}

#[async_trait]
impl Transport for Kafka {
    fn capabilities(&self) -> Capabilities {
        Capabilities::of(&[
            Capability::Replay,
            Capability::Fields,
            Capability::Durable,
            Capability::Headers,
            Capability::GroupUpkeep,
            Capability::SettleAndStart,
        ])
    }

    async fn publish(&self, records: &[Record]) -> Vec<Result<Position>> {
        publisher::publish(&self.client, records).await
    }

    async fn create_group(&self, topic: &Topic, group: &Group, start: &Start) -> Result<Opened> {
        groups::create(&self.client, topic, group, start, "create group").await
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<Arc<dyn Subscriber>> {
        subscription.check()?;
        let mut opened = Vec::with_capacity(subscription.topics.len());
        for (topic, start) in &subscription.topics {
            let made = groups::create(&self.client, topic, &subscription.group, start, "subscribe")
                .await?;
            opened.push((topic.clone(), made));
        }
        let subscriber = KafkaSubscriber::new(self.client.clone(), &subscription, opened)?;
        Ok(Arc::new(subscriber))
    }

    async fn read(&self, topic: &Topic, from: &Start, limit: usize) -> Result<Vec<Stored>> {
        reader::read(&self.client, topic, from, None, limit).await
    }

    async fn read_until(
        &self,
        topic: &Topic,
        from: &Start,
        end: &Position,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        reader::read(&self.client, topic, from, Some(end), limit).await
    }

    async fn read_back(
        &self,
        topic: &Topic,
        before: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        reader::read_back(&self.client, topic, before, limit).await
    }

    async fn topics(&self) -> Result<Vec<TopicInfo>> {
        topics::describe(&self.client).await
    }

    async fn topic(&self, topic: &Topic) -> Result<TopicInfo> {
        topics::describe_one(&self.client, topic).await
    }

    async fn groups(&self, topic: &Topic) -> Result<Vec<GroupInfo>> {
        describe::describe(&self.client, topic).await
    }

    async fn losses(&self, topic: &Topic, group: &Group) -> Result<Option<Gap>> {
        upkeep::losses(&self.client, topic, group).await
    }

    async fn acknowledge_losses(&self, topic: &Topic, group: &Group) -> Result<Count> {
        upkeep::acknowledge(&self.client, topic, group).await
    }

    async fn remove_group(&self, topic: &Topic, group: &Group) -> Result<()> {
        upkeep::remove(&self.client, topic, group).await
    }

    async fn seek(&self, topic: &Topic, group: &Group, to: &Start) -> Result<Seeked> {
        groups::seek(&self.client, topic, group, to).await
    }

    async fn trim(&self, topic: &Topic, retention: &Retention) -> Result<Trimmed> {
        retention::trim(&self.client, topic, retention).await
    }

    async fn dead_letters(
        &self,
        topic: &Topic,
        group: &Group,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        dead_letters::list(&self.client, topic, group, after, limit).await
    }

    async fn parked(&self, topic: &Topic, group: &Group) -> Result<Vec<ParkedKey>> {
        dead_letters::parked(&self.client, topic, group).await
    }

    async fn release(&self, topic: &Topic, group: &Group, key: &Key) -> Result<u64> {
        dead_letters::release(&self.client, topic, group, key).await
    }

    async fn redeliver(
        &self,
        topic: &Topic,
        group: &Group,
        records: &[Redelivery],
    ) -> Vec<Result<()>> {
        dead_letters::redeliver(&self.client, topic, group, records).await
    }

    async fn discard(&self, topic: &Topic, group: &Group, ids: &[Position]) -> Vec<Result<()>> {
        dead_letters::discard(&self.client, topic, group, ids).await
    }

    fn schema_registry(&self) -> Option<&dyn SchemaRegistry> {
        self.registry.as_deref()
    }

    fn schema_store(&self) -> Option<&dyn SchemaStore> {
        None
    }

    async fn ping(&self) -> Result<String> {
        self.client
            .blocking("ping", |client| {
                let metadata = client.first_metadata("ping")?;
                let brokers = match metadata.brokers().len() {
                    1 => "1 broker".to_owned(),
                    n => format!("{n} brokers"),
                };
                Ok(format!("Kafka, {brokers}, {}", library()))
            })
            .await
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        diagnose::diagnose(&self.client).await
    }
}
