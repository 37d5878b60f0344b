//! Partitions come and go.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering as Atomic;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Message, Offset, TopicPartitionList};
use tidings_transport::{Count, Error, ErrorKind, Group, Result};

use crate::brokers::Brokers;
use crate::desk::Desk;
use crate::entry::{self, Made};
use crate::error::reading;
use crate::journal::Journal;
use crate::lane::Lane;
use crate::member::Member;
use crate::offsets::{Committed, Marks, committed};
use crate::scan::Range;

/// Why records are lost.
pub(crate) const REMOVED: &str = "removed before the group was handed them or had settled them";
pub(crate) const MADE_ANEW: &str =
    "the partition ends before the position of the group: it was made anew";

/// How long a revoked partition waits for handlers that were started.
const DRAIN: Duration = Duration::from_secs(5);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Told by the client library, on the thread that polls, of what the group decides.
pub(crate) struct Hook {
    pub(crate) member: OnceLock<Weak<Member>>,
    pub(crate) brokers: Arc<Brokers>,
}

impl ClientContext for Hook {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.brokers.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.brokers.told(&error, reason);
    }
}

impl ConsumerContext for Hook {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let member = self.member.get().and_then(Weak::upgrade);
        let member = member.filter(|member| !member.is_closed());
        let assigned = event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if let Some(member) = &member {
            member.take_in(consumer);
        }
        let result = match (assigned, &member) {
            (true, Some(member)) => {
                member.assigned(consumer, list);
                add(consumer, list)
            }
            (true, None) => add(consumer, list),
            (false, member) => {
                if let Some(member) = member {
                    member.revoked(consumer, list);
                }
                remove(consumer, list)
            }
        };
        if let Some(member) = member.as_ref().filter(|_| assigned) {
            member.commits.fence().assigned();
        }
        if let (Err(e), Some(member)) = (result, member) {
            member.fail(reading("next", e));
        }
    }
}

fn add(consumer: &BaseConsumer<Hook>, list: &TopicPartitionList) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_assign(list),
        _ => consumer.assign(list),
    }
}

fn remove(consumer: &BaseConsumer<Hook>, list: &TopicPartitionList) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
        _ => consumer.unassign(),
    }
}

impl Member {
    fn index(&self, physical: &str) -> Option<usize> {
        self.physical.iter().position(|name| name == physical)
    }

    /// Learns how far the group is in each partition, and begins there.
    fn assigned(&self, consumer: &BaseConsumer<Hook>, list: &mut TopicPartitionList) {
        let mut topics: BTreeMap<usize, Vec<i32>> = BTreeMap::new();
        for element in list.elements() {
            if let Some(topic) = self.index(element.topic()) {
                topics.entry(topic).or_default().push(element.partition());
            }
        }
        for (topic, partitions) in topics {
            // Nothing can be handed out before it is known; the group waits meanwhile.
            let bases = loop {
                match self.open(consumer, topic, &partitions) {
                    Ok(bases) => break bases,
                    Err(_) if self.is_closed() => break Vec::new(),
                    Err(e) => self.fail(e),
                }
                std::thread::sleep(PAUSE * 10);
            };
            let name = &self.physical[topic];
            for (partition, base) in partitions.into_iter().zip(bases) {
                // It is in the list.
                let _ = list.set_partition_offset(name, partition, Offset::Offset(base));
            }
        }
        self.ready.notify_one();
    }

    /// Where each of these partitions begins for the group. All of a topic are asked for at once, since the group
    /// waits for the answers.
    fn open(
        &self,
        consumer: &BaseConsumer<Hook>,
        topic: usize,
        partitions: &[i32],
    ) -> Result<Vec<i64>> {
        let (name, timeout) = (&self.physical[topic], self.client.timeout());
        self.wait_for_journal(topic)?;
        let failed = |e| reading("next", e);
        let each = || partitions.iter().copied();
        let found = committed(consumer, name, each(), timeout).map_err(failed)?;
        let places: Vec<_> = each().map(|partition| (name.as_str(), partition)).collect();
        let marks = self.client.marks_at(&places).map_err(failed)?;
        let mut known = Vec::with_capacity(partitions.len());
        for ((partition, found), marks) in each().zip(found).zip(marks) {
            let younger = found.is_none() && self.is_younger(topic, partition, marks)?;
            known.push((partition, found, marks, younger));
        }
        // Nothing fails from here on, and so nothing is told twice.
        let begin = |(partition, found, marks, younger)| {
            let mut desk = self.desk();
            let anew = desk.anew.remove(&topic) && Committed::is_none(&found);
            let lane = match anew || younger {
                true => lane_anew(&mut desk, &self.group, (topic, partition), marks),
                false => lane(&mut desk, &self.group, (topic, partition), found, marks),
            };
            let base = lane.ledger.base();
            desk.assign(topic, partition, lane);
            base
        };
        Ok(known.into_iter().map(begin).collect())
    }

    /// Seeks and parked keys are known before the first delivery.
    fn wait_for_journal(&self, topic: usize) -> Result<()> {
        let name = &self.journals[topic];
        if self.client.partitions(name, "next")?.is_none() {
            self.make_again(topic)?;
        }
        let end = self.client.watermarks(name, 1, "next")?[0].1;
        let since = Instant::now();
        while self.desk().journals[topic].next < end {
            if since.elapsed() > self.client.timeout() || self.is_closed() {
                let text = "the journal of the group cannot be read to its end";
                return Err(Error::new(ErrorKind::Unavailable, "next", text));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Makes the group again on a cluster that has lost it.
    fn make_again(&self, topic: usize) -> Result<()> {
        let (name, journal) = (&self.physical[topic], &self.journals[topic]);
        let partitions = self.client.partitions(name, "next")?.unwrap_or(0);
        let marks = self.client.watermarks(name, partitions, "next")?;
        let made = {
            let mut desk = self.desk();
            desk.journals[topic] = Journal::default();
            desk.anew.insert(topic);
            Made {
                topic: desk.topics[topic].as_str().to_owned(),
                group: self.group.as_str().to_owned(),
                start: marks.iter().map(|(low, _)| *low).collect(),
            }
        };
        self.client.forget(journal);
        self.runtime.block_on(async {
            self.client.ensure(journal, true, "next").await?;
            self.client
                .append(journal, vec![entry::made(&made)], "next")
                .await
        })?;
        self.rewind.store(true, Atomic::Release);
        Ok(())
    }

    /// Whether a partition without a position of the group begins with what came after the group
    /// was made, though it was made further on: somebody removed the topic and made it again.
    fn is_younger(&self, topic: usize, partition: i32, (low, high): (i64, i64)) -> Result<bool> {
        let (start, since) = {
            let desk = self.desk();
            let journal = &desk.journals[topic];
            (journal.begun(partition), journal.made_at)
        };
        let (Some(start), Some(since)) = (start, since) else {
            return Ok(false);
        };
        if low >= start {
            return Ok(false);
        }
        let mut younger = high < start;
        let first = Range {
            topic: &self.physical[topic],
            partition,
            from: low,
            until: high,
        };
        self.client.scan(&[first], "next", |_, message| {
            younger |= message.timestamp().to_millis().is_some_and(|at| at > since);
            false
        })?;
        Ok(younger)
    }

    /// Lets handlers that run finish, for a while, and forgets the partitions.
    fn revoked(&self, consumer: &BaseConsumer<Hook>, list: &TopicPartitionList) {
        let places: Vec<_> = list
            .elements()
            .iter()
            .filter_map(|e| Some((self.index(e.topic())?, e.partition())))
            .collect();
        let since = Instant::now();
        while !consumer.assignment_lost() && since.elapsed() < DRAIN && self.runs(&places) {
            std::thread::sleep(PAUSE);
        }
        let mut desk = self.desk();
        for (topic, partition) in places {
            desk.revoke(topic, partition);
        }
    }

    /// Whether handlers of these partitions run; nothing more is handed out of them.
    fn runs(&self, places: &[(usize, i32)]) -> bool {
        let mut desk = self.desk();
        let mut runs = false;
        for place in places {
            if let Some(lane) = desk.lanes.get_mut(place) {
                lane.leaving = true;
                runs |= lane.hand.iter().any(|held| held.started);
            }
        }
        runs && !self.is_closed()
    }
}

/// A partition that is heard from its beginning, since what the group had of it is lost.
fn lane_anew(
    desk: &mut Desk,
    group: &Group,
    (topic, partition): (usize, i32),
    (low, _): Marks,
) -> Lane {
    let cause = "the topic was lost and made anew: what it had held is not there";
    let bounds = (partition, low, low);
    desk.report(topic, group, bounds, Count::Unknown, cause);
    let journal = &desk.journals[topic];
    let mut ledger = journal.blank(partition, low);
    // Where it was told to go was a place in what is lost.
    ledger.seek = journal.seek.as_ref().map_or(0, |(_, id)| *id);
    ledger.begin_anew(low);
    let mut lane = Lane::new(ledger);
    lane.dirty = true;
    lane
}

/// What stands in a partition for the group, with what was lost of it meanwhile reported.
fn lane(
    desk: &mut Desk,
    group: &Group,
    (topic, partition): (usize, i32),
    found: Committed,
    marks: Marks,
) -> Lane {
    let low = marks.0;
    let journal = &desk.journals[topic];
    let at = usize::try_from(partition).unwrap_or(usize::MAX);
    let seek = journal
        .seek
        .as_ref()
        .map(|(start, id)| (start.get(at).copied(), *id));
    let committed = found.is_some();
    // A partition that came later begins with its first record. What was committed and has
    // expired is heard again from where the group began.
    let begun = journal.begun(partition).unwrap_or(low);
    let mut ledger = found.unwrap_or_else(|| journal.blank(partition, begun));
    let mut dirty = !committed;
    if let Some((start, id)) = seek
        && id > ledger.seek
    {
        ledger.move_to(start.unwrap_or(low), id);
        dirty = true;
    }
    let before = ledger.base();
    let lost = ledger.meet(marks);
    if lost != Count::Exactly(0) {
        let (from, cause) = match lost {
            Count::Unknown => (low, MADE_ANEW),
            _ => (before, REMOVED),
        };
        desk.report(topic, group, (partition, from, low), lost, cause);
        dirty = true;
    }
    let mut lane = Lane::new(ledger);
    lane.dirty = dirty;
    lane
}
