//! Series by event type, found without allocating.

use std::collections::HashMap;
use std::sync::Arc;

/// Types that get series of their own. A bus has hundreds; whoever writes thousands of different
/// ones into a topic shall not fill our memory, nor that of the monitoring.
const MAX_TYPES: usize = 1_000;
/// The label of all further types.
const OTHER: &str = "other";

/// Series by event type.
#[derive(Debug)]
pub(super) struct ByType<S> {
    series: HashMap<Box<str>, Arc<S>>,
}

impl<S> Default for ByType<S> {
    fn default() -> Self {
        Self {
            series: HashMap::new(),
        }
    }
}

impl<S> ByType<S> {
    /// The series of a type, made when it is met first.
    pub(super) fn of(&mut self, event_type: &str, make: impl FnOnce(&str) -> S) -> Arc<S> {
        if let Some(known) = self.series.get(event_type) {
            return known.clone();
        }
        let label = match self.series.len() < MAX_TYPES {
            true => event_type,
            false => OTHER,
        };
        let series = self.series.entry(label.into());
        series.or_insert_with(|| Arc::new(make(label))).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_without_end_share_one_series() {
        let mut types = ByType::default();
        for n in 0..MAX_TYPES + 500 {
            types.of(&format!("t{n}"), str::to_owned);
        }
        assert_eq!(types.series.len(), MAX_TYPES + 1);
        assert_eq!(*types.of("t3", str::to_owned), "t3");
        assert_eq!(*types.of("one more", str::to_owned), OTHER);
    }
}
