//! Dead letters on their way back to their group, or out of the log for good.

use crate::memory::dead::no_letter;
use crate::memory::group::GroupState;
use crate::memory::log::{parse, size};
use crate::memory::queue::Slot;
use crate::memory::state::Budget;
use crate::{Position, Redelivery, Result};

impl GroupState {
    /// Lets a record be handed out once more.
    pub(super) fn redeliver(&mut self, again: &Redelivery, budget: &mut Budget) -> Result<()> {
        match again {
            Redelivery::DeadLetter(id) => {
                let number = parse("redeliver", id)?;
                if let Some(key) = self.dead.redeliver(number)? {
                    self.queue.add(Slot::Parked(number), key);
                }
            }
            Redelivery::Record(record) => {
                parse("redeliver", &record.position)?;
                budget.take("redeliver", size(record.key.as_ref(), &record.body))?;
                let number = self.dead.add(&self.topic, &self.name, record);
                self.queue.add(Slot::Parked(number), record.key.clone());
            }
        }
        Ok(())
    }

    /// Removes a dead letter, whoever holds it.
    pub(super) fn discard(&mut self, id: &Position, budget: &mut Budget) -> Result<()> {
        let number = parse("discard", id)?;
        let letter = self.dead.remove(number);
        let letter = letter.ok_or_else(|| no_letter("discard", id))?;
        budget.give_back(size(letter.key.as_ref(), &letter.body));
        self.let_go_of(Slot::Parked(number));
        self.queue.remove(Slot::Parked(number));
        Ok(())
    }
}
