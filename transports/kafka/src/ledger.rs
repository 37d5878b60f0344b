//! What a group has settled in a partition.

mod metadata;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use tidings_transport::Count;

use crate::offsets::Marks;

/// How far the handing out may run ahead of the first offset that is not settled: 8,192 bits are
/// 1,366 characters, which leaves the greater part to attempts.
pub(crate) const MAX_AHEAD: i64 = 8_192;

/// What is committed for a group that was removed, until Kafka forgets it.
pub(crate) const REMOVED: &str = "removed";

/// Records lost to a group in a partition since the group was made, as far as it has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Losses {
    pub(crate) counted: u64,
    /// How often nobody could tell how many.
    pub(crate) uncounted: u32,
}

impl Losses {
    pub(crate) fn and(self, more: Self) -> Self {
        Self {
            counted: self.counted + more.counted,
            uncounted: self.uncounted + more.uncounted,
        }
    }

    pub(crate) fn count(self) -> Count {
        match self.uncounted {
            0 => Count::Exactly(self.counted),
            _ => Count::Unknown,
        }
    }

    /// What came to them since `noted`.
    pub(crate) fn since(self, noted: Self) -> Self {
        Self {
            counted: self.counted.saturating_sub(noted.counted),
            uncounted: self.uncounted.saturating_sub(noted.uncounted),
        }
    }
}

/// An offset that was handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Slot {
    settled: bool,
    /// How often its handler was started.
    attempts: u32,
}

impl Slot {
    const SETTLED: Self = Self {
        settled: true,
        attempts: 0,
    };
}

/// What is settled, handed out and started in a partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ledger {
    /// Everything before it is settled, and so it is committed.
    base: i64,
    /// Each offset handed out from `base` on.
    slots: VecDeque<Slot>,
    /// The journal's offset behind the last seek that was carried out; 0 is none.
    pub(crate) seek: i64,
    pub(crate) losses: Losses,
    /// When it was last written, in milliseconds since 1970.
    pub(crate) touched: i64,
}

impl Ledger {
    pub(crate) fn new(base: i64) -> Self {
        Self {
            base,
            ..Self::default()
        }
    }

    /// The first offset that is not settled.
    pub(crate) fn base(&self) -> i64 {
        self.base
    }

    /// The first offset that was never handed out.
    pub(crate) fn handed(&self) -> i64 {
        self.base + i64::try_from(self.slots.len()).unwrap_or(i64::MAX)
    }

    fn index(&self, offset: i64) -> Option<usize> {
        usize::try_from(offset.checked_sub(self.base)?).ok()
    }

    fn slot(&self, offset: i64) -> Option<&Slot> {
        self.slots.get(self.index(offset)?)
    }

    fn slot_mut(&mut self, offset: i64) -> Option<&mut Slot> {
        let index = self.index(offset)?;
        self.slots.get_mut(index)
    }

    /// Whether the group is past it.
    pub(crate) fn is_settled(&self, offset: i64) -> bool {
        offset < self.base || self.slot(offset).is_some_and(|slot| slot.settled)
    }

    /// Whether this one may be handed out without outgrowing what can be committed: behind what is open a
    /// hole takes as much room as what is there.
    pub(crate) fn has_room_for(&self, offset: i64) -> bool {
        self.slots.is_empty() || offset - self.base < MAX_AHEAD
    }

    /// Notes that this offset is handed out, and that those skipped before it do not exist.
    pub(crate) fn hand(&mut self, offset: i64) {
        if self.slots.is_empty() {
            self.base = self.base.max(offset);
        }
        let fresh = self.handed();
        for _ in fresh..offset {
            self.slots.push_back(Slot::SETTLED);
        }
        if offset >= fresh {
            self.slots.push_back(Slot::default());
        }
    }

    pub(crate) fn settle(&mut self, offset: i64) {
        if let Some(slot) = self.slot_mut(offset) {
            slot.settled = true;
        }
    }

    /// Takes a settlement back of what was started so often, also where the group seemed to be past it.
    pub(crate) fn reopen(&mut self, offset: i64, attempts: u32) {
        while self.base > offset {
            self.slots.push_front(Slot::SETTLED);
            self.base -= 1;
        }
        if let Some(slot) = self.slot_mut(offset) {
            slot.settled = false;
            slot.attempts = slot.attempts.max(attempts);
        }
    }

    /// How many from `base` on are settled without a gap.
    fn done(&self) -> usize {
        let open = self.slots.iter().position(|slot| !slot.settled);
        open.unwrap_or(self.slots.len())
    }

    /// Moves the first offset that is not settled as far as it goes.
    pub(crate) fn advance(&mut self) {
        let done = self.done();
        self.base += i64::try_from(done).unwrap_or(i64::MAX);
        self.slots.drain(..done);
    }

    /// Puts what stands before `low` behind the group; how many of these it had not settled.
    pub(crate) fn lose(&mut self, low: i64) -> u64 {
        let mut lost = 0;
        while self.base < low {
            match self.slots.pop_front() {
                Some(slot) => lost += u64::from(!slot.settled),
                None => {
                    lost += u64::try_from(low - self.base).unwrap_or(0);
                    self.base = low;
                    break;
                }
            }
            self.base += 1;
        }
        self.losses.counted += lost;
        self.advance();
        lost
    }

    /// Puts what the partition holds no more behind the group; how many of these it had not settled.
    pub(crate) fn meet(&mut self, (low, high): Marks) -> Count {
        if self.base > high {
            self.begin_anew(low);
            return Count::Unknown;
        }
        Count::Exactly(self.lose(low))
    }

    /// The partition was lost with what it had held, and made again.
    pub(crate) fn begin_anew(&mut self, low: i64) {
        self.move_to(low, self.seek);
        self.losses.uncounted += 1;
    }

    /// Everything from here on is new, whatever it was.
    pub(crate) fn move_to(&mut self, base: i64, seek: i64) {
        self.base = base;
        self.slots.clear();
        self.seek = seek;
    }

    /// How many of those handed out are not settled.
    pub(crate) fn pending(&self) -> u64 {
        self.slots.iter().filter(|slot| !slot.settled).count() as u64
    }

    /// How many of those before `high` are not settled.
    pub(crate) fn open_until(&self, high: i64) -> u64 {
        self.pending() + u64::try_from(high - self.handed()).unwrap_or(0)
    }

    pub(crate) fn attempts(&self, offset: i64) -> u32 {
        self.slot(offset).map_or(0, |slot| slot.attempts)
    }

    /// Counts a start; how many there were, if it was handed out.
    pub(crate) fn start(&mut self, offset: i64) -> Option<u32> {
        let slot = self.slot_mut(offset)?;
        slot.attempts += 1;
        Some(slot.attempts)
    }

    /// Takes the last start back: its handler has not run.
    pub(crate) fn take_back_start(&mut self, offset: i64) {
        if let Some(slot) = self.slot_mut(offset) {
            slot.attempts = slot.attempts.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_counted_once() {
        let mut ledger = Ledger::new(10);
        for offset in 10..13 {
            ledger.hand(offset);
        }
        ledger.settle(11);
        assert_eq!(ledger.lose(15), 4, "10, 12, 13 and 14");
        assert_eq!(ledger.lose(15), 0);
        assert_eq!((ledger.base(), ledger.handed()), (15, 15));
        assert_eq!(ledger.losses.counted, 4);
    }

    #[test]
    fn a_hole_needs_room_only_behind_what_is_open() {
        let mut ledger = Ledger::new(0);
        assert!(ledger.has_room_for(30_000));
        ledger.hand(30_000);
        assert_eq!((ledger.base(), ledger.pending()), (30_000, 1));
        assert!(ledger.has_room_for(30_000 + MAX_AHEAD - 1));
        assert!(!ledger.has_room_for(30_000 + MAX_AHEAD));
        ledger.settle(30_000);
        ledger.advance();
        assert!(ledger.has_room_for(60_000));
    }

    #[test]
    fn what_is_taken_back_is_open_again_wherever_the_group_seemed_to_be() {
        let mut ledger = Ledger::new(0);
        for offset in 0..4 {
            ledger.hand(offset);
        }
        ledger.start(1);
        ledger.start(1);
        (0..3).for_each(|offset| ledger.settle(offset));
        ledger.advance();
        assert_eq!(ledger.base(), 3);
        ledger.reopen(1, 2);
        assert_eq!((ledger.base(), ledger.pending()), (1, 2), "1 and 3");
        assert_eq!((ledger.attempts(1), ledger.attempts(3)), (2, 0));
        assert!(ledger.is_settled(0) && ledger.is_settled(2));
    }
}
