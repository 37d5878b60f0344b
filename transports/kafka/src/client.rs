//! The connections of a log, and what is asked over them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use tidings_transport::{Error, ErrorKind, Group, Result};

use crate::acl::{Acl, is_of_the_group};
use crate::brokers::{Brokers, Plain};
use crate::config::KafkaConfig;
use crate::entry::Entry;
use crate::error::{kind, no_answer, reading, writing};
use crate::flight::{Flight, Outgoing};
use crate::librdkafka::READER;
use crate::offsets::refusals;
use crate::passing::{Closing, Passing};
use crate::sender::Sender;

/// Between two looks at what is about to be.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);
/// How long a question waits before it looks for why there is no answer.
pub(crate) const SILENCE: Duration = Duration::from_secs(1);
/// Within so long each broker has heard of a topic that another one knows.
const HEARD: Duration = Duration::from_secs(1);

/// A producer, an administrator, and a consumer that only asks.
pub(crate) struct Client {
    pub(crate) config: KafkaConfig,
    pub(crate) sender: Sender,
    pub(crate) admin: AdminClient<Plain>,
    pub(crate) asking: Arc<BaseConsumer<Plain>>,
    pub(crate) brokers: Arc<Brokers>,
    /// One trim at a time.
    pub(crate) trimming: tokio::sync::Mutex<()>,
    closing: Closing,
    /// Topics that are known to exist. A std mutex: held for look-ups only.
    known: Mutex<HashSet<String>>,
}

impl Client {
    pub(crate) fn new(config: KafkaConfig) -> Result<Self> {
        config.check()?;
        config.check_files()?;
        let failed = |e| match e {
            // Its settings do not go together, or name what is not there.
            KafkaError::ClientCreation(_) => {
                let text = format!("Kafka: {e}");
                Error::new(ErrorKind::Invalid, "connect", text).with_source(e)
            }
            e => reading("connect", e),
        };
        let brokers = Brokers::new(config.address());
        let plain = || Plain(brokers.clone());
        let sender = Sender::new(config.producer(), brokers.clone());
        let admin = AdminClient::from_config_and_context(&config.admin(), plain());
        let asking = BaseConsumer::from_config_and_context(&config.consumer(READER), plain());
        let asking = Arc::new(asking.map_err(failed)?);
        brokers.ask_over(&asking);
        Ok(Self {
            sender: sender.map_err(failed)?,
            admin: admin.map_err(failed)?,
            asking,
            brokers,
            trimming: tokio::sync::Mutex::default(),
            closing: Closing::default(),
            known: Mutex::default(),
            config,
        })
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.config.response_timeout
    }

    /// Runs what blocks on a thread of its own, and waits no longer than an answer may take.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        operation: &'static str,
        call: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let client = self.clone();
        let running = tokio::task::spawn_blocking(move || call(&client));
        // Each call within has a limit of its own; several may follow each other.
        match tokio::time::timeout(self.timeout() * 3, running).await {
            Ok(Ok(result)) => result,
            Ok(Err(e)) => {
                Err(Error::new(ErrorKind::Failed, operation, "the call broke off").with_source(e))
            }
            Err(_) => Err(no_answer(operation, ErrorKind::Unavailable)),
        }
    }

    pub(crate) fn options(&self) -> AdminOptions {
        AdminOptions::new()
            .request_timeout(Some(self.timeout()))
            .operation_timeout(Some(self.timeout()))
    }

    /// How many partitions a topic has; `None` if there is no such topic. One that was there is looked for
    /// again for a moment: not every broker has heard yet of a topic that is new. Blocks.
    pub(crate) fn partitions(&self, name: &str, operation: &'static str) -> Result<Option<i32>> {
        let end = Instant::now() + HEARD;
        loop {
            let found = self.look_for(name, operation)?;
            if found.is_some() || !self.knows(name) {
                return Ok(found);
            }
            if Instant::now() > end {
                self.forget(name);
                return Ok(None);
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn look_for(&self, name: &str, operation: &'static str) -> Result<Option<i32>> {
        let metadata = self.asking.fetch_metadata(Some(name), self.timeout());
        let metadata = metadata.map_err(|e| reading(operation, e))?;
        let Some(topic) = metadata.topics().iter().find(|t| t.name() == name) else {
            return Ok(None);
        };
        match topic.error().map(RDKafkaErrorCode::from) {
            None => Ok(i32::try_from(topic.partitions().len())
                .ok()
                .filter(|n| *n > 0)),
            Some(RDKafkaErrorCode::UnknownTopicOrPartition) => Ok(None),
            Some(code) => {
                let error = reading(operation, KafkaError::MetadataFetch(code));
                let acl = Acl::to("Describe").for_request(operation);
                Err(acl.topic(name).of(error))
            }
        }
    }

    /// Makes a topic unless it is there.
    pub(crate) async fn ensure(
        self: &Arc<Self>,
        name: &str,
        compacted: bool,
        operation: &'static str,
    ) -> Result<()> {
        if self.knows(name) {
            return Ok(());
        }
        let owned = name.to_owned();
        let look = move |client: &Self| client.partitions(&owned, operation);
        if self.blocking(operation, look.clone()).await?.is_none() {
            self.create(name, compacted, operation).await?;
            let end = Instant::now() + self.timeout();
            while self.blocking(operation, look.clone()).await?.is_none() {
                if Instant::now() > end {
                    return Err(no_answer(operation, ErrorKind::Unavailable));
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        self.known().insert(name.to_owned());
        Ok(())
    }

    async fn create(
        self: &Arc<Self>,
        name: &str,
        compacted: bool,
        operation: &'static str,
    ) -> Result<()> {
        let number = |n: Option<u32>| n.and_then(|n| i32::try_from(n).ok()).unwrap_or(-1);
        let partitions = if compacted {
            1
        } else {
            number(self.config.partitions)
        };
        let replication = TopicReplication::Fixed(number(self.config.replication));
        let mut topic = NewTopic::new(name, partitions, replication);
        if compacted {
            topic = topic.set("cleanup.policy", "compact");
        } else {
            for (setting, value) in &self.config.topic {
                topic = topic.set(setting, value);
            }
        }
        let made = self.admin.create_topics([&topic], &self.options()).await;
        for result in made.map_err(|e| reading(operation, e))? {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                // Making it again is harmless.
                Err((_, RDKafkaErrorCode::RequestTimedOut)) => {
                    return Err(no_answer(operation, ErrorKind::Unavailable));
                }
                Err((_, RDKafkaErrorCode::InvalidTopic)) => {
                    let wanted = name.to_owned();
                    let look = move |client: &Self| client.misnamed(&wanted, operation);
                    return Err(self.blocking(operation, look).await?);
                }
                Err((_, code)) => {
                    let error = self.refused(code, compacted, operation);
                    let acl = Acl::to("Create").for_request(operation);
                    return Err(acl.topic(name).of(error));
                }
            }
        }
        Ok(())
    }

    /// Why brokers take this name for none: in those of their metrics `.` is `_`. Blocks.
    fn misnamed(&self, name: &str, operation: &'static str) -> Result<Error> {
        let metadata = self.asking.fetch_metadata(None, self.timeout());
        let metadata = metadata.map_err(|e| reading(operation, e))?;
        let in_metrics = |name: &str| name.replace('.', "_");
        let mut others = metadata.topics().iter().map(|topic| topic.name());
        let other = others.find(|o| *o != name && in_metrics(o) == in_metrics(name));
        let error = KafkaError::AdminOp(RDKafkaErrorCode::InvalidTopic);
        Ok(match other {
            Some(other) => {
                let why = format!(
                    "there is a topic {other}, and in names of metrics Kafka takes `.` and `_` for the same: \
                     it makes no topic {name} beside it; give it another name"
                );
                Error::new(ErrorKind::Invalid, operation, why).with_source(error)
            }
            None => writing(operation, error),
        })
    }

    /// Why a topic was not made, with what the URL asked for.
    fn refused(&self, code: RDKafkaErrorCode, compacted: bool, operation: &'static str) -> Error {
        let error = KafkaError::AdminOp(code);
        let mut operation = operation;
        let why = match (code, self.config.replication) {
            (RDKafkaErrorCode::InvalidReplicationFactor, Some(n)) => {
                format!("replication={n} is more than the cluster has brokers now")
            }
            (RDKafkaErrorCode::InvalidConfig, _) if !compacted && !self.config.topic.is_empty() => {
                let names = self.config.topic.keys().map(|name| format!("topic.{name}"));
                let names = names.collect::<Vec<_>>().join(", ");
                // They stand in the bus's URL, whatever it was that made the topic.
                operation = "create topic";
                format!(
                    "the brokers refuse a setting of the topic ({names}): no such name, or a bad value"
                )
            }
            _ => return writing(operation, error),
        };
        Error::new(kind(&error, true), operation, why).with_source(error)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.known().contains(name)
    }

    /// Somebody has removed it.
    pub(crate) fn forget(&self, name: &str) {
        self.known().remove(name);
    }

    /// What the cluster says of itself. Why brokers refuse this client is told on its connections
    /// meanwhile, and is the answer then: they would not be asked again and again. Blocks.
    pub(crate) fn first_metadata(&self, operation: &'static str) -> Result<Metadata> {
        let end = Instant::now() + self.timeout();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let error = match self.asking.fetch_metadata(None, left.min(SILENCE)) {
                Ok(metadata) => {
                    self.brokers.met();
                    return Ok(metadata);
                }
                Err(e) => self.refusal().unwrap_or(e),
            };
            let kind = self.brokers.kind(&error);
            // Tokens are asked for in the background, less often than a call waits; a connection that broke off is
            // made anew.
            let for_tokens = self.brokers.is_no_refusal(&error) && self.brokers.lacks_tokens();
            if kind != ErrorKind::Unavailable || for_tokens || Instant::now() >= end {
                let text = format!("Kafka: {error}: {}", self.brokers.reason());
                let text = text.trim_end_matches(": ");
                return Err(Error::new(kind, operation, text).with_source(error));
            }
        }
    }

    fn refusal(&self) -> Option<KafkaError> {
        refusals(&self.asking).find(|e| !is_of_the_group(e))
    }

    /// A consumer that may ask and commit for a group without joining it.
    pub(crate) fn outsider(&self, group: &Group) -> KafkaResult<Passing> {
        self.passing(group.as_str())
    }

    /// A consumer that reads, and belongs to no group.
    pub(crate) fn reader(&self) -> KafkaResult<Passing> {
        self.passing(READER)
    }

    fn passing(&self, group: &str) -> KafkaResult<Passing> {
        let (config, plain) = (self.config.consumer(group), Plain(self.brokers.clone()));
        let consumer = BaseConsumer::from_config_and_context(&config, plain)?;
        Ok(Passing::new(consumer, &self.closing))
    }

    /// Appends to a journal, in order; the offset of the last one.
    pub(crate) async fn append(
        &self,
        journal: &str,
        entries: Vec<Entry>,
        operation: &'static str,
    ) -> Result<i64> {
        let acl = Acl::to("Write").topic(journal);
        let failed = |e| acl.of(writing(operation, e));
        let producer = self.sender.producer().map_err(failed)?;
        let flight = Arc::new(Flight::default());
        for entry in &entries {
            let outgoing = Outgoing {
                topic: journal,
                partition: Some(0),
                key: Some(&entry.key),
                value: entry.value.as_deref(),
                headers: entry.headers.clone(),
            };
            flight.send(&producer, outgoing).map_err(failed)?;
        }
        let mut last = -1;
        for stored in self.landed(&producer, &flight, operation).await {
            last = last.max(stored.map_err(|e| acl.of(e))?.1);
        }
        Ok(last)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.closing.wait();
        // A thread may ask over it just now whether brokers are back, for a second at most. It must not be what
        // ends it: a process that ends meanwhile takes away what the library's threads use.
        self.brokers.close();
        while Arc::strong_count(&self.asking) > 1 {
            std::thread::sleep(PAUSE);
        }
    }
}
