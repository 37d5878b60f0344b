//! A group: what it has not settled, who holds what, and what is handed out next.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::memory::consumer::{ConsumerId, Consumers};
use crate::memory::dead::{DeadLetters, Giver};
use crate::memory::log::{Log, Sequence, position, size};
use crate::memory::loss::Losses;
use crate::memory::queue::{Queue, Slot};
use crate::memory::state::Budget;
use crate::{Count, Delivery, Gap, Group, GroupInfo, Key, Lag, Ordering, Position, Seeked, Topic};

/// Distinguishes every holding of every delivery of this log.
pub(super) type Epoch = u64;

/// A record that was looked at and is not settled.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) attempts: u32,
    received: Timestamp,
}

/// A delivery in somebody's hands.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) slot: Slot,
    pub(super) consumer: ConsumerId,
    until: Instant,
}

/// Who asks for deliveries, and how.
#[derive(Debug)]
pub(super) struct Claimer {
    pub(super) id: ConsumerId,
    pub(super) name: String,
    pub(super) lease: Duration,
    pub(super) ordering: Ordering,
}

/// The state of one group in one topic.
#[derive(Debug)]
pub(super) struct GroupState {
    pub(super) topic: Topic,
    pub(super) name: Group,
    /// Everything up to here was looked at: it is settled, a dead letter, or in `open`.
    scanned: Sequence,
    pub(super) open: BTreeMap<Sequence, Open>,
    /// Those of `open` that nobody was ever handed, because their key was busy.
    unhanded: BTreeSet<Sequence>,
    pub(super) queue: Queue,
    held: HashMap<Epoch, Hold>,
    expiries: BTreeSet<(Instant, Epoch)>,
    pub(super) dead: DeadLetters,
    pub(super) losses: Losses,
    pub(super) consumers: Consumers,
}

impl GroupState {
    pub(super) fn new(topic: Topic, name: Group, after: Sequence, log: &Log, now: Instant) -> Self {
        let mut group = Self {
            topic,
            name,
            scanned: after,
            open: BTreeMap::new(),
            unhanded: BTreeSet::new(),
            queue: Queue::default(),
            held: HashMap::new(),
            expiries: BTreeSet::new(),
            dead: DeadLetters::default(),
            losses: Losses::default(),
            consumers: Consumers::new(now),
        };
        group.skip_removed(log, "removed before the group came to them");
        group
    }

    /// Hands out up to `max` deliveries: released ones, then what came back, then new ones.
    pub(super) fn claim(
        &mut self,
        log: &Log,
        by: &Claimer,
        now: Instant,
        max: usize,
        epochs: &mut Epoch,
        budget: &mut Budget,
    ) -> Vec<Arc<Delivery>> {
        let mut out = Vec::new();
        self.expire(log, now, &by.name, budget);
        self.queue.wake(now);
        while out.len() < max {
            if let Some(slot) = self.queue.pop(by.ordering) {
                *epochs += 1;
                match self.delivery(log, slot, *epochs) {
                    Some(delivery) => {
                        self.hold(*epochs, slot, by, now);
                        out.push(Arc::new(delivery));
                    }
                    // Its body went with a trim, which counted it.
                    None => self.queue.remove(slot),
                }
            } else if !self.scan_one(log, &by.name, budget) {
                break;
            }
        }
        out
    }

    fn delivery(&mut self, log: &Log, slot: Slot, epoch: Epoch) -> Option<Delivery> {
        match slot {
            Slot::Live(sequence) => {
                let entry = log.get(sequence)?;
                self.unhanded.remove(&sequence);
                Some(Delivery {
                    topic: self.topic.clone(),
                    position: position(sequence),
                    received: Some(entry.received),
                    key: entry.key.clone(),
                    body: entry.body.clone(),
                    attempts: self.open.get(&sequence)?.attempts,
                    released: false,
                    epoch,
                })
            }
            Slot::Parked(id) => {
                let letter = self.dead.get(id)?;
                Some(Delivery {
                    topic: self.topic.clone(),
                    position: letter.position.clone(),
                    received: None,
                    key: letter.key.clone(),
                    body: letter.body.clone(),
                    attempts: letter.attempts,
                    released: true,
                    epoch,
                })
            }
        }
    }

    /// Looks at the next record of the topic. `false` at the end.
    fn scan_one(&mut self, log: &Log, consumer: &str, budget: &mut Budget) -> bool {
        let sequence = self.scanned + 1;
        let Some(entry) = log.get(sequence) else {
            return false;
        };
        self.scanned = sequence;
        let open = Open {
            attempts: 0,
            received: entry.received,
        };
        self.open.insert(sequence, open);
        self.unhanded.insert(sequence);
        if !self.follow_parked(log, sequence, consumer, budget) {
            self.queue.add(Slot::Live(sequence), entry.key.clone());
        }
        true
    }

    /// Moves a record that nobody holds behind those of its key, if that is parked.
    pub(super) fn follow_parked(
        &mut self,
        log: &Log,
        sequence: Sequence,
        consumer: &str,
        budget: &mut Budget,
    ) -> bool {
        let Some(entry) = log.get(sequence) else {
            return false;
        };
        let Some(key) = entry.key.as_ref().filter(|key| self.dead.holds(key)) else {
            return false;
        };
        let attempts = self.open.get(&sequence).map_or(0, |o| o.attempts);
        let by = Giver {
            group: &self.name,
            consumer,
        };
        budget.force(size(Some(key), &entry.body));
        let slot = self
            .dead
            .follow(by, &self.topic, sequence, entry, key, attempts);
        self.forget(sequence);
        if let Some(slot) = slot {
            self.queue.add(slot, Some(key.clone()));
        }
        true
    }

    /// Drops a record of the topic from what is open.
    pub(super) fn forget(&mut self, sequence: Sequence) {
        self.queue.remove(Slot::Live(sequence));
        self.open.remove(&sequence);
        self.unhanded.remove(&sequence);
    }

    fn hold(&mut self, epoch: Epoch, slot: Slot, by: &Claimer, now: Instant) {
        let until = now + by.lease;
        self.expiries.insert((until, epoch));
        let hold = Hold {
            slot,
            consumer: by.id,
            until,
        };
        self.held.insert(epoch, hold);
    }

    /// What this consumer holds under this epoch; `None` if it has passed to somebody else.
    pub(super) fn held_by(&self, consumer: ConsumerId, epoch: Epoch) -> Option<&Hold> {
        self.held.get(&epoch).filter(|h| h.consumer == consumer)
    }

    /// Ends a holding, whatever becomes of its record, and says what was held.
    pub(super) fn let_go(&mut self, epoch: Epoch) -> Option<Slot> {
        let hold = self.held.remove(&epoch)?;
        self.expiries.remove(&(hold.until, epoch));
        Some(hold.slot)
    }

    /// Ends the holding of this record, if somebody holds it.
    pub(super) fn let_go_of(&mut self, slot: Slot) {
        let held = self.held.iter().find(|(_, hold)| hold.slot == slot);
        if let Some(epoch) = held.map(|(epoch, _)| *epoch) {
            self.let_go(epoch);
        }
    }

    /// Prolongs a holding. `false` if it has passed to somebody else.
    pub(super) fn renew(&mut self, by: &Claimer, epoch: Epoch, now: Instant) -> bool {
        let held = self.held.get_mut(&epoch);
        let Some(hold) = held.filter(|h| h.consumer == by.id) else {
            return false;
        };
        self.expiries.remove(&(hold.until, epoch));
        hold.until = now + by.lease;
        self.expiries.insert((hold.until, epoch));
        true
    }

    /// Counts a handler that starts. `None` if the delivery has passed to somebody else.
    pub(super) fn start(&mut self, consumer: ConsumerId, epoch: Epoch) -> Option<u32> {
        match self.held_by(consumer, epoch)?.slot {
            Slot::Parked(id) => self.dead.start(id),
            Slot::Live(sequence) => {
                let open = self.open.get_mut(&sequence)?;
                open.attempts = open.attempts.saturating_add(1);
                Some(open.attempts)
            }
        }
    }

    /// Takes back what was held longer than its lease.
    fn expire(&mut self, log: &Log, now: Instant, consumer: &str, budget: &mut Budget) {
        while let Some((_, epoch)) = self.expiries.first().filter(|(at, _)| *at <= now).copied() {
            self.give_back(log, epoch, None, consumer, budget);
        }
    }

    /// Takes back what a consumer holds, as it leaves.
    pub(super) fn leave(&mut self, log: &Log, by: &Claimer, budget: &mut Budget) {
        let held = self.held.iter().filter(|(_, h)| h.consumer == by.id);
        let mut epochs: Vec<Epoch> = held.map(|(epoch, _)| *epoch).collect();
        epochs.sort_unstable();
        for epoch in epochs {
            self.give_back(log, epoch, None, &by.name, budget);
        }
        self.consumers.remove(by.id);
    }

    /// When something will come free by itself.
    pub(super) fn next_change(&self) -> Option<Instant> {
        let expiry = self.expiries.first().map(|(at, _)| *at);
        expiry.into_iter().chain(self.queue.next_due()).min()
    }

    /// Passes over what is gone from the log and was never held; notes the loss.
    pub(super) fn skip_removed(&mut self, log: &Log, cause: &'static str) {
        let first = log.first();
        let waiting = self.queue.unheld_before(first);
        for sequence in &waiting {
            self.forget(*sequence);
        }
        let unseen = (first - 1).saturating_sub(self.scanned);
        let lost = waiting.len() as u64 + unseen;
        if lost > 0 {
            let from = waiting.first().map_or(self.scanned, |s| s - 1);
            self.losses.note(from, first, lost, cause);
        }
        self.scanned = self.scanned.max(first - 1);
    }

    /// The oldest record of the topic that the group needs.
    pub(super) fn needs(&self) -> Sequence {
        self.open.keys().next().copied().unwrap_or(self.scanned + 1)
    }

    /// Everything up to here was handed out, or became a dead letter.
    pub(super) fn position(&self) -> Position {
        let unhanded = self.unhanded.first().map(|s| s - 1);
        position(unhanded.unwrap_or(self.scanned))
    }

    pub(super) fn seek(&mut self, log: &Log, after: Sequence) -> Seeked {
        let before = self.position();
        for sequence in self.open.keys().copied().collect::<Vec<_>>() {
            self.forget(sequence);
        }
        let live = self.held.iter();
        let live = live.filter(|(_, h)| matches!(h.slot, Slot::Live(_)));
        for epoch in live.map(|(epoch, _)| *epoch).collect::<Vec<_>>() {
            self.let_go(epoch);
        }
        self.scanned = after;
        self.skip_removed(log, "removed before the group was moved back to them");
        Seeked {
            before,
            after: position(after),
        }
    }

    /// Lets the records of a parked key be handed out; how many wait.
    pub(super) fn release(&mut self, key: &Key) -> u64 {
        let releasing = self.dead.state(key) == Some(crate::ParkedState::Releasing);
        let slots = self.dead.release(key);
        if !releasing {
            for slot in &slots {
                self.queue.add(*slot, Some(key.clone()));
            }
        }
        slots.len() as u64
    }

    pub(super) fn gap(&mut self) -> Option<Gap> {
        self.losses.take(&self.topic, &self.name)
    }

    pub(super) fn describe(&self, log: &Log, now: Instant, time: Timestamp) -> GroupInfo {
        let unseen = log.last() - self.scanned;
        let next = log.get(self.scanned + 1).map(|e| e.received);
        let oldest = self.open.values().next().map(|o| o.received).or(next);
        let age = oldest.map(|o| time.duration_since(o));
        let mut handed = self.open.iter();
        let oldest_pending = handed.find(|(s, _)| !self.unhanded.contains(s));
        GroupInfo {
            group: self.name.clone(),
            position: self.position(),
            lag: Lag {
                events: Count::Exactly(self.open.len() as u64 + unseen),
                age: age
                    .and_then(|a| Duration::try_from(a).ok())
                    .unwrap_or_default(),
            },
            pending: (self.open.len() - self.unhanded.len()) as u64,
            oldest_pending: oldest_pending.map(|(_, o)| o.received),
            consumers: self.consumers.names(now),
            dead_letters: self.dead.len(),
            parked_keys: self.dead.parked_keys(),
            lost: Count::Exactly(self.losses.total()),
        }
    }
}
