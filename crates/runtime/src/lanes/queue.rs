//! The lanes and the queue of what may run.

use std::cmp::Reverse;
use std::collections::hash_map::Entry as MapEntry;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::hash::Hash;

use foldhash::fast::RandomState;
use tokio::time::Instant;

use super::entry::{Entry, Lane, Slot, State, Ticket};
use super::limits::Limits;

/// Everything in hand: lanes of keys `K`, entries that carry a `T`.
pub(crate) struct Lanes<K, T> {
    limits: Limits,
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    by_key: HashMap<K, usize, RandomState>,
    lanes: Vec<Option<Lane<K>>>,
    free_lanes: Vec<usize>,
    /// Oldest first. May hold tickets of entries that are no longer ready: skipped when met.
    ready: VecDeque<Ticket>,
    /// The same holds here.
    delayed: BinaryHeap<Reverse<(Instant, Ticket)>>,
    len: usize,
    bytes: usize,
    /// Entries that are ready or taken: what keeps workers busy now.
    active: usize,
    /// Lanes that one more batch could overfill.
    brimming: usize,
}

impl<K: Hash + Eq + Clone, T> Lanes<K, T> {
    /// Empty lanes.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            slots: Vec::new(),
            free: Vec::new(),
            by_key: HashMap::default(),
            lanes: Vec::new(),
            free_lanes: Vec::new(),
            ready: VecDeque::new(),
            delayed: BinaryHeap::new(),
            len: 0,
            bytes: 0,
            active: 0,
            brimming: 0,
        }
    }

    /// How many entries are in hand.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many entries are ready or taken.
    pub(crate) fn active(&self) -> usize {
        self.active
    }

    /// How many entries may be admitted now without breaking a bound, whatever their keys are.
    pub(crate) fn room(&self) -> usize {
        if self.brimming > 0 || self.bytes >= self.limits.bytes {
            return 0;
        }
        let count = self.limits.count.saturating_sub(self.len);
        count.min(self.limits.batch).min(self.limits.lane)
    }

    /// Takes an entry in: behind the others of its key, or ready at once.
    pub(crate) fn admit(&mut self, key: Option<K>, bytes: usize, value: T) -> Ticket {
        let ticket = self.occupy(Entry {
            value,
            bytes,
            state: State::Waiting,
            lane: None,
            before: None,
            behind: None,
        });
        self.len += 1;
        self.bytes += bytes;
        let first = match key {
            Some(key) => self.append(key, ticket.slot),
            None => true,
        };
        if first {
            self.set_ready(ticket);
        }
        ticket
    }

    /// The entry that has been ready longest; it is *taken* from now on.
    pub(crate) fn take(&mut self) -> Option<Ticket> {
        while let Some(ticket) = self.ready.pop_front() {
            if let Some(entry) = self.entry_mut(ticket)
                && entry.state == State::Ready
            {
                entry.state = State::Taken;
                return Some(ticket);
            }
        }
        None
    }

    /// How many entries are ready, or a few more.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// The next of the lane of an entry, if nothing but that one is before it.
    pub(crate) fn next_of(&self, ticket: Ticket) -> Option<Ticket> {
        let entry = self.entry(ticket)?;
        let slot = entry.behind.filter(|_| entry.before.is_none())?;
        let place = &self.slots[slot as usize];
        let waits = place.entry.as_ref()?.state == State::Waiting;
        waits.then_some(Ticket {
            slot,
            generation: place.generation,
        })
    }

    /// Takes an entry although another of its lane is before it: that one is about to leave.
    pub(crate) fn take_early(&mut self, ticket: Ticket) {
        if let Some(entry) = self.entry_mut(ticket)
            && entry.state == State::Waiting
        {
            entry.state = State::Taken;
            self.active += 1;
        }
    }

    /// Gives back a taken entry that did not run: it is the next to be taken again, or waits for the
    /// one before it.
    pub(crate) fn put_back(&mut self, ticket: Ticket) {
        let Some(entry) = self.entry_mut(ticket).filter(|e| e.state == State::Taken) else {
            return;
        };
        if entry.before.is_some() {
            entry.state = State::Waiting;
            self.active -= 1;
        } else {
            entry.state = State::Ready;
            self.ready.push_front(ticket);
        }
    }

    /// Lets a taken entry, and its lane with it, wait until then.
    pub(crate) fn delay(&mut self, ticket: Ticket, until: Instant) {
        if let Some(entry) = self.entry_mut(ticket)
            && entry.state == State::Taken
        {
            entry.state = State::Delayed(until);
            self.active -= 1;
            self.delayed.push(Reverse((until, ticket)));
        }
    }

    /// The heads that keep everything else out while they wait for their time, each with the depth
    /// of its lane: those of lanes that are full; or when nothing fits in and nothing is ready or
    /// taken, that of the deepest lane. They are *taken* from now on.
    pub(crate) fn seize_blocking_heads(&mut self) -> Vec<(Ticket, usize)> {
        if self.room() > 0 {
            return Vec::new();
        }
        let delayed = |lane: &&Lane<K>| {
            let head = self.slots[lane.head as usize].entry.as_ref();
            matches!(head, Some(entry) if matches!(entry.state, State::Delayed(_)))
        };
        let brim = self.limits.lane_brim();
        let waiting = || {
            self.lanes
                .iter()
                .flatten()
                .filter(|lane| lane.depth > 1)
                .filter(delayed)
        };
        let mut heads: Vec<(u32, usize)> = match self.brimming {
            0 => Vec::new(),
            _ => {
                let full = waiting().filter(|lane| lane.depth >= brim);
                full.map(|lane| (lane.head, lane.depth)).collect()
            }
        };
        if heads.is_empty() && self.active == 0 {
            let deepest = waiting().max_by_key(|lane| lane.depth);
            heads.extend(deepest.map(|lane| (lane.head, lane.depth)));
        }
        let seized = heads.into_iter().map(|(slot, depth)| {
            let place = &mut self.slots[slot as usize];
            if let Some(entry) = &mut place.entry {
                entry.state = State::Taken;
                self.active += 1;
            }
            let generation = place.generation;
            (Ticket { slot, generation }, depth)
        });
        seized.collect()
    }

    /// Makes ready what has waited long enough, and says when to come again.
    pub(crate) fn wake(&mut self, now: Instant) -> Option<Instant> {
        while let Some(&Reverse((until, ticket))) = self.delayed.peek() {
            let waits = self.entry(ticket).map(|e| e.state) == Some(State::Delayed(until));
            if waits && until > now {
                return Some(until);
            }
            self.delayed.pop();
            if waits {
                self.set_ready(ticket);
            }
        }
        None
    }

    /// The entry is done with, however: it leaves, and the next of its lane becomes ready, unless it was
    /// taken already.
    /// `None` when it has left already.
    pub(crate) fn finish(&mut self, ticket: Ticket) -> Option<T> {
        let slot = self.slots.get_mut(ticket.slot as usize)?;
        if slot.generation != ticket.generation {
            return None;
        }
        let entry = slot.entry.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(ticket.slot);
        self.len -= 1;
        self.bytes -= entry.bytes;
        if matches!(entry.state, State::Ready | State::Taken) {
            self.active -= 1;
        }
        if let Some(lane) = entry.lane {
            self.unlink(lane, entry.before, entry.behind);
        }
        Some(entry.value)
    }

    /// What an entry carries.
    pub(crate) fn get(&self, ticket: Ticket) -> Option<&T> {
        self.entry(ticket).map(|entry| &entry.value)
    }

    /// What an entry carries.
    pub(crate) fn get_mut(&mut self, ticket: Ticket) -> Option<&mut T> {
        self.entry_mut(ticket).map(|entry| &mut entry.value)
    }

    /// Whether somebody works on it.
    pub(crate) fn is_taken(&self, ticket: Ticket) -> bool {
        self.entry(ticket).is_some_and(|e| e.state == State::Taken)
    }

    /// Everything in hand, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Ticket, &T)> {
        self.slots.iter().enumerate().filter_map(|(slot, s)| {
            let ticket = Ticket {
                slot: slot as u32,
                generation: s.generation,
            };
            s.entry.as_ref().map(|entry| (ticket, &entry.value))
        })
    }

    fn entry(&self, ticket: Ticket) -> Option<&Entry<T>> {
        let slot = self.slots.get(ticket.slot as usize)?;
        (slot.generation == ticket.generation).then_some(slot.entry.as_ref())?
    }

    fn entry_mut(&mut self, ticket: Ticket) -> Option<&mut Entry<T>> {
        let slot = self.slots.get_mut(ticket.slot as usize)?;
        (slot.generation == ticket.generation).then_some(slot.entry.as_mut())?
    }

    fn occupy(&mut self, entry: Entry<T>) -> Ticket {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot {
                generation: 0,
                entry: None,
            });
            (self.slots.len() - 1) as u32
        });
        let place = &mut self.slots[slot as usize];
        place.entry = Some(entry);
        Ticket {
            slot,
            generation: place.generation,
        }
    }

    fn set_ready(&mut self, ticket: Ticket) {
        if let Some(entry) = self.entry_mut(ticket) {
            entry.state = State::Ready;
            self.active += 1;
            self.ready.push_back(ticket);
        }
    }

    /// Puts a slot at the end of its lane and says whether it is the first there.
    fn append(&mut self, key: K, slot: u32) -> bool {
        match self.by_key.entry(key) {
            MapEntry::Occupied(found) => {
                let index = *found.get();
                let lane = self.lanes[index].as_mut().expect("a mapped lane exists");
                let tail = std::mem::replace(&mut lane.tail, slot);
                lane.depth += 1;
                if lane.depth == self.limits.lane_brim() {
                    self.brimming += 1;
                }
                self.link(tail, slot);
                self.linked(slot).lane = Some(index);
                false
            }
            MapEntry::Vacant(free) => {
                let lane = Some(Lane {
                    key: free.key().clone(),
                    head: slot,
                    tail: slot,
                    depth: 1,
                });
                let index = match self.free_lanes.pop() {
                    Some(index) => {
                        self.lanes[index] = lane;
                        index
                    }
                    None => {
                        self.lanes.push(lane);
                        self.lanes.len() - 1
                    }
                };
                free.insert(index);
                if self.limits.lane_brim() == 1 {
                    self.brimming += 1;
                }
                self.linked(slot).lane = Some(index);
                true
            }
        }
    }

    /// Takes an entry out of its lane; if it was the head, the next one becomes ready.
    fn unlink(&mut self, index: usize, before: Option<u32>, behind: Option<u32>) {
        let lane = self.lanes[index].as_mut().expect("an entry's lane exists");
        if lane.depth == self.limits.lane_brim() {
            self.brimming -= 1;
        }
        lane.depth -= 1;
        match (before, behind) {
            (None, None) => {
                let lane = self.lanes[index].take().expect("checked above");
                self.by_key.remove(&lane.key);
                self.free_lanes.push(index);
            }
            (Some(before), Some(behind)) => self.link(before, behind),
            (Some(before), None) => {
                lane.tail = before;
                self.linked(before).behind = None;
            }
            (None, Some(behind)) => {
                lane.head = behind;
                self.linked(behind).before = None;
                let ticket = Ticket {
                    slot: behind,
                    generation: self.slots[behind as usize].generation,
                };
                if self.linked(behind).state == State::Waiting {
                    self.set_ready(ticket);
                }
            }
        }
    }

    fn link(&mut self, before: u32, behind: u32) {
        self.linked(before).behind = Some(behind);
        self.linked(behind).before = Some(before);
    }

    fn linked(&mut self, slot: u32) -> &mut Entry<T> {
        let entry = self.slots[slot as usize].entry.as_mut();
        entry.expect("a linked slot is occupied")
    }
}
