//! What a group will never get, until it is told.

use crate::memory::log::{Sequence, position};
use crate::{Count, Gap, Group, Topic};

/// What was lost and not yet reported. Losses between two reports become one gap, so that a
/// group whose consumers are away for long costs no more than one.
#[derive(Debug, Default)]
pub(super) struct Losses {
    unreported: Option<Loss>,
    total: u64,
    /// How the last of them was noticed.
    cause: &'static str,
}

#[derive(Debug)]
struct Loss {
    after: Sequence,
    until: Sequence,
    lost: u64,
    cause: &'static str,
}

impl Losses {
    /// Notes that `lost` records between these two positions (both outside) are gone.
    pub(super) fn note(
        &mut self,
        after: Sequence,
        until: Sequence,
        lost: u64,
        cause: &'static str,
    ) {
        self.total += lost;
        self.cause = cause;
        match &mut self.unreported {
            None => {
                self.unreported = Some(Loss {
                    after,
                    until,
                    lost,
                    cause,
                });
            }
            Some(loss) => {
                loss.after = loss.after.min(after);
                loss.until = loss.until.max(until);
                loss.lost += lost;
                loss.cause = cause;
            }
        }
    }

    /// What to report now.
    pub(super) fn take(&mut self, topic: &Topic, group: &Group) -> Option<Gap> {
        self.unreported.take().map(|loss| Gap {
            topic: topic.clone(),
            group: group.clone(),
            after: Some(position(loss.after)),
            until: Some(position(loss.until)),
            lost: Count::Exactly(loss.lost),
            cause: loss.cause.into(),
        })
    }

    /// How many were lost since the group was made, or since that was last acknowledged.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// All of these as one gap.
    pub(super) fn sum(&self, topic: &Topic, group: &Group) -> Option<Gap> {
        (self.total > 0).then(|| Gap {
            topic: topic.clone(),
            group: group.clone(),
            after: None,
            until: None,
            lost: Count::Exactly(self.total),
            cause: self.cause.into(),
        })
    }

    /// Begins to count anew; what is unreported is reported all the same.
    pub(super) fn acknowledge(&mut self) -> Count {
        Count::Exactly(std::mem::take(&mut self.total))
    }
}
