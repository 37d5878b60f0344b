//! Redis as a transport.

use std::sync::Arc;

use async_trait::async_trait;
use redis::{Value, cmd};
use tidings_transport::{
    Capabilities, Capability, Count, DeadLetter, Error, ErrorKind, Finding, Gap, Group, GroupInfo,
    Key, LogProcess, Opened, ParkedKey, Position, Record, Redelivery, Result, Retention,
    SchemaStore, Seeked, Start, Stored, Subscriber, Subscription, Topic, TopicInfo, Transport,
    Trimmed,
};

use crate::config::RedisConfig;
use crate::connection::Link;
use crate::diagnose;
use crate::error::Failure;
use crate::process;
use crate::publisher;
use crate::subscriber::RedisSubscriber;
use crate::value;

/// A log on a Redis or Valkey server, version 6.2 or later.
///
/// Declares [`Capability::Replay`], [`Capability::Fields`], [`Capability::Durable`],
/// [`Capability::Competing`], [`Capability::GroupUpkeep`] and [`Capability::SettleAndStart`]; how durable
/// is the server's setting (see the crate's documentation). Uses two connections, and one more for each subscriber. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Redis {
    /// For publishing only: large batches do not hold up settlements.
    publishing: Link,
    pub(crate) link: Arc<Link>,
}

impl Redis {
    /// Connects, and checks that the server answers.
    ///
    /// ```no_run
    /// # use tidings_transport_redis::{Redis, RedisConfig};
    /// # async fn example() -> tidings_transport::Result<()> {
    /// let mut config = RedisConfig::default();
    /// config.host = "redis.internal".into();
    /// let log = Redis::connect(config).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` for settings that cannot be; `Unavailable` when the server is away; `Denied` when
    /// it refuses the credentials.
    pub async fn connect(config: RedisConfig) -> Result<Self> {
        let server = config.server()?;
        let redis = Self {
            publishing: Link::new(server.clone(), &config),
            link: Arc::new(Link::new(server, &config)),
        };
        let pong = redis.link.command(&cmd("PING")).await;
        pong.map_err(|f| f.reading("connect"))?;
        Ok(redis)
    }

    /// What the server says of itself; `None` when it refuses to.
    pub(crate) async fn info(&self, section: &str) -> Result<Option<String>, Failure> {
        match self.link.command(cmd("INFO").arg(section)).await {
            Ok(text) => value::text(text, "the server's information").map(Some),
            Err(Failure::Refused { .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Refuses a server that would fail in the midst of the work, with a word that nobody
    /// understands. One that does not tell its version is tried.
    async fn must_be_recent(&self, operation: &'static str) -> Result<()> {
        let info = self
            .info("server")
            .await
            .map_err(|f| f.reading(operation))?;
        match info.as_deref().and_then(|info| fact(info, "redis_version")) {
            Some(version) if !diagnose::is_recent(version) => Err(Error::new(
                ErrorKind::Unsupported,
                operation,
                format!("the server is Redis {version}; groups need Redis 6.2 or later: update it"),
            )),
            _ => Ok(()),
        }
    }
}

/// One fact of the server's information.
pub(crate) fn fact<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim)
}

#[async_trait]
impl Transport for Redis {
    fn capabilities(&self) -> Capabilities {
        Capabilities::of(&[
            Capability::Replay,
            Capability::Fields,
            Capability::Durable,
            Capability::Competing,
            Capability::GroupUpkeep,
            Capability::SettleAndStart,
        ])
    }

    async fn publish(&self, records: &[Record]) -> Vec<Result<Position>> {
        publisher::publish(&self.publishing, records).await
    }

    fn batches_under_way(&self) -> usize {
        // The server works on some while the client prepares others: two gain most of it, and more than
        // four nothing.
        4
    }

    async fn create_group(&self, topic: &Topic, group: &Group, start: &Start) -> Result<Opened> {
        self.must_be_recent("create_group").await?;
        self.open_group("create_group", topic, group, start).await
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<Arc<dyn Subscriber>> {
        subscription.check()?;
        self.must_be_recent("subscribe").await?;
        let opened = self.open_groups(&subscription).await?;
        let subscriber =
            RedisSubscriber::join(Arc::clone(&self.link), subscription, opened).await?;
        Ok(Arc::new(subscriber))
    }

    async fn read(&self, topic: &Topic, from: &Start, limit: usize) -> Result<Vec<Stored>> {
        self.read_records(topic, from, None, limit).await
    }

    async fn read_until(
        &self,
        topic: &Topic,
        from: &Start,
        end: &Position,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        self.read_records(topic, from, Some(end), limit).await
    }

    async fn read_back(
        &self,
        topic: &Topic,
        before: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        self.read_records_back(topic, before, limit).await
    }

    async fn topics(&self) -> Result<Vec<TopicInfo>> {
        self.list_topics().await
    }

    async fn topic(&self, topic: &Topic) -> Result<TopicInfo> {
        self.one_topic(topic).await
    }

    async fn groups(&self, topic: &Topic) -> Result<Vec<GroupInfo>> {
        self.list_groups(topic).await
    }

    async fn losses(&self, topic: &Topic, group: &Group) -> Result<Option<Gap>> {
        self.loss_of(topic, group).await
    }

    async fn acknowledge_losses(&self, topic: &Topic, group: &Group) -> Result<Count> {
        self.acknowledge(topic, group).await
    }

    async fn remove_group(&self, topic: &Topic, group: &Group) -> Result<()> {
        self.remove_whole_group(topic, group).await
    }

    async fn seek(&self, topic: &Topic, group: &Group, to: &Start) -> Result<Seeked> {
        self.move_group(topic, group, to).await
    }

    async fn trim(&self, topic: &Topic, retention: &Retention) -> Result<Trimmed> {
        self.remove_old(topic, retention).await
    }

    async fn dead_letters(
        &self,
        topic: &Topic,
        group: &Group,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        self.list_dead_letters(topic, group, after, limit).await
    }

    async fn parked(&self, topic: &Topic, group: &Group) -> Result<Vec<ParkedKey>> {
        self.list_parked(topic, group).await
    }

    async fn release(&self, topic: &Topic, group: &Group, key: &Key) -> Result<u64> {
        self.release_key(topic, group, key).await
    }

    async fn redeliver(
        &self,
        topic: &Topic,
        group: &Group,
        records: &[Redelivery],
    ) -> Vec<Result<()>> {
        self.redeliver_records(topic, group, records).await
    }

    async fn discard(&self, topic: &Topic, group: &Group, ids: &[Position]) -> Vec<Result<()>> {
        self.discard_letters(topic, group, ids).await
    }

    fn schema_store(&self) -> Option<&dyn SchemaStore> {
        Some(self)
    }

    async fn ping(&self) -> Result<String> {
        let pong = self.link.command(&cmd("PING")).await;
        let pong: Value = pong.map_err(|f| f.reading("ping"))?;
        drop(pong);
        let info = self.info("server").await.map_err(|f| f.reading("ping"))?;
        let info = info.unwrap_or_default();
        Ok(
            match (fact(&info, "valkey_version"), fact(&info, "redis_version")) {
                (Some(version), _) => format!("Valkey {version}"),
                (None, Some(version)) => format!("Redis {version}"),
                (None, None) => "Redis, of a version that it does not tell".into(),
            },
        )
    }

    async fn process(&self) -> Result<Option<LogProcess>> {
        let answer = self.link.command(cmd("INFO").arg("server")).await;
        let info = match answer.and_then(|text| value::text(text, "the server's information")) {
            Ok(info) => info,
            Err(failure) => {
                let error = failure.reading("process");
                // Some do not tell.
                return if error.is_temporary() {
                    Err(error)
                } else {
                    Ok(None)
                };
            }
        };
        Ok(process::process(&info))
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        self.findings().await
    }
}
