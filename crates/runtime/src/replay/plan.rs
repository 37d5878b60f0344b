//! What a replay would hand over.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tidings_transport::{Key, Position};

/// What a replay would hand over, found out without doing it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ReplayPlan {
    /// How many records stand in the range.
    pub scanned: u64,
    /// How many of them would be handed over.
    pub matched: u64,
    /// How many cannot be read, and are left out.
    pub unreadable: u64,
    /// The first to be handed over, and when the log received it.
    pub first: Option<(Position, Option<Timestamp>)>,
    /// The last one, likewise.
    pub last: Option<(Position, Option<Timestamp>)>,
    /// How many of each key, at most 10,000 keys.
    pub keys: BTreeMap<Key, u64>,
    /// How many without a key.
    pub without_key: u64,
    /// There are more keys than are listed.
    pub more_keys: bool,
}

impl ReplayPlan {
    const MOST_KEYS: usize = 10_000;

    pub(super) fn note(&mut self, place: (Position, Option<Timestamp>), key: Option<&Key>) {
        let full = self.keys.len() >= Self::MOST_KEYS;
        self.matched += 1;
        self.first.get_or_insert_with(|| place.clone());
        self.last = Some(place);
        match key {
            None => self.without_key += 1,
            Some(key) => match self.keys.get_mut(key) {
                Some(count) => *count += 1,
                None if !full => {
                    self.keys.insert(key.clone(), 1);
                }
                None => self.more_keys = true,
            },
        }
    }
}
