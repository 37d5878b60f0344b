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
        let mut lost = 0;
        for hole in self.expected..offset {
            if !self.ledger.is_settled(hole) {
                lost += u64::from(hole < low);
                self.ledger.settle(hole, true);
                self.dirty = true;
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
        let (offset, _) = self.fresh.front()?;
        if *offset >= self.ledger.handed() && !self.ledger.has_room() {
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
