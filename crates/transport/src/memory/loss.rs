//! What a group will never get, until it is told.

use crate::memory::log::{Sequence, position};
use crate::{Count, Gap, Group, Topic};

/// What was lost and not yet reported. Losses between two reports become one gap, so that a
/// group whose consumers are away for long costs no more than one.
#[derive(Debug, Default)]
pub(super) struct Losses {
    unreported: Option<Loss>,
    total: u64,
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

    /// How many were lost since the group was made.
    pub(super) fn total(&self) -> u64 {
        self.total
    }
}
