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

/// Records in hand, in the order of their offsets: a row, since they come in order and leave nearly so.
#[derive(Debug, Default)]
pub(crate) struct Hand {
    /// The first is taken; behind it some may have left.
    places: VecDeque<(i64, Option<Held>)>,
    left: usize,
}

impl Hand {
    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Held> {
        self.places.iter().filter_map(|(_, held)| held.as_ref())
    }

    fn find(&self, offset: i64) -> Result<usize, usize> {
        self.places.binary_search_by_key(&offset, |(at, _)| *at)
    }

    pub(crate) fn get(&self, offset: i64) -> Option<&Held> {
        self.places[self.find(offset).ok()?].1.as_ref()
    }

    pub(crate) fn get_mut(&mut self, offset: i64) -> Option<&mut Held> {
        let at = self.find(offset).ok()?;
        self.places[at].1.as_mut()
    }

    pub(crate) fn insert(&mut self, offset: i64, held: Held) {
        match self.find(offset) {
            Ok(at) => {
                if self.places[at].1.replace(held).is_none() {
                    self.left -= 1;
                }
            }
            Err(at) => self.places.insert(at, (offset, Some(held))),
        }
    }

    pub(crate) fn remove(&mut self, offset: i64) -> Option<Held> {
        let at = self.find(offset).ok()?;
        let held = self.places[at].1.take()?;
        self.left += 1;
        while let Some((_, None)) = self.places.front() {
            self.places.pop_front();
            self.left -= 1;
        }
        // Behind one that takes long.
        if self.left > 64 && self.left > self.places.len() / 2 {
            self.places.retain(|(_, held)| held.is_some());
            self.left = 0;
        }
        Some(held)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use tidings_transport::{Body, Position, Topic};

    use super::*;

    pub(crate) fn delivery(epoch: u64) -> Arc<Delivery> {
        Arc::new(Delivery {
            topic: Topic::new("t").expect("a good name"),
            position: Position::new("0:0"),
            received: None,
            key: None,
            body: Body::Fields(Vec::new()),
            attempts: 0,
            released: false,
            epoch,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_holds_what_a_map_holds(steps in prop::collection::vec((0..200_i64, any::<bool>()), 0..800)) {
            let (mut hand, mut map) = (Hand::default(), BTreeMap::new());
            for ((offset, insert), epoch) in steps.into_iter().zip(0..) {
                if insert {
                    hand.insert(offset, Held::new(delivery(epoch)));
                    map.insert(offset, epoch);
                } else {
                    let removed = hand.remove(offset).map(|held| held.delivery.epoch);
                    prop_assert_eq!(removed, map.remove(&offset));
                }
                prop_assert_eq!(hand.is_empty(), map.is_empty());
                let all: Vec<_> = hand.iter().map(|held| held.delivery.epoch).collect();
                prop_assert_eq!(all, map.values().copied().collect::<Vec<_>>());
                for offset in offset - 1..=offset + 1 {
                    let epoch = hand.get(offset).map(|held| held.delivery.epoch);
                    prop_assert_eq!(epoch, map.get(&offset).copied());
                }
            }
        }
    }
}
