//! Reading what stands in partitions, without being in a group.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, Offset, TopicPartitionList};
use tidings_transport::{ErrorKind, Result};

use crate::acl::{Acl, is_of_the_group};
use crate::client::Client;
use crate::error::{kind, no_answer, reading};

const POLL: Duration = Duration::from_millis(100);

/// A part of a partition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range<'a> {
    /// As Kafka calls it.
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) from: i64,
    /// The first offset that does not belong to it.
    pub(crate) until: i64,
}

impl Range<'_> {
    fn is_of(&self, message: &impl Message) -> bool {
        self.partition == message.partition() && self.topic == message.topic()
    }
}

impl Client {
    /// Reads these ranges side by side, each in its order. `each` is told of which of them a message
    /// is, and says whether it wants more of that one. Leaves no trace. Blocks.
    pub(crate) fn scan(
        &self,
        ranges: &[Range<'_>],
        operation: &'static str,
        mut each: impl FnMut(usize, &BorrowedMessage<'_>) -> bool,
    ) -> Result<()> {
        let mut open: Vec<(usize, Range<'_>)> = ranges.iter().copied().enumerate().collect();
        open.retain(|(_, range)| range.from < range.until);
        self.pass(&mut open, operation, &mut each)?;
        // The library does not say of which topic a partition has ended. Where the last offsets of
        // one hold no message, it is read to its end alone.
        for left in open {
            self.pass(&mut vec![left], operation, &mut each)?;
        }
        Ok(())
    }

    /// Reads on until all are done, or have ended for all one can tell; those stay in `open`.
    fn pass(
        &self,
        open: &mut Vec<(usize, Range<'_>)>,
        operation: &'static str,
        each: &mut impl FnMut(usize, &BorrowedMessage<'_>) -> bool,
    ) -> Result<()> {
        if open.is_empty() {
            return Ok(());
        }
        let failed = |e| reading(operation, e);
        let mut list = TopicPartitionList::new();
        for (_, range) in open.iter() {
            let from = Offset::Offset(range.from);
            let added = list.add_partition_offset(range.topic, range.partition, from);
            added.map_err(failed)?;
        }
        let reader = self.reader().map_err(failed)?;
        reader.assign(&list).map_err(failed)?;
        let partitions: Vec<i32> = open.iter().map(|(_, range)| range.partition).collect();
        let alone = |partition| partitions.iter().filter(|p| **p == partition).count() == 1;
        let mut ends = 0;
        let mut end = Instant::now() + self.timeout();
        while !open.is_empty() && ends < partitions.len() {
            if Instant::now() > end {
                return Err(no_answer(operation, ErrorKind::Unavailable));
            }
            match reader.poll(POLL) {
                None => {}
                Some(Ok(message)) => {
                    end = Instant::now() + self.timeout();
                    let found = open.iter().position(|(_, range)| range.is_of(&message));
                    let Some(found) = found else { continue };
                    let (at, range) = &mut open[found];
                    let offset = message.offset();
                    let more = offset < range.until && each(*at, &message);
                    range.from = offset + 1;
                    if !more || range.from >= range.until {
                        open.swap_remove(found);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    ends += 1;
                    if alone(partition) {
                        open.retain(|(_, range)| range.partition != partition);
                    }
                }
                Some(Err(e)) if kind(&e, false) == ErrorKind::Unavailable => {}
                Some(Err(e)) if is_of_the_group(&e) => {}
                Some(Err(e)) => {
                    let mut topics: Vec<&str> = open.iter().map(|(_, range)| range.topic).collect();
                    topics.dedup();
                    let read = topics.into_iter().fold(Acl::to("Read"), Acl::topic);
                    return Err(read.of(failed(e)));
                }
            }
        }
        Ok(())
    }
}
