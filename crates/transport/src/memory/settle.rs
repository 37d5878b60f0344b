//! How a holding ends.

use tokio::time::Instant;

use crate::memory::dead::Giver;
use crate::memory::group::{Claimer, Epoch, GroupState};
use crate::memory::log::{Log, Sequence, size};
use crate::memory::queue::Slot;
use crate::memory::state::Budget;
use crate::{Delivery, Error, ErrorKind, Key, Outcome, Reason, Result};

/// What a settlement may need of the rest of the log.
pub(super) struct Settling<'a> {
    pub(super) log: &'a Log,
    pub(super) by: &'a Claimer,
    pub(super) budget: &'a mut Budget,
    /// The instant of a `Retry`'s time.
    pub(super) not_before: Option<Instant>,
}

impl GroupState {
    /// Ends a holding by its outcome; on an error everything stays as it was.
    pub(super) fn settle(
        &mut self,
        with: Settling<'_>,
        delivery: &Delivery,
        outcome: &Outcome,
    ) -> Result<()> {
        let epoch = delivery.epoch;
        let Some(hold) = self.held_by(with.by.id, epoch) else {
            return Err(stale("settle", delivery));
        };
        let slot = hold.slot;
        match outcome {
            Outcome::Ack => self.done(with, slot),
            Outcome::Retry { .. } => {
                self.give_back(with.log, epoch, with.not_before, &with.by.name, with.budget);
                return Ok(());
            }
            Outcome::DeadLetter { reason } => self.bury(with, slot, delivery, reason)?,
            Outcome::Park { key, reason } => {
                let key = key.as_ref().or(delivery.key.as_ref());
                match (slot, key, reason) {
                    (Slot::Parked(id), _, Some(reason)) => self.park_again(&with, id, reason),
                    (Slot::Parked(_), _, None) => {
                        self.give_back(with.log, epoch, None, &with.by.name, with.budget);
                        return Ok(());
                    }
                    (Slot::Live(_), None, Some(reason)) => {
                        self.bury(with, slot, delivery, reason)?;
                    }
                    (Slot::Live(_), None, None) => return Err(not_parked(delivery)),
                    (Slot::Live(sequence), Some(key), reason) => {
                        self.park(with, sequence, delivery, key, reason.as_ref())?;
                    }
                }
            }
        }
        self.let_go(epoch);
        Ok(())
    }

    fn done(&mut self, with: Settling<'_>, slot: Slot) {
        match slot {
            Slot::Live(sequence) => self.forget(sequence),
            Slot::Parked(id) => {
                self.queue.remove(slot);
                if let Some(letter) = self.dead.remove(id) {
                    with.budget
                        .give_back(size(letter.key.as_ref(), &letter.body));
                }
            }
        }
    }

    fn bury(
        &mut self,
        with: Settling<'_>,
        slot: Slot,
        delivery: &Delivery,
        reason: &Reason,
    ) -> Result<()> {
        let by = Giver {
            group: &self.name,
            consumer: &with.by.name,
        };
        match slot {
            Slot::Parked(id) => {
                self.dead.bury_released(id, by, reason);
                self.queue.remove(slot);
            }
            Slot::Live(sequence) => {
                let bytes = size(delivery.key.as_ref(), &delivery.body);
                with.budget.take("settle", bytes)?;
                let attempts = self.open.get(&sequence).map_or(0, |o| o.attempts);
                self.dead.bury(by, delivery, attempts, reason);
                self.forget(sequence);
            }
        }
        Ok(())
    }

    fn park(
        &mut self,
        with: Settling<'_>,
        sequence: Sequence,
        delivery: &Delivery,
        key: &Key,
        reason: Option<&Reason>,
    ) -> Result<()> {
        if reason.is_none() && !self.dead.holds(key) {
            return Err(not_parked(delivery));
        }
        let bytes = size(Some(key), &delivery.body);
        with.budget.take("settle", bytes)?;
        let by = Giver {
            group: &self.name,
            consumer: &with.by.name,
        };
        let attempts = self.open.get(&sequence).map_or(0, |o| o.attempts);
        let slot = self.dead.park(by, delivery, key, attempts, reason);
        self.forget(sequence);
        if let Some(slot) = slot {
            self.queue.add(slot, Some(key.clone()));
        }
        if reason.is_some() {
            self.stop_lane(with, key);
        }
        Ok(())
    }

    /// A key was parked: what waits to be released stays put, what waits in the topic follows.
    fn stop_lane(&mut self, with: Settling<'_>, key: &Key) {
        for slot in self.queue.unheld(key) {
            match slot {
                Slot::Parked(id) if self.dead.is_due(id) => {}
                Slot::Parked(_) => self.queue.remove(slot),
                Slot::Live(sequence) => {
                    self.follow_parked(with.log, sequence, &with.by.name, with.budget);
                }
            }
        }
    }

    fn park_again(&mut self, with: &Settling<'_>, id: u64, reason: &Reason) {
        let by = Giver {
            group: &self.name,
            consumer: &with.by.name,
        };
        let key = self.dead.park_again(id, by, reason);
        self.queue.remove(Slot::Parked(id));
        for slot in key.map(|k| self.queue.unheld(&k)).unwrap_or_default() {
            if matches!(slot, Slot::Parked(id) if !self.dead.is_due(id)) {
                self.queue.remove(slot);
            }
        }
    }

    /// Gives a record back, to be handed out again at once or at a time.
    pub(super) fn give_back(
        &mut self,
        log: &Log,
        epoch: Epoch,
        not_before: Option<Instant>,
        consumer: &str,
        budget: &mut Budget,
    ) {
        let Some(slot) = self.let_go(epoch) else {
            return;
        };
        match slot {
            Slot::Live(sequence) if log.get(sequence).is_none() => {
                self.forget(sequence);
                let cause = "removed from the log while it was in a consumer's hands";
                self.losses.note(sequence - 1, log.first(), 1, cause);
            }
            Slot::Live(sequence) => {
                if !self.follow_parked(log, sequence, consumer, budget) {
                    self.queue.put_back(slot, not_before);
                }
            }
            Slot::Parked(id) if self.dead.is_due(id) => self.queue.put_back(slot, not_before),
            Slot::Parked(_) => self.queue.remove(slot),
        }
    }
}

/// The refusal of what has passed to somebody else.
pub(super) fn stale(operation: &'static str, delivery: &Delivery) -> Error {
    Error::new(
        ErrorKind::Stale,
        operation,
        format!(
            "the delivery of {} at {} has passed to somebody else or is settled",
            delivery.topic, delivery.position
        ),
    )
}

fn not_parked(delivery: &Delivery) -> Error {
    Error::new(
        ErrorKind::NotParked,
        "settle",
        format!(
            "the key of {} at {} is not parked; run the delivery",
            delivery.topic, delivery.position
        ),
    )
}
