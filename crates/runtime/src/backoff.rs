//! How long to wait before the next attempt.

use std::time::Duration;

/// Capped exponential backoff with full jitter: before attempt `n + 1` a random time between
/// zero and `min(max, initial * 2^(n - 1))` passes. Full jitter keeps a fleet that failed
/// together from coming back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    /// The longest wait after the first failure. Default: 100 ms.
    pub initial: Duration,
    /// The longest wait ever. Default: 30 s.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(100),
            max: Duration::from_secs(30),
        }
    }
}

impl Backoff {
    /// Sets both bounds.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tidings_runtime::Backoff;
    /// let backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(5));
    /// assert_eq!(backoff.ceiling(3), Duration::from_millis(200));
    /// assert_eq!(backoff.ceiling(60), Duration::from_secs(5));
    /// ```
    pub const fn new(initial: Duration, max: Duration) -> Self {
        Self { initial, max }
    }

    /// The longest wait after the `failures`-th failure in a row, from 1.
    pub fn ceiling(&self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures.saturating_sub(1));
        let grown = factor.and_then(|f| self.initial.checked_mul(f));
        grown.map_or(self.max, |wait| wait.min(self.max))
    }

    /// A wait after the `failures`-th failure in a row, drawn anew each time.
    pub fn draw(&self, failures: u32) -> Duration {
        self.ceiling(failures).mul_f64(rand::random::<f64>())
    }
}
