//! The threads of a consumer: one polls for the group, one reads the journals, one commits.

use std::sync::Arc;
use std::sync::atomic::Ordering as Atomic;
use std::thread::Builder;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Message, Offset, TopicPartitionList};
use tidings_transport::{Count, Delivery, Error, ErrorKind, Result};

use crate::brokers::Plain;
use crate::error::reading;
use crate::lane::Lane;
use crate::member::Member;
use crate::passing::Passing;
use crate::rebalance::Hook;
use crate::wire;

/// How long a poll waits: what the caller asks of the thread waits no longer.
const POLL: Duration = Duration::from_millis(50);
/// How many records are taken in at once, so that the desk is locked once for them.
const TOGETHER: usize = 200;
/// From how many records on, waiting to be handed out, nothing more is taken in.
const ENOUGH: usize = 2_000;
/// How long nothing is taken in before the partitions are paused. The library throws away what it
/// has fetched of a partition that is paused; while nobody polls, it waits for us in its queue.
const PATIENCE: Duration = Duration::from_millis(100);

/// Starts them. They end when the member is closed.
pub(crate) fn start(member: &Arc<Member>) -> Result<()> {
    let reader = member.client.reader();
    let reader = reader.map_err(|e| reading("subscribe", e))?;
    let mut list = TopicPartitionList::new();
    for journal in &member.journals {
        // A journal begins there, whatever was compacted: to ask for its beginning would cost the
        // library half a second.
        let added = list.add_partition_offset(journal, 0, Offset::Offset(0));
        added.map_err(|e| reading("subscribe", e))?;
    }
    reader.assign(&list).map_err(|e| reading("subscribe", e))?;
    let started = start_threads(member, reader, list);
    if started.is_err() {
        member.shut();
    }
    started
}

fn start_threads(
    member: &Arc<Member>,
    reader: Passing,
    journals: TopicPartitionList,
) -> Result<()> {
    let for_journals = member.clone();
    spawn("tidings-journal", move || {
        read_journals(&for_journals, &reader, &journals);
    })?;
    let for_commits = member.clone();
    spawn("tidings-commit", move || for_commits.commit_for_callers())?;
    let for_records = member.clone();
    spawn("tidings-poll", move || {
        poll(&for_records);
        for_records.leave();
        for_records.ended.send_replace(true);
    })
}

/// Under a name for those who look at the threads of a process.
fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
    let thread = Builder::new().name(name.to_owned()).spawn(run);
    thread.map(drop).map_err(|e| {
        let text = format!("a thread of the consumer cannot be started: {e}");
        Error::new(ErrorKind::Failed, "subscribe", text).with_source(e)
    })
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
    while !member.is_closed() {
        fetch(member, &consumer);
        member.take_in(&consumer);
        if let Err(e) = member.seek_where_told(&consumer) {
            member.fail(e);
        }
        member.commit_after_doubt();
        let full = match paused {
            true => member.desk().waiting() >= ENOUGH / 2,
            false => member.is_full(),
        };
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

/// Polls until enough lies there, or nothing more comes at once.
fn fetch(member: &Member, consumer: &BaseConsumer<Hook>) {
    let mut wait = POLL;
    for _ in 0..TOGETHER {
        match consumer.poll(wait) {
            Some(Ok(message)) => member.keep(&message),
            Some(Err(KafkaError::PartitionEOF(_))) => {}
            None => return,
            Some(Err(e)) => {
                let error = member.acl().of(member.client.brokers.reading("next", e));
                if error.kind() != ErrorKind::Unavailable {
                    std::thread::sleep(POLL);
                }
                return member.fail(error);
            }
        }
        wait = Duration::ZERO;
    }
}

/// A message that is not on the desk yet.
pub(crate) struct Fetched {
    topic: usize,
    partition: i32,
    offset: i64,
    delivery: Arc<Delivery>,
}

impl Member {
    fn keep(&self, message: &impl Message) {
        let name = message.topic();
        let Some(topic) = self.physical.iter().position(|physical| physical == name) else {
            return;
        };
        let stored = wire::stored(message);
        let delivery = Delivery {
            topic: self.topics[topic].clone(),
            position: stored.position,
            received: stored.received,
            key: stored.key,
            body: stored.body,
            // Both are known when it is handed out.
            attempts: 0,
            epoch: 0,
            released: false,
        };
        self.fetched().push(Fetched {
            topic,
            partition: message.partition(),
            offset: message.offset(),
            delivery: Arc::new(delivery),
        });
    }

    /// Puts what was fetched on the desk. It has to be there before partitions come or go: of one
    /// that comes again it would look as if what stands before it did not exist.
    pub(crate) fn take_in(&self, consumer: &BaseConsumer<Hook>) {
        let fetched = std::mem::take(&mut *self.fetched());
        if fetched.is_empty() {
            return;
        }
        let mut desk = self.desk();
        for next in fetched {
            let place = (next.topic, next.partition);
            let mut low = 0;
            if desk.skips(place, next.offset) {
                // Something is missing: compaction and transactions leave holes, retention loses.
                drop(desk);
                let (name, timeout) = (&self.physical[next.topic], self.client.timeout());
                let marks = consumer.fetch_watermarks(name, next.partition, timeout);
                low = marks.map_or(0, |marks| marks.0);
                desk = self.desk();
            }
            let Some(lane) = desk.lanes.get_mut(&place) else {
                continue;
            };
            let expected = lane.expected();
            let lost = lane.push(next.offset, low, next.delivery);
            if lost > 0 {
                let cause = "removed before the group was handed them";
                let bounds = (next.partition, expected, low.min(next.offset));
                desk.version += 1;
                desk.report(next.topic, &self.group, bounds, Count::Exactly(lost), cause);
            }
        }
        drop(desk);
        self.ready.notify_one();
    }

    /// Whether so much waits to be handed out that nothing more should come, after a while in which
    /// some of it may have gone.
    fn is_full(&self) -> bool {
        let end = Instant::now() + PATIENCE;
        let mut desk = self.desk();
        while desk.waiting() >= ENOUGH {
            if Instant::now() > end || self.is_closed() {
                return true;
            }
            desk = self.wait_for_room(desk, PATIENCE);
        }
        false
    }

    /// Carries out what a `seek` elsewhere has written into the journal.
    fn seek_where_told(&self, consumer: &BaseConsumer<Hook>) -> Result<()> {
        let mut moved = Vec::new();
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
        }
        if !moved.is_empty() {
            // Whoever told the group to move waits for that.
            *self.moved() = Some(self.commit_soon());
        }
        for (topic, partition, base) in &moved {
            let (name, to) = (&self.physical[*topic], Offset::Offset(*base));
            let sought = consumer.seek(name, *partition, to, self.client.timeout());
            sought.map_err(|e| reading("next", e))?;
        }
        self.see_to_moves()
    }

    /// A seek that could not be committed is committed again, until it is.
    fn see_to_moves(&self) -> Result<()> {
        let Some(version) = *self.moved() else {
            return Ok(());
        };
        match self.is_stored(version) {
            Ok(true) => *self.moved() = None,
            Ok(false) => {}
            Err(e) => {
                *self.moved() = Some(self.commit_soon());
                return Err(e);
            }
        }
        Ok(())
    }

    /// Leaves the group, unless the cluster is away: once a commit that is under way lets go of the connection, or
    /// does not within the time limit.
    fn leave(&self) {
        let Some(consumer) = self.take_consumer() else {
            return;
        };
        let end = Instant::now() + self.client.timeout();
        while Arc::strong_count(&consumer) > 1 && Instant::now() < end {
            std::thread::sleep(POLL / 10);
        }
    }

    /// Nothing is this consumer's any more.
    fn forget_all(&self) {
        let mut desk = self.desk();
        desk.lanes.clear();
        desk.letters.clear();
    }
}
