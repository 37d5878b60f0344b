//! Who was handed what: many faults are about somebody else's deliveries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tidings_transport::{Batch, Delivery, Result, Subscriber};

use crate::wrapper::Seat;

type ByEpoch = HashMap<u64, (Arc<dyn Subscriber>, Arc<Delivery>)>;

/// What was handed out, settled or not.
#[derive(Default)]
pub struct Handed(Mutex<ByEpoch>);

impl Handed {
    fn lock(&self) -> MutexGuard<'_, ByEpoch> {
        self.0.lock().expect("no panic")
    }

    /// Asks for deliveries, and notes them.
    pub async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        let batch = seat.consumer.next(max).await?;
        let held = batch
            .deliveries
            .iter()
            .map(|d| (d.epoch, (seat.consumer.clone(), d.clone())));
        self.lock().extend(held);
        Ok(batch)
    }

    /// What this consumer was handed, oldest first.
    pub fn to(&self, consumer: &Arc<dyn Subscriber>) -> Vec<Arc<Delivery>> {
        let all = self.lock();
        let mine = all.values().filter(|(by, _)| Arc::ptr_eq(by, consumer));
        let mut mine: Vec<_> = mine.map(|(_, delivery)| delivery.clone()).collect();
        mine.sort_by_key(|delivery| delivery.epoch);
        mine
    }

    /// Who was handed this.
    pub fn owner(&self, delivery: &Delivery) -> Option<Arc<dyn Subscriber>> {
        let all = self.lock();
        all.get(&delivery.epoch).map(|(owner, _)| owner.clone())
    }
}
