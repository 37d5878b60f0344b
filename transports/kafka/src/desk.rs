//! What a consumer has, and what it hands out next.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tidings_transport::{Batch, Delivery, Group, Topic};

use crate::hand::Held;
use crate::journal::Journal;
use crate::lane::Lane;
use crate::wire;

/// A released or redelivered letter in somebody's hands.
#[derive(Debug)]
pub(crate) struct HeldLetter {
    pub(crate) epoch: u64,
    pub(crate) partition: i32,
    pub(crate) settling: bool,
}

/// What a delivery is, as this consumer holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// A record of a partition.
    Record(usize, i32, i64),
    /// A letter of a journal.
    Letter(usize, i64),
}

/// Everything that is in the hands of a consumer, or about to be.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) topics: Vec<Topic>,
    /// By topic and partition.
    pub(crate) lanes: BTreeMap<(usize, i32), Lane>,
    /// By topic.
    pub(crate) journals: Vec<Journal>,
    /// The topics whose group was lost and made again, until that is told.
    pub(crate) anew: BTreeSet<usize>,
    pub(crate) letters: HashMap<(usize, i64), HeldLetter>,
    /// What the caller is to be told with the next hand-out, and while that is made, what it is handed.
    ready: Batch,
    epoch: u64,
    /// Where the next round begins.
    turn: (usize, i32),
    /// Counts what has changed and must be committed.
    pub(crate) version: u64,
}

impl Desk {
    pub(crate) fn new(topics: &[Topic]) -> Self {
        Self {
            topics: topics.to_vec(),
            lanes: BTreeMap::new(),
            journals: topics.iter().map(|_| Journal::default()).collect(),
            anew: BTreeSet::new(),
            letters: HashMap::new(),
            ready: Batch::default(),
            // Unlike that of any other consumer, so that a stranger's delivery is not taken for
            // one of this.
            epoch: rand::random::<u64>() >> 1,
            turn: (0, 0),
            version: 0,
        }
    }

    /// Up to `max` of what waits, and what is to be reported; `None` if there is neither.
    pub(crate) fn hand_out(&mut self, max: usize) -> Option<Batch> {
        self.fill(max);
        let mut ready = std::mem::take(&mut self.ready);
        if ready.deliveries.is_empty() {
            // They are told with the first delivery.
            self.ready.became_active = std::mem::take(&mut ready.became_active);
        }
        let some = !ready.deliveries.is_empty() || !ready.gaps.is_empty();
        some.then_some(ready)
    }

    fn fill(&mut self, max: usize) {
        self.fill_letters(max);
        let mut order: Vec<_> = self.lanes.keys().copied().collect();
        let at = order.partition_point(|lane| *lane <= self.turn);
        order.rotate_left(at);
        // One of each in turn, so that a busy one starves no other.
        while self.ready.deliveries.len() < max && !order.is_empty() {
            order.retain(|key| {
                let room = self.ready.deliveries.len() < max;
                let handed = room && self.hand_record(*key);
                if handed {
                    self.turn = *key;
                }
                handed || !room
            });
        }
    }

    fn hand_record(&mut self, key: (usize, i32)) -> bool {
        let Some(lane) = self.lanes.get_mut(&key) else {
            return false;
        };
        let Some((offset, mut delivery)) = lane.pop() else {
            return false;
        };
        self.epoch += 1;
        // A copy only where somebody still has the one that was given back.
        let holding = Arc::make_mut(&mut delivery);
        holding.epoch = self.epoch;
        holding.attempts = lane.ledger.attempts(offset);
        lane.hand.insert(offset, Held::new(delivery.clone()));
        self.version += 1;
        self.ready.deliveries.push(delivery);
        true
    }

    fn fill_letters(&mut self, max: usize) {
        for topic in 0..self.topics.len() {
            for id in self.journals[topic].turn() {
                if self.ready.deliveries.len() >= max {
                    return;
                }
                self.hand_letter(topic, id);
            }
        }
    }

    fn hand_letter(&mut self, topic: usize, id: i64) {
        let Some(letter) = self.journals[topic].letters.get(&id) else {
            return;
        };
        let lane = self.lanes.get(&(topic, letter.partition));
        if lane.is_none_or(|lane| lane.leaving) || self.letters.contains_key(&(topic, id)) {
            return;
        }
        self.epoch += 1;
        let held = HeldLetter {
            epoch: self.epoch,
            partition: letter.partition,
            settling: false,
        };
        self.letters.insert((topic, id), held);
        self.ready.deliveries.push(Arc::new(Delivery {
            topic: self.topics[topic].clone(),
            position: letter.position.clone(),
            received: None,
            key: letter.key.clone(),
            body: letter.body.clone(),
            attempts: letter.attempts(),
            released: true,
            epoch: self.epoch,
        }));
    }

    /// Everything is to be committed, whether it has changed or not.
    pub(crate) fn touch(&mut self) {
        self.lanes.values_mut().for_each(|lane| lane.dirty = true);
        self.version += 1;
    }

    /// Where a delivery is held; `None` if it has passed to somebody else or is settled.
    pub(crate) fn find(&self, delivery: &Delivery) -> Option<Place> {
        let topic = self.topics.iter().position(|t| *t == delivery.topic)?;
        if delivery.released {
            let mut held = self.letters.iter();
            return held
                .find(|((t, _), held)| {
                    *t == topic && held.epoch == delivery.epoch && !held.settling
                })
                .map(|((t, id), _)| Place::Letter(*t, *id));
        }
        let (partition, offset) = wire::place(&delivery.position, "settle").ok()?;
        let held = self.lanes.get(&(topic, partition))?.hand.get(offset)?;
        (held.is(delivery.epoch) && !held.settling)
            .then_some(Place::Record(topic, partition, offset))
    }

    /// The partition of a record and its offset, unless it has passed on meanwhile.
    fn lane(&mut self, place: Place, epoch: u64) -> Option<(&mut Lane, i64)> {
        let Place::Record(topic, partition, offset) = place else {
            return None;
        };
        let lane = self.lanes.get_mut(&(topic, partition))?;
        let holds = lane.hand.get(offset).is_some_and(|held| held.is(epoch));
        holds.then_some((lane, offset))
    }

    /// A record as it is held, unless it has passed on meanwhile.
    fn held(&mut self, place: Place, epoch: u64) -> Option<&mut Held> {
        let (lane, offset) = self.lane(place, epoch)?;
        lane.hand.get_mut(offset)
    }

    /// Marks one whose settlement is on its way, or that it failed.
    pub(crate) fn settling(&mut self, place: Place, epoch: u64, settling: bool) {
        let mark = match place {
            Place::Record(..) => self.held(place, epoch).map(|held| &mut held.settling),
            Place::Letter(topic, id) => {
                let held = self.letters.get_mut(&(topic, id));
                let held = held.filter(|held| held.epoch == epoch);
                held.map(|held| &mut held.settling)
            }
        };
        if let Some(mark) = mark {
            *mark = settling;
        }
    }

    /// Counts a start of a record, and says how many there were.
    pub(crate) fn start(&mut self, place: Place) -> Option<u32> {
        let Place::Record(topic, partition, offset) = place else {
            return None;
        };
        let lane = self.lanes.get_mut(&(topic, partition))?;
        let attempts = lane.ledger.start(offset)?;
        lane.hand.get_mut(offset)?.started = true;
        lane.dirty = true;
        self.version += 1;
        Some(attempts)
    }

    /// A start that was counted is none.
    pub(crate) fn take_back_start(&mut self, place: Place) {
        if let Place::Record(topic, partition, offset) = place
            && let Some(lane) = self.lanes.get_mut(&(topic, partition))
        {
            lane.ledger.take_back_start(offset);
            if let Some(held) = lane.hand.get_mut(offset) {
                held.started = false;
            }
            lane.dirty = true;
            self.version += 1;
        }
    }

    /// Whether a record is still in hand, and has not passed on meanwhile.
    pub(crate) fn holds(&mut self, place: Place, epoch: u64) -> bool {
        self.held(place, epoch).is_some()
    }

    /// Puts a record behind the group; `false` if it has passed on meanwhile.
    pub(crate) fn settle(&mut self, place: Place, epoch: u64) -> bool {
        let Some((lane, offset)) = self.lane(place, epoch) else {
            return false;
        };
        lane.ledger.settle(offset);
        lane.dirty = true;
        self.version += 1;
        true
    }

    /// A settlement is not stored, as far as anybody knows: the record is still in hand.
    pub(crate) fn take_back_settlement(&mut self, place: Place, epoch: u64) {
        let Some((lane, offset)) = self.lane(place, epoch) else {
            return;
        };
        if let Some(held) = lane.hand.get_mut(offset) {
            held.settling = false;
            let attempts = held.delivery.attempts + u32::from(held.started);
            lane.ledger.reopen(offset, attempts);
            lane.dirty = true;
        }
        self.version += 1;
    }

    /// A settlement is stored: the record leaves the hand. `false` if it has passed on meanwhile.
    pub(crate) fn settled(&mut self, place: Place, epoch: u64) -> bool {
        let Some((lane, offset)) = self.lane(place, epoch) else {
            return false;
        };
        lane.hand.remove(offset);
        lane.ledger.advance();
        true
    }

    /// Notes a partition that this consumer has now.
    pub(crate) fn assign(&mut self, topic: usize, partition: i32, lane: Lane) {
        self.version += 1;
        self.lanes.insert((topic, partition), lane);
        if !self.ready.became_active.contains(&self.topics[topic]) {
            self.ready.became_active.push(self.topics[topic].clone());
        }
    }

    /// Forgets a partition, and what is held of it.
    pub(crate) fn revoke(&mut self, topic: usize, partition: i32) {
        self.lanes.remove(&(topic, partition));
        self.letters
            .retain(|(t, _), held| *t != topic || held.partition != partition);
    }

    /// Reports what the group has lost.
    pub(crate) fn report(
        &mut self,
        topic: usize,
        group: &Group,
        (partition, from, until): (i32, i64, i64),
        lost: tidings_transport::Count,
        cause: &str,
    ) {
        self.ready.gaps.push(tidings_transport::Gap {
            topic: self.topics[topic].clone(),
            group: group.clone(),
            after: Some(wire::position(partition, from - 1)),
            until: Some(wire::position(partition, until)),
            lost,
            cause: cause.to_owned(),
        });
    }

    /// Whether a record is not the next one of its partition, but further on.
    pub(crate) fn skips(&self, place: (usize, i32), offset: i64) -> bool {
        let lane = self.lanes.get(&place);
        lane.is_some_and(|lane| offset > lane.expected())
    }

    /// How many records wait to be handed out.
    pub(crate) fn waiting(&self) -> usize {
        self.lanes.values().map(Lane::waiting).sum()
    }
}
