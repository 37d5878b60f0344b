//! What goes wrong with real logs, on demand: for tests of whoever stands on a transport.

use crate::{Memory, Topic};

impl Memory {
    /// Makes the log go away (`false`) or come back (`true`). While it is away every operation,
    /// and every waiting `next`, fails with [`ErrorKind::Unavailable`](crate::ErrorKind); leases
    /// run on.
    pub fn set_available(&self, available: bool) {
        self.shared.lock().available = available;
        self.shared.changed.notify_waiters();
    }

    /// Removes the `n` oldest records of a topic with no regard for its groups, as a foreign
    /// producer's trim or an eviction does. Returns how many there were to remove.
    ///
    /// Groups are told of what they had not been handed as a [`Gap`](crate::Gap). What is in a
    /// consumer's hands can still be settled there; given back, it is lost and reported too.
    pub fn drop_records(&self, topic: &Topic, n: usize) -> usize {
        let mut state = self.shared.lock();
        let state = &mut *state;
        let Some(found) = state.topics.get_mut(topic) else {
            return 0;
        };
        let n = n.min(found.log.len());
        found.remove_front(
            n,
            "removed by others before it was settled",
            &mut state.budget,
        );
        self.shared.changed.notify_waiters();
        n
    }
}
