//! How long an idle relay waits before it looks again.

use std::time::Duration;

/// After work, soon; then each wait twice as long, up to a bound. A steady trickle is so found
/// within milliseconds, and an idle outbox costs a few look-ups of an index a second.
#[derive(Debug)]
pub(super) struct Pace {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Pace {
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        let first = first.min(longest);
        Self {
            first,
            longest,
            next: first,
        }
    }

    /// There was work.
    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }

    /// How long to wait now.
    pub(super) fn wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(self.longest);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;
    use std::time::Duration;

    #[test]
    fn waits_grow_to_the_bound_and_shrink_with_work() {
        let ms = Duration::from_millis;
        let mut pace = Pace::new(ms(2), ms(10));
        let waits: Vec<_> = (0..5).map(|_| pace.wait()).collect();
        assert_eq!(waits, [ms(2), ms(4), ms(8), ms(10), ms(10)]);
        pace.reset();
        assert_eq!(pace.wait(), ms(2));
        assert_eq!(Pace::new(ms(5), ms(1)).wait(), ms(1));
    }
}
