//! Which unsettled records of a group may be handed out now.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio::time::Instant;

use crate::memory::log::Sequence;
use crate::{Key, Ordering};

/// What may be handed out. Parked records of a key sort before its newer ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    /// A parked record whose key is being released, by its place in the dead-letter log.
    Parked(u64),
    /// A record of the topic.
    Live(Sequence),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In no set: just about to be placed.
    Nowhere,
    /// Anybody may have it.
    Ready,
    /// Due, but an older one of its key is not settled.
    Blocked,
    /// Not before this.
    Delayed(Instant),
    Held,
}

#[derive(Debug)]
struct Waiting {
    lane: Option<Key>,
    place: Place,
}

/// The unsettled records of one key.
#[derive(Debug, Default)]
struct Lane {
    slots: BTreeSet<Slot>,
    held: usize,
}

/// Unsettled records, each in one place. With keys in lanes, finding the next one to hand out
/// does not depend on how many wait behind a busy key.
#[derive(Debug, Default)]
pub(super) struct Queue {
    slots: BTreeMap<Slot, Waiting>,
    lanes: HashMap<Key, Lane>,
    ready: BTreeSet<Slot>,
    blocked: BTreeSet<Slot>,
    delayed: BTreeSet<(Instant, Slot)>,
}

impl Queue {
    /// Adds a record that may be handed out when its key is free.
    pub(super) fn add(&mut self, slot: Slot, lane: Option<Key>) {
        let front = lane.as_ref().and_then(|key| {
            let lane = self.lanes.entry(key.clone()).or_default();
            let front = lane.slots.first().copied();
            lane.slots.insert(slot);
            front
        });
        let waiting = Waiting {
            lane,
            place: Place::Nowhere,
        };
        self.slots.insert(slot, waiting);
        self.place(slot, None);
        if let Some(front) = front.filter(|f| slot < *f) {
            self.replace(front);
        }
    }

    /// Takes the next one to hand out, which is then held.
    pub(super) fn pop(&mut self, ordering: Ordering) -> Option<Slot> {
        let ready = self.ready.first().copied();
        let slot = match ordering {
            Ordering::Key => ready,
            // Parked ones come one at a time whatever the ordering.
            Ordering::None => {
                let blocked = self.blocked.range(Slot::Live(0)..).next().copied();
                ready.into_iter().chain(blocked).min()
            }
        }?;
        self.leave(slot, Place::Held);
        if let Some(lane) = self.lane_of(slot) {
            lane.held += 1;
            if let Some(front) = lane.slots.first().copied() {
                self.replace(front);
            }
        }
        Some(slot)
    }

    /// Puts back one that was held.
    pub(super) fn put_back(&mut self, slot: Slot, not_before: Option<Instant>) {
        self.drop_hold(slot);
        self.place(slot, not_before);
        self.refresh_front_of(slot);
    }

    /// Forgets one that is settled, whether held or not: the next of its key may go.
    pub(super) fn remove(&mut self, slot: Slot) {
        self.drop_hold(slot);
        self.leave(slot, Place::Nowhere);
        let Some(key) = self.slots.remove(&slot).and_then(|w| w.lane) else {
            return;
        };
        let Some(lane) = self.lanes.get_mut(&key) else {
            return;
        };
        lane.slots.remove(&slot);
        match lane.slots.first().copied() {
            Some(front) => self.replace(front),
            None => {
                self.lanes.remove(&key);
            }
        }
    }

    /// Makes those due whose time has come.
    pub(super) fn wake(&mut self, now: Instant) {
        while let Some((_, slot)) = self.delayed.first().filter(|(at, _)| *at <= now).copied() {
            self.leave(slot, Place::Nowhere);
            self.place(slot, None);
        }
    }

    /// When the next delayed one is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.delayed.first().map(|(at, _)| *at)
    }

    /// Records of a key that nobody holds.
    pub(super) fn unheld(&self, key: &Key) -> Vec<Slot> {
        let slots = self.lanes.get(key).map(|lane| &lane.slots);
        let slots = slots.into_iter().flatten().copied();
        slots.filter(|s| !self.is_held(*s)).collect()
    }

    /// Records of the topic before this one that nobody holds.
    pub(super) fn unheld_before(&self, first: Sequence) -> Vec<Sequence> {
        let before = self.slots.range(Slot::Live(0)..Slot::Live(first));
        before
            .filter_map(|(slot, waiting)| match slot {
                Slot::Live(sequence) if waiting.place != Place::Held => Some(*sequence),
                _ => None,
            })
            .collect()
    }

    fn is_held(&self, slot: Slot) -> bool {
        self.slots
            .get(&slot)
            .is_some_and(|w| w.place == Place::Held)
    }

    fn lane_of(&mut self, slot: Slot) -> Option<&mut Lane> {
        let key = self.slots.get(&slot)?.lane.as_ref()?;
        self.lanes.get_mut(key)
    }

    /// Moves one that is nowhere to where it belongs.
    fn place(&mut self, slot: Slot, not_before: Option<Instant>) {
        let free = self
            .lane_of(slot)
            .is_none_or(|lane| lane.held == 0 && lane.slots.first() == Some(&slot));
        let place = match not_before {
            Some(at) => {
                self.delayed.insert((at, slot));
                Place::Delayed(at)
            }
            None if free => {
                self.ready.insert(slot);
                Place::Ready
            }
            None => {
                self.blocked.insert(slot);
                Place::Blocked
            }
        };
        if let Some(waiting) = self.slots.get_mut(&slot) {
            waiting.place = place;
        }
    }

    /// Looks again at one that is ready or blocked, after its lane changed.
    fn replace(&mut self, slot: Slot) {
        let place = self.slots.get(&slot).map(|w| w.place);
        if matches!(place, Some(Place::Ready | Place::Blocked)) {
            self.leave(slot, Place::Nowhere);
            self.place(slot, None);
        }
    }

    fn refresh_front_of(&mut self, slot: Slot) {
        if let Some(front) = self.lane_of(slot).and_then(|l| l.slots.first().copied()) {
            self.replace(front);
        }
    }

    fn drop_hold(&mut self, slot: Slot) {
        if self.is_held(slot) {
            self.leave(slot, Place::Nowhere);
            if let Some(lane) = self.lane_of(slot) {
                lane.held -= 1;
            }
        }
    }

    fn leave(&mut self, slot: Slot, to: Place) {
        let Some(waiting) = self.slots.get_mut(&slot) else {
            return;
        };
        match std::mem::replace(&mut waiting.place, to) {
            Place::Ready => {
                self.ready.remove(&slot);
            }
            Place::Blocked => {
                self.blocked.remove(&slot);
            }
            Place::Delayed(at) => {
                self.delayed.remove(&(at, slot));
            }
            Place::Held | Place::Nowhere => {}
        }
    }
}
