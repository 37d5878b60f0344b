//! The connections of a log, and what is asked over them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::{FromClientConfig, FromClientConfigAndContext};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, OwnedHeaders};
use rdkafka::{Message, Offset, TopicPartitionList};
use tidings_transport::{Error, ErrorKind, Group, Result};

use crate::config::KafkaConfig;
use crate::context::Plain;
use crate::error::{no_answer, reading, writing};
use crate::flight::{Flight, FlightProducer, Outgoing, Tower};
use crate::ledger::Ledger;

/// Between two looks at what is about to be.
const PAUSE: Duration = Duration::from_millis(20);

/// A record of a journal on its way.
pub(crate) struct Entry {
    pub(crate) key: Vec<u8>,
    pub(crate) headers: OwnedHeaders,
    /// `None` removes what stands under the key.
    pub(crate) value: Option<Vec<u8>>,
}

/// What is committed for a partition; `None` where nothing is.
pub(crate) type Committed = Option<Ledger>;

/// A producer, an administrator, and a consumer that only asks.
pub(crate) struct Client {
    pub(crate) config: KafkaConfig,
    pub(crate) producer: FlightProducer,
    pub(crate) admin: AdminClient<DefaultClientContext>,
    pub(crate) asking: BaseConsumer<Plain>,
    /// One trim at a time.
    pub(crate) trimming: tokio::sync::Mutex<()>,
    /// Topics that are known to exist. A std mutex: held for look-ups only.
    known: Mutex<HashSet<String>>,
}

impl Client {
    pub(crate) fn new(config: KafkaConfig) -> Result<Self> {
        config.check()?;
        let failed = |e| reading("connect", e);
        Ok(Self {
            producer: FlightProducer::from_config_and_context(&config.producer(), Tower)
                .map_err(failed)?,
            admin: AdminClient::from_config(&config.admin()).map_err(failed)?,
            asking: config.reader().map_err(failed)?,
            trimming: tokio::sync::Mutex::default(),
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

    /// How many partitions a topic has; `None` if there is no such topic. Blocks.
    pub(crate) fn partitions(&self, name: &str, operation: &'static str) -> Result<Option<i32>> {
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
            Some(code) => Err(reading(operation, KafkaError::MetadataFetch(code))),
        }
    }

    /// The offsets of the oldest record and behind the newest one, for each partition. Blocks.
    pub(crate) fn watermarks(
        &self,
        name: &str,
        partitions: i32,
        operation: &'static str,
    ) -> Result<Vec<(i64, i64)>> {
        let end = Instant::now() + self.timeout();
        let one = |partition| {
            loop {
                match self
                    .asking
                    .fetch_watermarks(name, partition, self.timeout())
                {
                    Ok(found) => return Ok(found),
                    // A topic that was made just now has no leader yet.
                    Err(e) if is_young(&e) && Instant::now() < end => std::thread::sleep(PAUSE),
                    Err(e) => return Err(reading(operation, e)),
                }
            }
        };
        (0..partitions).map(one).collect()
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

    async fn create(&self, name: &str, compacted: bool, operation: &'static str) -> Result<()> {
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
            for (name, value) in &self.config.topic {
                topic = topic.set(name, value);
            }
        }
        let made = self.admin.create_topics([&topic], &self.options()).await;
        let failed = |code| writing(operation, KafkaError::AdminOp(code));
        for result in made.map_err(|e| reading(operation, e))? {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                // Making it again is harmless.
                Err((_, RDKafkaErrorCode::RequestTimedOut)) => {
                    return Err(no_answer(operation, ErrorKind::Unavailable));
                }
                Err((_, code)) => return Err(failed(code)),
            }
        }
        Ok(())
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

    /// Why the brokers refuse this client, as told on its connections meanwhile. Blocks.
    pub(crate) fn refusal(&self) -> Option<KafkaError> {
        let end = Instant::now() + Duration::from_secs(1);
        while Instant::now() < end {
            match self.asking.poll(PAUSE) {
                Some(Err(e)) if crate::error::kind(&e, false) == ErrorKind::Denied => {
                    return Some(e);
                }
                _ => {}
            }
        }
        None
    }

    /// A consumer that may ask and commit for a group without joining it.
    pub(crate) fn outsider(&self, group: &Group) -> KafkaResult<BaseConsumer<Plain>> {
        BaseConsumer::from_config_and_context(&self.config.consumer(group.as_str()), Plain)
    }

    /// What a group has committed. Blocks.
    pub(crate) fn committed(
        &self,
        group: &Group,
        name: &str,
        partitions: i32,
        operation: &'static str,
    ) -> Result<Vec<Committed>> {
        let failed = |e| reading(operation, e);
        let outsider = self.outsider(group).map_err(failed)?;
        let ask = || committed(&outsider, name, 0..partitions, self.timeout());
        self.once_coordinated(ask).map_err(failed)
    }

    /// Commits for a group without consumers. Blocks.
    pub(crate) fn commit_for(
        &self,
        group: &Group,
        name: &str,
        ledgers: &[Ledger],
    ) -> KafkaResult<()> {
        let mut list = TopicPartitionList::new();
        for (partition, ledger) in (0..).zip(ledgers) {
            add(&mut list, name, partition, ledger)?;
        }
        let outsider = self.outsider(group)?;
        self.once_coordinated(|| outsider.commit(&list, CommitMode::Sync))
    }

    /// Calls again while the group moves from one broker to another. Blocks.
    fn once_coordinated<T>(&self, mut call: impl FnMut() -> KafkaResult<T>) -> KafkaResult<T> {
        let end = Instant::now() + self.timeout();
        loop {
            match call() {
                Err(e) if is_uncoordinated(&e) && Instant::now() < end => {
                    std::thread::sleep(PAUSE);
                }
                result => return result,
            }
        }
    }

    /// Reads from each partition what stands from an offset on and before another, until `each`
    /// says that it is enough. Leaves no trace. Blocks.
    pub(crate) fn scan(
        &self,
        name: &str,
        ranges: &[(i32, i64, i64)],
        operation: &'static str,
        mut each: impl FnMut(&BorrowedMessage<'_>) -> bool,
    ) -> Result<()> {
        let mut open: Vec<_> = ranges
            .iter()
            .filter(|(_, from, until)| from < until)
            .collect();
        if open.is_empty() {
            return Ok(());
        }
        let failed = |e| reading(operation, e);
        let reader = self.config.reader().map_err(failed)?;
        let mut list = TopicPartitionList::new();
        for (partition, from, _) in &open {
            let added = list.add_partition_offset(name, *partition, Offset::Offset(*from));
            added.map_err(failed)?;
        }
        reader.assign(&list).map_err(failed)?;
        let mut end = Instant::now() + self.timeout();
        while !open.is_empty() {
            if Instant::now() > end {
                return Err(no_answer(operation, ErrorKind::Unavailable));
            }
            match reader.poll(Duration::from_millis(100)) {
                None => {}
                Some(Ok(message)) => {
                    end = Instant::now() + self.timeout();
                    let (partition, offset) = (message.partition(), message.offset());
                    let within = open
                        .iter()
                        .any(|(p, _, until)| *p == partition && offset < *until);
                    if within && !each(&message) {
                        return Ok(());
                    }
                    open.retain(|(p, _, until)| *p != partition || offset + 1 < *until);
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    open.retain(|(p, ..)| *p != partition);
                }
                Some(Err(e)) if crate::error::kind(&e, false) == ErrorKind::Unavailable => {}
                Some(Err(e)) => return Err(failed(e)),
            }
        }
        Ok(())
    }

    /// Appends to a journal, in order; the offset of the last one.
    pub(crate) async fn append(
        &self,
        journal: &str,
        entries: Vec<Entry>,
        operation: &'static str,
    ) -> Result<i64> {
        let flight = Arc::new(Flight::default());
        for entry in &entries {
            let outgoing = Outgoing {
                topic: journal,
                partition: Some(0),
                key: Some(&entry.key),
                value: entry.value.as_deref(),
                headers: entry.headers.clone(),
            };
            let sent = flight.send(&self.producer, outgoing);
            sent.map_err(|e| writing(operation, e))?;
        }
        let mut last = -1;
        for stored in self.landed(&flight, operation).await {
            last = last.max(stored?.1);
        }
        Ok(last)
    }
}

/// What a group has committed for some partitions, asked over one of its consumers. Blocks.
pub(crate) fn committed<C: rdkafka::consumer::ConsumerContext>(
    consumer: &BaseConsumer<C>,
    name: &str,
    partitions: impl IntoIterator<Item = i32>,
    timeout: Duration,
) -> KafkaResult<Vec<Committed>> {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition(name, partition);
    }
    let list = consumer.committed_offsets(list, timeout)?;
    let mut found = Vec::with_capacity(list.count());
    for element in list.elements() {
        element.error()?;
        found.push(match element.offset() {
            Offset::Offset(base) => Some(Ledger::decode(base, element.metadata())),
            _ => None,
        });
    }
    Ok(found)
}

/// Adds what stands in a ledger to what is to be committed.
pub(crate) fn add(
    list: &mut TopicPartitionList,
    name: &str,
    partition: i32,
    ledger: &Ledger,
) -> KafkaResult<()> {
    list.add_partition_offset(name, partition, Offset::Offset(ledger.base()))?;
    if let Some(mut element) = list.find_partition(name, partition) {
        element.set_metadata(ledger.encode());
    }
    Ok(())
}

/// Whether the broker that was asked does not look after the group, or not yet.
pub(crate) fn is_uncoordinated(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::NotCoordinator | Code::CoordinatorNotAvailable | Code::CoordinatorLoadInProgress
        )
    )
}

fn is_young(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::UnknownPartition
                | Code::UnknownTopic
                | Code::UnknownTopicOrPartition
                | Code::LeaderNotAvailable
                | Code::NotLeaderForPartition
        )
    )
}
