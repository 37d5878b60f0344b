//! How many changes are due.

use std::time::Duration;

/// A steady rate, and every two seconds as many changes at once as fit into one: as if somebody
/// imported a catalogue. The lag of those who follow then has something to show.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    rate: u32,
}

impl Pace {
    /// So many changes a second.
    pub fn new(rate: u32) -> Self {
        Self { rate }
    }

    /// How many changes are due so long after the start.
    pub fn due(self, elapsed: Duration) -> u32 {
        let steady = elapsed.as_secs_f64() * f64::from(self.rate);
        let imports = u32::try_from(elapsed.as_secs().div_ceil(2)).unwrap_or(u32::MAX);
        (steady as u32).saturating_add(imports.saturating_mul(self.rate))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pace;

    #[test]
    fn a_steady_rate_with_imports() {
        let due = |ms| Pace::new(100).due(Duration::from_millis(ms));
        assert_eq!([0, 500, 990, 1_000, 3_000].map(due), [0, 50, 99, 200, 500]);
        assert_eq!(Pace::new(0).due(Duration::MAX), 0);
    }
}
