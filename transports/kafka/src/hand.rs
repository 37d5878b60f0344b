//! What somebody has in hand of a partition.

use std::collections::VecDeque;
use std::sync::Arc;

use tidings_transport::Delivery;

/// A record in somebody's hands.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) delivery: Arc<Delivery>,
    /// Its handler was started.
    pub(crate) started: bool,
    /// A settlement of it is on its way.
    pub(crate) settling: bool,
}

impl Held {
    pub(crate) fn new(delivery: Arc<Delivery>) -> Self {
        Self {
            delivery,
            started: false,
            settling: false,
        }
    }

    pub(crate) fn is(&self, epoch: u64) -> bool {
        self.delivery.epoch == epoch
    }
}

/// Records in hand, by offset. They lie close together: a place for each offset from the first to the
/// last costs less than a tree.
#[derive(Debug, Default)]
pub(crate) struct Hand {
    first: i64,
    places: VecDeque<Option<Held>>,
}

impl Hand {
    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Held> {
        self.places.iter().flatten()
    }

    fn at(&self, offset: i64) -> Option<usize> {
        usize::try_from(offset.checked_sub(self.first)?).ok()
    }

    pub(crate) fn get(&self, offset: i64) -> Option<&Held> {
        self.places.get(self.at(offset)?)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, offset: i64) -> Option<&mut Held> {
        let at = self.at(offset)?;
        self.places.get_mut(at)?.as_mut()
    }

    pub(crate) fn insert(&mut self, offset: i64, held: Held) {
        if self.is_empty() {
            self.first = offset;
        }
        while offset < self.first {
            self.places.push_front(None);
            self.first -= 1;
        }
        let at = self.at(offset).unwrap_or(0);
        while self.places.len() <= at {
            self.places.push_back(None);
        }
        self.places[at] = Some(held);
    }

    pub(crate) fn remove(&mut self, offset: i64) -> Option<Held> {
        let at = self.at(offset)?;
        let held = self.places.get_mut(at)?.take();
        while let Some(None) = self.places.front() {
            self.places.pop_front();
            self.first += 1;
        }
        held
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use tidings_transport::{Body, Position, Topic};

    use super::*;

    fn held(epoch: u64) -> Held {
        Held::new(Arc::new(Delivery {
            topic: Topic::new("t").expect("a good name"),
            position: Position::new("0:0"),
            received: None,
            key: None,
            body: Body::Fields(Vec::new()),
            attempts: 0,
            released: false,
            epoch,
        }))
    }

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds(steps in prop::collection::vec((0..40_i64, any::<bool>()), 0..200)) {
            let (mut hand, mut map) = (Hand::default(), BTreeMap::new());
            for ((offset, insert), epoch) in steps.into_iter().zip(0..) {
                if insert {
                    hand.insert(offset, held(epoch));
                    map.insert(offset, epoch);
                } else {
                    let removed = hand.remove(offset).map(|held| held.delivery.epoch);
                    prop_assert_eq!(removed, map.remove(&offset));
                }
                prop_assert_eq!(hand.is_empty(), map.is_empty());
                let all: Vec<_> = hand.iter().map(|held| held.delivery.epoch).collect();
                prop_assert_eq!(all, map.values().copied().collect::<Vec<_>>());
                for offset in -1..41 {
                    let epoch = hand.get(offset).map(|held| held.delivery.epoch);
                    prop_assert_eq!(epoch, map.get(&offset).copied());
                }
            }
        }
    }
}
