//! What the group takes of a member that it has put out.

use std::time::{Duration, Instant};

/// How long a member that was put out waits for its next rebalance before it tries again all the same.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a commit would be refused because the group has put this member out. The library answers a refusal
/// by giving up its place in the group, also where it is just taking a new one: to ask again before it has
/// taken it would put it out for as long as it is asked.
#[derive(Debug, Default)]
pub(crate) struct Fence {
    /// How many rebalances there were.
    rebalances: u64,
    /// When a commit was refused, and how many there had been when it was sent.
    refused: Option<(u64, Instant)>,
}

impl Fence {
    /// Partitions came or went: the group knows this member again.
    pub(crate) fn rebalanced(&mut self) {
        self.rebalances += 1;
    }

    /// What a commit that is sent now tells [`refused`](Self::refused).
    pub(crate) fn rebalances(&self) -> u64 {
        self.rebalances
    }

    /// A commit was refused that was sent after so many rebalances.
    pub(crate) fn refused(&mut self, rebalances: u64) {
        self.refused = Some((rebalances, Instant::now()));
    }

    /// Whether to wait with the next commit.
    pub(crate) fn is_up(&self) -> bool {
        self.refused
            .is_some_and(|(n, at)| n == self.rebalances && at.elapsed() < PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_put_out_waits_for_the_next_rebalance() {
        let mut fence = Fence::default();
        assert!(!fence.is_up());
        let sent = fence.rebalances();
        fence.refused(sent);
        assert!(fence.is_up());
        fence.rebalanced();
        assert!(!fence.is_up());
    }

    #[test]
    fn a_refusal_that_a_rebalance_overtook_holds_nobody_up() {
        let mut fence = Fence::default();
        let sent = fence.rebalances();
        fence.rebalanced();
        fence.refused(sent);
        assert!(!fence.is_up());
    }

    #[test]
    fn it_does_not_wait_for_ever() {
        let long_ago = Instant::now().checked_sub(PATIENCE);
        let fence = Fence {
            rebalances: 0,
            refused: long_ago.map(|at| (0, at)),
        };
        assert!(!fence.is_up());
    }
}
