//! The offsets of partitions, and those that groups have committed.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use tidings_transport::{ErrorKind, Group, Result};

use crate::acl::Acl;
use crate::brokers::Plain;
use crate::client::{Client, PAUSE, SILENCE};
use crate::error::{kind, reading};
use crate::ledger::{self, Ledger};

/// The offset of the oldest record of a partition, and the one behind its newest.
pub(crate) type Marks = (i64, i64);

/// What is committed for a partition; `None` where nothing is.
pub(crate) type Committed = Option<Ledger>;

impl Client {
    /// The marks of each partition of a topic. Blocks.
    pub(crate) fn watermarks(
        &self,
        name: &str,
        partitions: i32,
        operation: &'static str,
    ) -> Result<Vec<Marks>> {
        let end = Instant::now() + self.timeout();
        loop {
            match self.marks(&[(name, partitions)]) {
                Ok(found) => return Ok(found.into_iter().flatten().collect()),
                // A topic that was made just now has no leader yet.
                Err(e) if is_young(&e) && Instant::now() < end => std::thread::sleep(PAUSE),
                Err(e) => return Err(reading(operation, e)),
            }
        }
    }

    /// The marks of each partition of these topics; of one that is being removed there are none.
    /// Blocks.
    pub(crate) fn all_watermarks(
        &self,
        topics: &[(&str, i32)],
        operation: &'static str,
    ) -> Result<Vec<Vec<Marks>>> {
        if let Ok(found) = self.marks(topics) {
            return Ok(found);
        }
        let one = |(name, partitions): &(&str, i32)| match self.watermarks(
            name,
            *partitions,
            operation,
        ) {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            found => found,
        };
        topics.iter().map(one).collect()
    }

    /// The marks of all partitions of these topics. Blocks.
    pub(crate) fn marks(&self, topics: &[(&str, i32)]) -> KafkaResult<Vec<Vec<Marks>>> {
        let places = topics.iter().flat_map(|&(name, partitions)| {
            (0..partitions).map(move |partition| (name, partition))
        });
        let places: Vec<_> = places.collect();
        let mut each = self.marks_at(&places)?.into_iter();
        let counts = topics.iter().map(|(_, n)| usize::try_from(*n).unwrap_or(0));
        Ok(counts.map(|n| each.by_ref().take(n).collect()).collect())
    }

    /// The marks of these partitions, in two requests to each broker. Blocks.
    pub(crate) fn marks_at(&self, places: &[(&str, i32)]) -> KafkaResult<Vec<Marks>> {
        let ask = |which: Offset| {
            let mut list = TopicPartitionList::new();
            for (name, partition) in places {
                list.add_partition_offset(name, *partition, which)?;
            }
            // What Kafka calls the times -1 and -2 are the end and the beginning.
            let found = match list.count() {
                0 => list,
                _ => self.asking.offsets_for_times(list, self.timeout())?,
            };
            let mut offsets = Vec::with_capacity(found.count());
            for element in found.elements() {
                element.error()?;
                offsets.push(element.offset().to_raw().unwrap_or(0).max(0));
            }
            KafkaResult::Ok(offsets)
        };
        // What is removed between the two is not there in either.
        let (highs, lows) = (ask(Offset::End)?, ask(Offset::Beginning)?);
        let each = lows.into_iter().zip(highs);
        Ok(each.map(|(low, high)| (low, high.max(low))).collect())
    }

    /// What a group has committed. Blocks.
    pub(crate) fn committed(
        &self,
        group: &Group,
        name: &str,
        partitions: i32,
        operation: &'static str,
    ) -> Result<Vec<Committed>> {
        let acl = Acl::to("Describe").topic(name).group(group.as_str());
        let failed = |e| acl.of(reading(operation, e));
        let outsider = self.outsider(group).map_err(failed)?;
        let mut patience = SILENCE.min(self.timeout());
        let ask = || match committed(&outsider, name, 0..partitions, patience) {
            // The library goes on asking who looks after a group that this user may not see.
            Err(e) if patience < self.timeout() && is_late(&e) => {
                patience = self.timeout();
                match refusals(&outsider).find(|e| !self.brokers.is_no_refusal(e)) {
                    Some(refusal) => Err(refusal),
                    None => committed(&outsider, name, 0..partitions, patience),
                }
            }
            found => found,
        };
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
        self.commit_list(group, &list)
    }

    /// Commits, for a group without consumers, that it was removed from a topic. Blocks.
    pub(crate) fn forget_for(&self, group: &Group, name: &str, partitions: i32) -> KafkaResult<()> {
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition_offset(name, partition, Offset::Offset(0))?;
            if let Some(mut element) = list.find_partition(name, partition) {
                element.set_metadata(ledger::REMOVED);
            }
        }
        self.commit_list(group, &list)
    }

    fn commit_list(&self, group: &Group, list: &TopicPartitionList) -> KafkaResult<()> {
        let outsider = self.outsider(group)?;
        self.once_coordinated(|| outsider.commit(list, CommitMode::Sync))
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
}

/// Why brokers refuse this consumer, as told on its connections. Blocks.
pub(crate) fn refusals(consumer: &BaseConsumer<Plain>) -> impl Iterator<Item = KafkaError> {
    let told = std::iter::from_fn(|| consumer.poll(PAUSE));
    told.filter_map(|told| told.err().filter(|e| kind(e, false) == ErrorKind::Denied))
}

fn is_late(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    let code = error.rdkafka_error_code();
    matches!(
        code,
        Some(Code::OperationTimedOut | Code::WaitingForCoordinator)
    )
}

/// What a group has committed for some partitions, asked over one of its consumers. Blocks.
pub(crate) fn committed<C: ConsumerContext>(
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
            Offset::Offset(base) if element.metadata() != ledger::REMOVED => {
                Some(Ledger::decode(base, element.metadata()))
            }
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
    let (first, metadata) = ledger.encode();
    list.add_partition_offset(name, partition, Offset::Offset(first))?;
    if let Some(mut element) = list.find_partition(name, partition) {
        element.set_metadata(metadata);
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
                // Some broker has not heard of the newest leader yet.
                | Code::UnknownLeaderEpoch
                | Code::FencedLeaderEpoch
                | Code::OffsetNotAvailable
        )
    )
}
