//! What a consumer has in hand, and what waits to be handed to its caller. No I/O.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::RandomState;
use tidings_transport::{Batch, Delivery, Gap, Key, Topic};

use crate::entry_id::EntryId;
use crate::held::{Arrival, Held, Hold, LastRead, LetterArrival, Released, What};

/// All topics of a consumer.
#[derive(Debug)]
pub(crate) struct Desk {
    lanes: Vec<Lane>,
    index: HashMap<Topic, usize, RandomState>,
    gaps: Vec<Gap>,
    /// Topics that became this consumer's since the last batch with deliveries.
    became_active: Vec<Topic>,
    /// Which topic is served first, so that a busy one cannot starve the others.
    turn: usize,
    epoch: u64,
}

/// One topic.
#[derive(Debug)]
struct Lane {
    topic: Topic,
    lease: Option<Arc<str>>,
    live: HashMap<EntryId, Hold, RandomState>,
    /// Letters, by the epoch of their holding; one of each key.
    released: HashMap<u64, Released, RandomState>,
    ready: VecDeque<(EntryId, Arc<Delivery>)>,
    ready_released: VecDeque<Arc<Delivery>>,
    look_for_released: bool,
    last_read: LastRead,
}

impl Desk {
    /// `first_epoch` should be random: deliveries of other consumers must not match by chance.
    pub(crate) fn new(topics: &[Topic], first_epoch: u64) -> Self {
        let lane = |topic: &Topic| Lane {
            topic: topic.clone(),
            lease: None,
            live: HashMap::default(),
            released: HashMap::default(),
            ready: VecDeque::new(),
            ready_released: VecDeque::new(),
            look_for_released: false,
            last_read: LastRead::default(),
        };
        Self {
            lanes: topics.iter().map(lane).collect(),
            index: topics.iter().cloned().zip(0..).collect(),
            gaps: Vec::new(),
            became_active: Vec::new(),
            turn: 0,
            epoch: first_epoch,
        }
    }

    pub(crate) fn lease(&self, lane: usize) -> Option<Arc<str>> {
        self.lanes[lane].lease.clone()
    }

    pub(crate) fn set_lease(&mut self, lane: usize, lease: Arc<str>) {
        self.lanes[lane].lease = Some(lease);
        self.lanes[lane].look_for_released = true;
        self.became_active.push(self.lanes[lane].topic.clone());
    }

    pub(crate) fn last_read(&self, lane: usize) -> LastRead {
        self.lanes[lane].last_read
    }

    pub(crate) fn set_last_read(&mut self, lane: usize, read: LastRead) {
        self.lanes[lane].last_read = read;
    }

    /// Gives the lease up and forgets everything of the topic: others are handed it now. With
    /// `only_released`, the lease was for released letters only.
    pub(crate) fn lose_lease(&mut self, lane: usize, only_released: bool) {
        let lane = &mut self.lanes[lane];
        lane.lease = None;
        lane.released.clear();
        lane.ready_released.clear();
        if !only_released {
            lane.live.clear();
            lane.ready.clear();
        }
    }

    /// The group was made anew: it will be handed again what was not settled.
    pub(crate) fn forget_live(&mut self, lane: usize) {
        let lane = &mut self.lanes[lane];
        lane.live.clear();
        lane.ready.clear();
    }

    /// Whether nothing of the topic is in hand or waits to be.
    pub(crate) fn is_idle(&self, lane: usize) -> bool {
        self.lanes[lane].live.is_empty() && self.lanes[lane].released.is_empty()
    }

    /// Puts an entry where the next call takes it. One that is in hand already stays there, or
    /// with `again` is handed out anew: then its former holding is stale.
    pub(crate) fn arrive(&mut self, lane: usize, entry: Arrival, again: bool) -> bool {
        self.epoch = self.epoch.wrapping_add(1);
        let epoch = self.epoch;
        let lane = &mut self.lanes[lane];
        if lane.live.contains_key(&entry.id) {
            if !again {
                return false;
            }
            lane.ready.retain(|(id, _)| *id != entry.id);
        }
        let attempts = entry.attempts;
        lane.live.insert(entry.id, Hold { epoch, attempts });
        let delivery = Delivery {
            topic: lane.topic.clone(),
            position: entry.id.position(),
            received: entry.id.received(),
            key: entry.key,
            body: entry.body,
            attempts,
            released: false,
            epoch,
        };
        lane.put(entry.id, Arc::new(delivery));
        true
    }

    /// Puts a letter where the next call takes it.
    pub(crate) fn arrive_released(&mut self, lane: usize, arrival: LetterArrival) {
        self.epoch = self.epoch.wrapping_add(1);
        let epoch = self.epoch;
        let lane = &mut self.lanes[lane];
        let LetterArrival { letter, key, .. } = &arrival;
        let mut held = lane.released.values();
        if held.any(|h| h.letter == *letter || (key.is_some() && h.key == *key)) {
            return;
        }
        let hold = Released {
            attempts: arrival.attempts,
            letter: arrival.letter,
            key: arrival.key.clone(),
            again: arrival.again,
        };
        lane.released.insert(epoch, hold);
        lane.ready_released.push_back(Arc::new(Delivery {
            topic: lane.topic.clone(),
            position: arrival.position.position(),
            received: arrival.position.received(),
            key: arrival.key,
            body: arrival.body,
            attempts: arrival.attempts,
            released: true,
            epoch,
        }));
    }

    pub(crate) fn report(&mut self, gap: Gap) {
        self.gaps.push(gap);
    }

    /// How many deliveries wait to be handed to the caller, and whether anything does.
    pub(crate) fn waiting(&self) -> usize {
        let of = |lane: &Lane| lane.ready.len() + lane.ready_released.len();
        self.lanes.iter().map(of).sum::<usize>() + self.gaps.len()
    }

    /// Hands out at most `max`: of each topic released ones first, then in the order of the log.
    pub(crate) fn take(&mut self, max: usize) -> Batch {
        let mut deliveries = Vec::with_capacity(max.min(self.waiting()));
        let lanes = self.lanes.len();
        for i in 0..lanes {
            let lane = &mut self.lanes[(self.turn + i) % lanes];
            while deliveries.len() < max {
                let released = lane.ready_released.pop_front();
                match released.or_else(|| lane.ready.pop_front().map(|(_, d)| d)) {
                    Some(delivery) => deliveries.push(delivery),
                    None => break,
                }
            }
        }
        self.turn = (self.turn + 1) % lanes.max(1);
        let became_active = match deliveries.is_empty() {
            true => Vec::new(),
            false => std::mem::take(&mut self.became_active),
        };
        Batch {
            deliveries,
            gaps: std::mem::take(&mut self.gaps),
            became_active,
        }
    }

    fn lane_of(&self, topic: &Topic) -> Option<usize> {
        match self.lanes.as_slice() {
            // Nearly all consumers: a comparison is faster than a hash.
            [only] => (only.topic == *topic).then_some(0),
            _ => self.index.get(topic).copied(),
        }
    }

    /// What this delivery is; `None` when it is not in hand, or not any more.
    pub(crate) fn held(&self, delivery: &Delivery) -> Option<Held> {
        let lane = self.lane_of(&delivery.topic)?;
        if delivery.released {
            let hold = self.lanes[lane].released.get(&delivery.epoch)?;
            let what = match hold.again {
                true => What::Redelivered(hold.letter),
                false => What::Released(hold.letter),
            };
            return Some(Held {
                lane,
                epoch: delivery.epoch,
                what,
                attempts: hold.attempts,
            });
        }
        let id = EntryId::parse(delivery.position.as_str().as_bytes())?;
        let hold = self.lanes[lane].live.get(&id)?;
        (hold.epoch == delivery.epoch).then_some(Held {
            lane,
            epoch: hold.epoch,
            what: What::Live(id),
            attempts: hold.attempts,
        })
    }

    /// Notes how many handlers were started on a delivery, if it still is in hand.
    pub(crate) fn set_attempts(&mut self, held: Held, attempts: u32) {
        let lane = &mut self.lanes[held.lane];
        match held.what {
            What::Live(id) => {
                if let Some(hold) = lane.live.get_mut(&id).filter(|h| h.epoch == held.epoch) {
                    hold.attempts = attempts;
                }
            }
            What::Released(_) | What::Redelivered(_) => {
                if let Some(hold) = lane.released.get_mut(&held.epoch) {
                    hold.attempts = attempts;
                }
            }
        }
    }

    /// Forgets a start that nobody knows to be counted: there were so many before it.
    pub(crate) fn uncount(&mut self, held: Held) {
        if let What::Live(id) = held.what
            && let Some(hold) = self.lanes[held.lane].live.get_mut(&id)
            && hold.epoch == held.epoch
        {
            hold.attempts = hold.attempts.min(held.attempts);
        }
    }

    /// Ends a holding, if it has not ended.
    pub(crate) fn let_go(&mut self, held: Held) {
        let lane = &mut self.lanes[held.lane];
        match held.what {
            What::Live(id) => {
                if let Entry::Occupied(hold) = lane.live.entry(id)
                    && hold.get().epoch == held.epoch
                {
                    hold.remove();
                }
            }
            What::Released(_) | What::Redelivered(_) => {
                if lane.released.remove(&held.epoch).is_some() {
                    lane.look_for_released = true;
                }
            }
        }
    }

    /// Ends a holding of an entry that stays with this consumer, and hands it out again.
    pub(crate) fn hand_out_again(&mut self, held: Held, delivery: &Delivery) {
        let What::Live(id) = held.what else {
            return;
        };
        let hold = self.lanes[held.lane].live.get(&id);
        let Some(hold) = hold.filter(|h| h.epoch == held.epoch) else {
            return;
        };
        let again = Arrival {
            id,
            attempts: hold.attempts,
            key: delivery.key.clone(),
            body: delivery.body.clone(),
        };
        self.arrive(held.lane, again, true);
    }

    /// Asks for a look at the letters that may be handed out.
    pub(crate) fn look_for_released(&mut self, lane: usize) {
        self.lanes[lane].look_for_released = true;
    }

    /// Whether to look; asking answers it.
    pub(crate) fn take_look(&mut self, lane: usize) -> bool {
        let lane = &mut self.lanes[lane];
        lane.lease.is_some() && std::mem::take(&mut lane.look_for_released)
    }

    /// The keys of which a letter is in hand, and the letters in hand that have none.
    pub(crate) fn released_in_hand(&self, lane: usize) -> (Vec<Key>, Vec<EntryId>) {
        let held = self.lanes[lane].released.values();
        let keys = held.clone().filter_map(|h| h.key.clone()).collect();
        let keyless = held.filter(|h| h.key.is_none()).map(|h| h.letter);
        (keys, keyless.collect())
    }
}

impl Lane {
    fn put(&mut self, id: EntryId, delivery: Arc<Delivery>) {
        match self.ready.back() {
            Some((last, _)) if *last > id => {
                let at = self.ready.partition_point(|(other, _)| *other < id);
                self.ready.insert(at, (id, delivery));
            }
            _ => self.ready.push_back((id, delivery)),
        }
    }
}
