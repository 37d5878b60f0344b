//! A partition that a consumer has.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tidings_transport::Delivery;

use crate::hand::Hand;
use crate::ledger::Ledger;

/// A partition that this consumer has, from its assignment to its revocation.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) ledger: Ledger,
    /// Fetched and never handed out by this consumer, in order.
    fresh: VecDeque<(i64, Arc<Delivery>)>,
    /// Given back, to be handed out before those.
    back: BTreeMap<i64, Arc<Delivery>>,
    pub(crate) hand: Hand,
    /// The offset that the next message should have.
    expected: i64,
    /// It has changed since it was committed.
    pub(crate) dirty: bool,
    /// It is about to be revoked: nothing more is handed out.
    pub(crate) leaving: bool,
}

impl Lane {
    /// A partition of which a group has settled so much.
    pub(crate) fn new(ledger: Ledger) -> Self {
        Self {
            expected: ledger.base(),
            ledger,
            ..Self::default()
        }
    }

    /// The offset that the next message should have.
    pub(crate) fn expected(&self) -> i64 {
        self.expected
    }

    /// Takes a fetched message in. What stands between the last one and this does not exist, or
    /// `low`, the oldest offset there is, says that it is gone: how many of these were lost.
    pub(crate) fn push(&mut self, offset: i64, low: i64, delivery: Arc<Delivery>) -> u64 {
        if offset < self.expected {
            return 0;
        }
        self.dirty |= offset > self.expected;
        let fresh = self.ledger.handed().clamp(self.expected, offset);
        let mut lost = u64::try_from(low.min(offset) - fresh).unwrap_or(0);
        for hole in self.expected..fresh {
            if !self.ledger.is_settled(hole) {
                lost += u64::from(hole < low);
                self.ledger.settle(hole);
            }
        }
        self.ledger.losses.counted += lost;
        self.expected = offset + 1;
        if !self.ledger.is_settled(offset) {
            self.fresh.push_back((offset, delivery));
        }
        lost
    }

    /// The next one to be handed out, in the order of the log.
    pub(crate) fn pop(&mut self) -> Option<(i64, Arc<Delivery>)> {
        if self.leaving {
            return None;
        }
        if let Some(next) = self.back.pop_first() {
            return Some(next);
        }
        if self.hand.is_empty() {
            // No settlement is on its way that could be taken back.
            self.ledger.advance();
        }
        let (offset, _) = self.fresh.front()?;
        if *offset >= self.ledger.handed() && !self.ledger.has_room_for(*offset) {
            return None;
        }
        let next = self.fresh.pop_front()?;
        self.ledger.hand(next.0);
        self.dirty = true;
        Some(next)
    }

    /// Takes one back that somebody held.
    pub(crate) fn give_back(&mut self, offset: i64) {
        if let Some(held) = self.hand.remove(offset) {
            self.back.insert(offset, held.delivery);
        }
    }

    /// How many wait to be handed out.
    pub(crate) fn waiting(&self) -> usize {
        self.fresh.len() + self.back.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hand::{Held, tests::delivery};

    fn push(lane: &mut Lane, offset: i64, low: i64) -> u64 {
        lane.push(offset, low, delivery(0))
    }

    fn next(lane: &mut Lane) -> Option<i64> {
        let (offset, delivery) = lane.pop()?;
        lane.hand.insert(offset, Held::new(delivery));
        Some(offset)
    }

    #[test]
    fn what_is_open_holds_up_what_is_far_behind_it() {
        let mut lane = Lane::new(Ledger::new(0));
        push(&mut lane, 0, 0);
        push(&mut lane, 30_000, 0);
        assert_eq!(next(&mut lane), Some(0));
        assert_eq!(next(&mut lane), None);
        lane.ledger.settle(0);
        assert_eq!(next(&mut lane), None, "that may be taken back");
        lane.hand.remove(0);
        assert_eq!(next(&mut lane), Some(30_000));
        assert_eq!(lane.ledger.base(), 30_000);
    }

    #[test]
    fn what_was_open_and_is_gone_holds_nothing_up() {
        let mut ledger = Ledger::new(0);
        ledger.hand(0);
        let mut lane = Lane::new(ledger);
        push(&mut lane, 30_000, 0);
        assert_eq!(next(&mut lane), Some(30_000));
    }

    #[test]
    fn what_is_missing_is_lost_where_the_log_begins_behind_it() {
        let mut ledger = Ledger::new(0);
        (0..4).for_each(|offset| ledger.hand(offset));
        ledger.settle(1);
        let mut lane = Lane::new(ledger);
        assert_eq!(push(&mut lane, 2, 2), 1, "0, since 1 was settled");
        assert_eq!(push(&mut lane, 10, 6), 3, "3, 4 and 5; 6 to 9 never were");
        assert_eq!(push(&mut lane, 1_000_000_000_000, 0), 0);
        assert_eq!(lane.ledger.losses.counted, 4);
    }
}
