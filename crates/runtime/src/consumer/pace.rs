//! How fast the handlers are, so that slow ones are fed little and fast ones in batches.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A moving average of how long one attempt takes.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Nanoseconds; 0 while nothing is known.
    average: AtomicU64,
}

impl Pace {
    /// An attempt took so long.
    pub(super) fn record(&self, took: Duration) {
        let took = nanoseconds(took).max(1);
        let old = self.average.load(Ordering::Relaxed);
        // Lost updates between workers only delay the average a little.
        let new = match old {
            0 => took,
            _ => old - old / 16 + took / 16,
        };
        self.average.store(new.max(1), Ordering::Relaxed);
    }

    /// How many attempts one worker makes in this time; 0 while nothing is known.
    pub(super) fn within(&self, time: Duration) -> usize {
        match self.average.load(Ordering::Relaxed) {
            0 => 0,
            average => usize::try_from(nanoseconds(time) / average).unwrap_or(usize::MAX),
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_handlers_are_not_fed_ahead() {
        let pace = Pace::default();
        assert_eq!(pace.within(Duration::from_millis(5)), 0);
        pace.record(Duration::from_secs(2));
        assert_eq!(pace.within(Duration::from_millis(5)), 0);
        for _ in 0..500 {
            pace.record(Duration::from_micros(10));
        }
        let ahead = pace.within(Duration::from_millis(5));
        assert!((400..=500).contains(&ahead), "{ahead}");
    }
}
