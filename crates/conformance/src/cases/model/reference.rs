//! What a group must look like, kept in the simplest way.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tidings_transport::{Delivery, ParkedState, Position};

/// Where a record of the topic stands with the group. Parked ones are in `Reference::parked`.
#[derive(Debug, Clone)]
pub(super) enum State {
    /// To be handed out.
    Free,
    /// In the hands of the consumer of this number.
    Held(usize, Arc<Delivery>),
    /// Settled, dead, parked, or passed over by a seek.
    Gone,
}

/// A record, as it was published.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) position: Position,
    pub(super) key: Option<&'static str>,
    pub(super) state: State,
    /// Whether it was handed out since it was last passed.
    pub(super) handed: bool,
    /// `None` after a seek: the log may start to count anew.
    pub(super) attempts: Option<u32>,
}

/// The parked records of a key, by their numbers, and who holds the first of them.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) state: ParkedState,
    pub(super) waiting: VecDeque<usize>,
    pub(super) held: Option<(usize, Arc<Delivery>)>,
}

/// One topic and one group.
#[derive(Debug, Default)]
pub(super) struct Reference {
    /// Whether one key is one at a time, in order.
    pub(super) keyed: bool,
    pub(super) records: Vec<Published>,
    pub(super) parked: BTreeMap<&'static str, Parked>,
    /// Dead letters that nothing waits behind, in the order in which they were stored.
    pub(super) buried: Vec<usize>,
    /// How many of the oldest were trimmed.
    pub(super) trimmed: usize,
}

/// What may be handed out: the number of a record, and whether it is a released one.
pub(super) type Offer = (usize, bool);

impl Reference {
    pub(super) fn publish(&mut self, position: Position, key: Option<&'static str>) {
        let number = self.records.len();
        let behind = key
            .filter(|_| self.keyed)
            .and_then(|k| self.parked.get_mut(k));
        let state = match behind {
            Some(parked) => {
                parked.waiting.push_back(number);
                State::Gone
            }
            None => State::Free,
        };
        self.records.push(Published {
            position,
            key,
            state,
            handed: false,
            attempts: Some(0),
        });
    }

    /// Everything that may be handed out now.
    pub(super) fn offers(&self) -> Vec<Offer> {
        let released = self.parked.values().filter_map(|parked| {
            let free = parked.state == ParkedState::Releasing && parked.held.is_none();
            parked.waiting.front().filter(|_| free).map(|n| (*n, true))
        });
        let live = self.live().filter(|(number, record)| {
            matches!(record.state, State::Free) && !self.blocked(*number, record)
        });
        released
            .chain(live.map(|(number, _)| (number, false)))
            .collect()
    }

    /// Whether an older record of the same key is not settled.
    fn blocked(&self, number: usize, record: &Published) -> bool {
        let Some(key) = record.key.filter(|_| self.keyed) else {
            return false;
        };
        self.live().any(|(n, r)| n < number && r.key == Some(key))
    }

    /// Neither settled nor a dead letter.
    pub(super) fn live(&self) -> impl Iterator<Item = (usize, &Published)> {
        let records = self.records.iter().enumerate();
        records.filter(|(_, r)| !matches!(r.state, State::Gone))
    }

    pub(super) fn number(&self, position: &Position) -> Option<usize> {
        self.records.iter().position(|r| r.position == *position)
    }

    /// Followers of a key that is being released may not have left the topic yet when the last
    /// of those that had is settled: then the key is clear, and they come from the topic.
    pub(super) fn notice_clear(&mut self, (number, released): Offer) {
        let front = self.parked.iter().find(|(_, parked)| {
            let free = parked.state == ParkedState::Releasing && parked.held.is_none();
            !released && free && parked.waiting.front() == Some(&number)
        });
        let Some(key) = front.map(|(key, _)| *key) else {
            return;
        };
        for follower in self.parked.remove(key).into_iter().flat_map(|p| p.waiting) {
            self.records[follower].state = State::Free;
        }
    }

    /// Hands out an offer.
    pub(super) fn hold(&mut self, (number, released): Offer, by: usize, delivery: &Arc<Delivery>) {
        if released {
            let mut all = self.parked.values_mut();
            let parked = all.find(|p| p.waiting.front() == Some(&number));
            parked.expect("it was offered").held = Some((by, delivery.clone()));
        } else {
            let record = &mut self.records[number];
            record.state = State::Held(by, delivery.clone());
            record.handed = true;
        }
    }

    /// Everything in somebody's hands.
    pub(super) fn held(&self) -> Vec<(usize, Arc<Delivery>)> {
        let live = self.records.iter().filter_map(|r| match &r.state {
            State::Held(by, delivery) => Some((*by, delivery.clone())),
            _ => None,
        });
        let released = self.parked.values().filter_map(|p| p.held.clone());
        live.chain(released).collect()
    }

    /// A consumer has left, or a delivery was given back.
    pub(super) fn give_back(&mut self, which: impl Fn(usize, &Arc<Delivery>) -> bool) {
        for record in &mut self.records {
            if matches!(&record.state, State::Held(by, d) if which(*by, d)) {
                record.state = State::Free;
            }
        }
        for parked in self.parked.values_mut() {
            if parked.held.as_ref().is_some_and(|(by, d)| which(*by, d)) {
                parked.held = None;
            }
        }
    }

    /// A delivery was settled, and is done or (`bury`) a dead letter.
    pub(super) fn settle(&mut self, delivery: &Delivery, bury: bool) {
        let number = self.number(&delivery.position).expect("it was published");
        if delivery.released {
            let key = delivery.key.as_ref().expect("released ones have a key");
            let parked = self.parked.get_mut(key.as_str()).expect("it was released");
            assert_eq!(parked.waiting.pop_front(), Some(number));
            parked.held = None;
            if parked.waiting.is_empty() {
                self.parked.remove(key.as_str());
            }
        } else {
            self.records[number].state = State::Gone;
        }
        if bury {
            self.buried.push(number);
        }
    }

    /// A delivery was parked, for a reason.
    pub(super) fn park(&mut self, delivery: &Delivery) {
        let number = self.number(&delivery.position).expect("it was published");
        let Some(key) = self.records[number].key else {
            return self.settle(delivery, true);
        };
        if delivery.released {
            let parked = self.parked.get_mut(key).expect("it was released");
            parked.state = ParkedState::Parked;
            parked.held = None;
            return;
        }
        let mut waiting = VecDeque::from([number]);
        self.records[number].state = State::Gone;
        for (n, record) in self.records.iter_mut().enumerate() {
            if record.key == Some(key) && matches!(record.state, State::Free) {
                record.state = State::Gone;
                waiting.push_back(n);
            }
        }
        let parked = Parked {
            state: ParkedState::Parked,
            waiting,
            held: None,
        };
        let before = self.parked.insert(key, parked);
        assert!(before.is_none(), "nothing live is left of a parked key");
    }

    /// The group was moved: only what follows this many records is to come.
    pub(super) fn seek(&mut self, after: usize) {
        for (number, record) in self.records.iter_mut().enumerate() {
            record.handed = false;
            record.attempts = None;
            record.state = if number < after.max(self.trimmed) {
                State::Gone
            } else {
                State::Free
            };
        }
    }

    /// How many records a trim to this length removes, and how many it spares.
    pub(super) fn trim(&mut self, max_len: usize) -> (u64, u64) {
        let named = (self.records.len() - self.trimmed).saturating_sub(max_len);
        let needed = self.live().next().map_or(self.records.len(), |(n, _)| n);
        let removed = named.min(needed - self.trimmed);
        self.trimmed += removed;
        (removed as u64, (named - removed) as u64)
    }
}
