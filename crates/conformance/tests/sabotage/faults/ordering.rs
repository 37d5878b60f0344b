//! Guarantee 5, broken.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tidings_transport::{
    Batch, Delivery, Ordering, Outcome, Position, Record, Result, Settlement, Subscriber,
    Subscription,
};

use crate::faults::handed::Handed;
use crate::wrapper::{Fault, Handle, Seat};

/// Who asks for order gets none, and the other way round.
#[derive(Default)]
pub struct OrderIsSwapped;

#[async_trait]
impl Fault for OrderIsSwapped {
    async fn subscribe(
        &self,
        handle: &Handle,
        wanted: Subscription,
    ) -> Result<Arc<dyn Subscriber>> {
        let other = match wanted.ordering {
            Ordering::Key => Ordering::None,
            _ => Ordering::Key,
        };
        handle.log.subscribe(wanted.ordering(other)).await
    }
}

/// A batch with several keys, one of them more than once, is stored backwards.
#[derive(Default)]
pub struct BatchesAreShuffled;

#[async_trait]
impl Fault for BatchesAreShuffled {
    async fn publish(&self, handle: &Handle, records: &[Record]) -> Vec<Result<Position>> {
        let keys: HashSet<_> = records.iter().map(|r| r.key.as_ref()).collect();
        if keys.len() < 3 || keys.len() == records.len() {
            return handle.log.publish(records).await;
        }
        let backwards: Vec<_> = records.iter().rev().cloned().collect();
        let mut results = handle.log.publish(&backwards).await;
        results.reverse();
        results
    }
}

/// One key at a time, over all consumers.
#[derive(Default)]
pub struct OneLaneForAll {
    busy: tokio::sync::Mutex<HashMap<u64, (usize, Arc<Delivery>)>>,
}

/// Which consumer it is, as a number.
fn address(seat: &Seat) -> usize {
    Arc::as_ptr(&seat.consumer).cast::<()>() as usize
}

#[async_trait]
impl Fault for OneLaneForAll {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        if seat.subscription.ordering == Ordering::None {
            return seat.consumer.next(max).await;
        }
        loop {
            let other = |held: &(usize, Arc<Delivery>)| held.0 != address(seat);
            let mut busy = self.busy.lock().await;
            if !busy.values().any(other) {
                let soon = tokio::time::timeout(Duration::from_millis(5), seat.consumer.next(max));
                if let Ok(batch) = soon.await {
                    let batch = batch?;
                    let keyed = batch.deliveries.iter().filter(|d| d.key.is_some());
                    busy.extend(keyed.map(|d| (d.epoch, (address(seat), d.clone()))));
                    return Ok(batch);
                }
            }
            drop(busy);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn settle(&self, seat: &Seat, settlements: &[Settlement]) -> Vec<Result<()>> {
        let mut busy = self.busy.lock().await;
        for settlement in settlements {
            busy.remove(&settlement.delivery.epoch);
        }
        drop(busy);
        seat.consumer.settle(settlements).await
    }

    async fn close(&self, seat: &Seat) -> Result<()> {
        let mut busy = self.busy.lock().await;
        busy.retain(|_, held| held.0 != address(seat));
        drop(busy);
        seat.consumer.close().await
    }

    fn consumer_dropped(&self, seat: &Seat) {
        if let Ok(mut busy) = self.busy.try_lock() {
            busy.retain(|_, held| held.0 != address(seat));
        }
    }
}

/// A retry goes to the end of the line.
#[derive(Default)]
pub struct RetriesGoToTheEnd;

#[async_trait]
impl Fault for RetriesGoToTheEnd {
    async fn settle(&self, seat: &Seat, settlements: &[Settlement]) -> Vec<Result<()>> {
        let mut results = Vec::new();
        for settlement in settlements {
            let delivery = &settlement.delivery;
            let retry = matches!(settlement.outcome, Outcome::Retry { .. });
            if !retry || delivery.key.is_none() || delivery.released {
                let one = std::slice::from_ref(settlement);
                results.extend(seat.consumer.settle(one).await);
                continue;
            }
            let ack = Settlement {
                delivery: delivery.clone(),
                outcome: Outcome::Ack,
            };
            let mut acked = seat.consumer.settle(&[ack]).await;
            if acked[0].is_ok() {
                let copy = Record {
                    topic: delivery.topic.clone(),
                    key: delivery.key.clone(),
                    body: delivery.body.clone(),
                };
                seat.handle.log.publish(&[copy]).await;
            }
            results.append(&mut acked);
        }
        results
    }
}

/// All are active.
#[derive(Default)]
pub struct StandbysAreActive;

#[async_trait]
impl Fault for StandbysAreActive {
    async fn subscribe(
        &self,
        handle: &Handle,
        wanted: Subscription,
    ) -> Result<Arc<dyn Subscriber>> {
        handle.log.subscribe(wanted.ordering(Ordering::None)).await
    }
}

/// One that leaves stays the active one until its lease is over.
#[derive(Default)]
pub struct LeavingStaysActive {
    left: Mutex<Vec<Arc<dyn Subscriber>>>,
    held: Handed,
}

#[async_trait]
impl Fault for LeavingStaysActive {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        self.held.next(seat, max).await
    }

    async fn close(&self, seat: &Seat) -> Result<()> {
        let mine = self.held.to(&seat.consumer);
        let keyed = mine.iter().any(|d| d.key.is_some());
        if !keyed {
            return seat.consumer.close().await;
        }
        let back = mine.into_iter().map(|delivery| Settlement {
            delivery,
            outcome: Outcome::Retry { at: None },
        });
        seat.consumer.settle(&back.collect::<Vec<_>>()).await;
        self.left
            .lock()
            .expect("no panic")
            .push(seat.consumer.clone());
        Ok(())
    }
}
