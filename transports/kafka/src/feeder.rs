//! The two threads of a consumer: one polls for the group, one reads the journals.

use std::sync::Arc;
use std::sync::atomic::Ordering as Atomic;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, Offset, TopicPartitionList};
use tidings_transport::{Count, ErrorKind, Result};

use crate::context::Plain;
use crate::error::reading;
use crate::lane::Lane;
use crate::member::Member;
use crate::rebalance::Hook;
use crate::wire;

/// How long a poll waits: what the caller asks of the thread waits no longer.
const POLL: Duration = Duration::from_millis(50);
/// From how many records on, waiting to be handed out, nothing more is fetched.
const ENOUGH: usize = 2_000;

/// Starts both. They end when the member is closed.
pub(crate) fn start(member: &Arc<Member>) -> Result<()> {
    let reader = member
        .client
        .config
        .reader()
        .map_err(|e| reading("subscribe", e))?;
    let mut list = TopicPartitionList::new();
    for journal in &member.journals {
        let added = list.add_partition_offset(journal, 0, Offset::Beginning);
        added.map_err(|e| reading("subscribe", e))?;
    }
    reader.assign(&list).map_err(|e| reading("subscribe", e))?;
    let for_journals = member.clone();
    std::thread::spawn(move || read_journals(&for_journals, &reader, &list));
    let for_records = member.clone();
    std::thread::spawn(move || {
        poll(&for_records);
        // Leaves the group, unless the cluster is away.
        drop(for_records.take_consumer());
        for_records.ended.send_replace(true);
    });
    Ok(())
}

fn read_journals(member: &Member, reader: &BaseConsumer<Plain>, all: &TopicPartitionList) {
    while !member.is_closed() {
        if member.rewind.swap(false, Atomic::AcqRel)
            && let Err(e) = reader.assign(all)
        {
            member.fail(reading("next", e));
        }
        match reader.poll(POLL) {
            Some(Ok(message)) => {
                let journal = member
                    .journals
                    .iter()
                    .position(|name| name == message.topic());
                if let Some(topic) = journal {
                    member.desk().journals[topic].apply(&message);
                    member.read.send_modify(|n| *n += 1);
                    member.ready.notify_one();
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) | None => {}
            Some(Err(_)) => std::thread::sleep(POLL),
        }
    }
}

fn poll(member: &Member) {
    let Some(consumer) = member.consumer() else {
        return;
    };
    let names: Vec<&str> = member.physical.iter().map(String::as_str).collect();
    if let Err(e) = consumer.subscribe(&names) {
        member.fail(reading("next", e));
        return;
    }
    let mut paused = false;
    let mut silent = None;
    while !member.closed.load(Atomic::Acquire) {
        match consumer.poll(POLL) {
            Some(Ok(message)) => member.take_in(&consumer, &message),
            Some(Err(KafkaError::PartitionEOF(_))) | None => {}
            Some(Err(e)) => {
                let error = reading("next", e);
                if error.kind() != ErrorKind::Unavailable {
                    std::thread::sleep(POLL);
                }
                member.fail(error);
            }
        }
        if let Err(e) = member.seek_where_told(&consumer) {
            member.fail(e);
        }
        let full = member.desk().waiting() >= if paused { ENOUGH / 2 } else { ENOUGH };
        if full != paused
            && let Ok(list) = consumer.assignment()
        {
            let done = if full {
                consumer.pause(&list)
            } else {
                consumer.resume(&list)
            };
            paused = full && done.is_ok();
        }
        // A caller that is stuck must not keep what others could work on. It is back when it shows
        // that it lives.
        match silent {
            None if member.is_silent() => {
                silent = Some(Instant::now());
                consumer.unsubscribe();
                member.forget_all();
            }
            Some(since) if member.lives_since(since) => {
                silent = None;
                drop(consumer.subscribe(&names));
            }
            _ => {}
        }
    }
    // The library forgets to leave for a consumer without partitions that is closed while it is
    // subscribed; a static member is to stay.
    if member.client.config.instance.is_none() {
        consumer.unsubscribe();
    }
}

impl Member {
    fn take_in(&self, consumer: &BaseConsumer<Hook>, message: &BorrowedMessage<'_>) {
        let Some(topic) = self
            .physical
            .iter()
            .position(|name| name == message.topic())
        else {
            return;
        };
        let place = (topic, message.partition());
        let expected = self.desk().lanes.get(&place).map(Lane::expected);
        let Some(expected) = expected else { return };
        let mut low = 0;
        if message.offset() > expected {
            // Something is missing: compaction and transactions leave holes, retention loses.
            let (name, timeout) = (message.topic(), self.client.timeout());
            let marks = consumer.fetch_watermarks(name, message.partition(), timeout);
            low = marks.map_or(0, |marks| marks.0);
        }
        let mut desk = self.desk();
        let Some(lane) = desk.lanes.get_mut(&place) else {
            return;
        };
        let lost = lane.push(message.offset(), low, || wire::stored(message));
        if lost > 0 {
            let cause = "removed before the group was handed them";
            let bounds = (message.partition(), expected, low.min(message.offset()));
            desk.version += 1;
            desk.report(topic, &self.group, bounds, Count::Exactly(lost), cause);
        }
        drop(desk);
        self.ready.notify_one();
    }

    /// Carries out what a `seek` elsewhere has written into the journal.
    fn seek_where_told(&self, consumer: &BaseConsumer<Hook>) -> Result<()> {
        let mut moved = Vec::new();
        let unstored = self.moved.load(Atomic::Acquire);
        {
            let mut desk = self.desk();
            let desk = &mut *desk;
            for ((topic, partition), lane) in &mut desk.lanes {
                let Some((start, id)) = &desk.journals[*topic].seek else {
                    continue;
                };
                if *id <= lane.ledger.seek {
                    continue;
                }
                let at = usize::try_from(*partition).unwrap_or(usize::MAX);
                let mut ledger = lane.ledger.clone();
                ledger.move_to(start.get(at).copied().unwrap_or(0), *id);
                *lane = Lane::new(ledger);
                lane.dirty = true;
                moved.push((*topic, *partition, lane.ledger.base()));
            }
            desk.version += u64::from(!moved.is_empty());
        }
        if !moved.is_empty() {
            self.moved.store(true, Atomic::Release);
        }
        for (topic, partition, base) in &moved {
            let (name, to) = (&self.physical[*topic], Offset::Offset(*base));
            let sought = consumer.seek(name, *partition, to, self.client.timeout());
            sought.map_err(|e| reading("next", e))?;
        }
        // Whoever told the group to move waits for that.
        if !moved.is_empty() || unstored {
            self.moved
                .store(!self.commit_once("next")?, Atomic::Release);
        }
        Ok(())
    }

    /// Nothing is this consumer's any more.
    fn forget_all(&self) {
        let mut desk = self.desk();
        desk.lanes.clear();
        desk.letters.clear();
    }
}
