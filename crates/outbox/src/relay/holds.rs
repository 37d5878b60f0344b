//! Keys that wait behind a row which was refused for good.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use tracing::info;

use crate::Result;
use crate::database::{Place, Row, Session, bounded};

/// How often the relay looks whether a refused row was released, at most.
const EVERY: Duration = Duration::from_secs(1);
/// How many times its own duration such a look must pay for before the next.
const SHARE: u32 = 20;

/// Which keys wait, and behind which row. The active relay alone marks rows that wait and
/// releases them; people only touch the refused row itself, so the two cannot miss each other.
#[derive(Debug)]
pub(super) struct Holds {
    /// The first refused row of each key.
    heads: HashMap<Place, i64>,
    looked: Instant,
    took: Duration,
}

impl Holds {
    /// What earlier relays have set aside. Rows whose refused one is gone are released.
    pub(super) async fn load(session: &mut dyn Session) -> Result<Self> {
        let began = Instant::now();
        let mut heads = HashMap::new();
        for (seq, place) in bounded(session.heads()).await? {
            let head = heads.entry(place).or_insert(seq);
            *head = seq.min(*head);
        }
        for (place, _) in bounded(session.held()).await? {
            if !heads.contains_key(&place) {
                bounded(session.release(&place)).await?;
            }
        }
        Ok(Self {
            heads,
            looked: Instant::now(),
            took: began.elapsed(),
        })
    }

    /// Nothing waits.
    pub(super) fn none() -> Self {
        Self {
            heads: HashMap::new(),
            looked: Instant::now(),
            took: Duration::ZERO,
        }
    }

    /// Whether a row waits behind a refused one. That one itself does not, once it was released.
    pub(super) fn holds(&self, row: &Row) -> bool {
        if self.heads.is_empty() {
            return false;
        }
        let Some(key) = &row.key else {
            return false;
        };
        let place = (row.topic.clone(), key.clone());
        self.heads.get(&place).is_some_and(|head| row.seq > *head)
    }

    /// A row was refused.
    pub(super) fn add(&mut self, row: &Row) {
        if let Some(key) = &row.key {
            let place = (row.topic.clone(), key.clone());
            let head = self.heads.entry(place).or_insert(row.seq);
            *head = row.seq.min(*head);
        }
    }

    /// Whether it is time to look for released rows.
    pub(super) fn is_due(&self) -> bool {
        !self.heads.is_empty() && self.looked.elapsed() >= EVERY.max(self.took * SHARE)
    }

    /// Releases what waits behind rows that are refused no more. To be called with nothing in
    /// hand: what was selected before may belong behind what is released now.
    pub(super) async fn look(&mut self, session: &mut dyn Session) -> Result<()> {
        let began = Instant::now();
        let seqs: Vec<i64> = self.heads.values().copied().collect();
        let mut refused = HashSet::with_capacity(seqs.len());
        for some in seqs.chunks(10_000) {
            refused.extend(bounded(session.still_refused(some)).await?);
        }
        let gone: Vec<Place> = self
            .heads
            .iter()
            .filter(|(_, head)| !refused.contains(*head))
            .map(|(place, _)| place.clone())
            .collect();
        for place in gone {
            bounded(session.release(&place)).await?;
            info!(topic = place.0, "a key goes on after a refused row");
            self.heads.remove(&place);
        }
        self.looked = Instant::now();
        self.took = began.elapsed();
        Ok(())
    }
}
