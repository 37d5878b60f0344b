//! What the group takes of a member that it has put out.

use std::time::{Duration, Instant};

/// How long a member that was put out waits for its next assignment before it tries again all the same.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a commit would be refused because the group has put this member out. The library answers a refusal
/// by giving up its place in the group, also where it is just taking a new one: to ask again before it has
/// taken it would put it out for as long as it is asked.
#[derive(Debug, Default)]
pub(crate) struct Fence {
    /// How often partitions were assigned, also none.
    assignments: u64,
    /// When a commit was refused, and how often they had been when it was sent.
    refused: Option<(u64, Instant)>,
}

impl Fence {
    /// The group has told this member its partitions, so it knows it again. That some are revoked says nothing: the
    /// refusal itself brings that about.
    pub(crate) fn assigned(&mut self) {
        self.assignments += 1;
    }

    /// What a commit that is sent now tells [`refused`](Self::refused).
    pub(crate) fn assignments(&self) -> u64 {
        self.assignments
    }

    /// A commit was refused that was sent after so many assignments.
    pub(crate) fn refused(&mut self, assignments: u64) {
        self.refused = Some((assignments, Instant::now()));
    }

    /// Whether to wait with the next commit.
    pub(crate) fn is_up(&self) -> bool {
        self.refused
            .is_some_and(|(n, at)| n == self.assignments && at.elapsed() < PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_put_out_waits_for_the_next_assignment() {
        let mut fence = Fence::default();
        assert!(!fence.is_up());
        let sent = fence.assignments();
        fence.refused(sent);
        assert!(fence.is_up());
        fence.assigned();
        assert!(!fence.is_up());
    }

    #[test]
    fn a_refusal_that_an_assignment_overtook_holds_nobody_up() {
        let mut fence = Fence::default();
        let sent = fence.assignments();
        fence.assigned();
        fence.refused(sent);
        assert!(!fence.is_up());
    }

    #[test]
    fn it_does_not_wait_for_ever() {
        let long_ago = Instant::now().checked_sub(PATIENCE);
        let fence = Fence {
            assignments: 0,
            refused: long_ago.map(|at| (0, at)),
        };
        assert!(!fence.is_up());
    }
}
