//! Guarantee 4, broken.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tidings_transport::{
    Batch, Delivery, Error, ErrorKind, Outcome, Position, Result, Settlement, Subscriber,
    Subscription,
};

use crate::faults::handed::Handed;
use crate::simulated::Simulated;
use crate::wrapper::{Fault, Handle, Seat};

/// The dead keep their leases for ever.
#[derive(Default)]
pub struct TheDeadKeepTheirLeases {
    kept: Mutex<Vec<Arc<dyn Subscriber>>>,
    handed: Handed,
}

#[async_trait]
impl Fault for TheDeadKeepTheirLeases {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        self.handed.next(seat, max).await
    }

    fn consumer_dropped(&self, seat: &Seat) {
        let consumer = seat.consumer.clone();
        self.kept.lock().expect("no panic").push(consumer.clone());
        let held = self.handed.to(&consumer);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                loop {
                    consumer.heartbeat(&held).await;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            });
        }
    }
}

/// A short lease runs out early.
#[derive(Default)]
pub struct LeasesRunOutEarly;

#[async_trait]
impl Fault for LeasesRunOutEarly {
    async fn subscribe(
        &self,
        handle: &Handle,
        wanted: Subscription,
    ) -> Result<Arc<dyn Subscriber>> {
        let lease = match wanted.lease {
            short if short < Duration::from_secs(1) => short / 2,
            long => long,
        };
        handle.log.subscribe(wanted.lease(lease)).await
    }
}

/// A heartbeat is a kind word.
#[derive(Default)]
pub struct HeartbeatsDoNothing;

#[async_trait]
impl Fault for HeartbeatsDoNothing {
    async fn heartbeat(&self, seat: &Seat, deliveries: &[Arc<Delivery>]) -> Vec<Result<()>> {
        // Where no lease runs out within a case it would not matter, so it may as well be honest.
        if seat.subscription.lease > Duration::from_secs(60) {
            return seat.consumer.heartbeat(deliveries).await;
        }
        deliveries.iter().map(|_| Ok(())).collect()
    }
}

/// Anybody may settle.
#[derive(Default)]
pub struct OwnersAreNotChecked {
    handed: Handed,
}

#[async_trait]
impl Fault for OwnersAreNotChecked {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        self.handed.next(seat, max).await
    }

    async fn settle(&self, seat: &Seat, settlements: &[Settlement]) -> Vec<Result<()>> {
        let mut results = Vec::new();
        for settlement in settlements {
            let owner = self.handed.owner(&settlement.delivery);
            let owner = owner.unwrap_or_else(|| seat.consumer.clone());
            results.extend(owner.settle(std::slice::from_ref(settlement)).await);
        }
        results
    }
}

/// A stale settlement is called a success.
#[derive(Default)]
pub struct StaleIsFine;

#[async_trait]
impl Fault for StaleIsFine {
    async fn settle(&self, seat: &Seat, settlements: &[Settlement]) -> Vec<Result<()>> {
        let fine = |result: Result<()>| match result {
            Err(e) if e.kind() == ErrorKind::Stale => Ok(()),
            other => other,
        };
        let results = seat.consumer.settle(settlements).await;
        results.into_iter().map(fine).collect()
    }
}

/// One stale settlement spoils its batch.
#[derive(Default)]
pub struct OneStaleSpoilsAll;

#[async_trait]
impl Fault for OneStaleSpoilsAll {
    async fn settle(&self, seat: &Seat, settlements: &[Settlement]) -> Vec<Result<()>> {
        let mut results = seat.consumer.settle(settlements).await;
        let stale = |r: &Result<()>| matches!(r, Err(e) if e.kind() == ErrorKind::Stale);
        if results.iter().any(stale) {
            for result in &mut results {
                *result = Err(Error::new(ErrorKind::Stale, "settle", "one was stale"));
            }
        }
        results
    }
}

/// What is given back on leaving counts as an attempt.
#[derive(Default)]
pub struct PrefetchesCount {
    handed: Handed,
}

#[async_trait]
impl Fault for PrefetchesCount {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        self.handed.next(seat, max).await
    }

    async fn close(&self, seat: &Seat) -> Result<()> {
        let held = self.handed.to(&seat.consumer);
        seat.consumer.start(&held).await;
        seat.consumer.close().await
    }
}

/// Attempts are counted in the handle that counts them.
#[derive(Default)]
pub struct AttemptsAreForgotten {
    started: Mutex<HashMap<Position, HashSet<u64>>>,
}

#[async_trait]
impl Fault for AttemptsAreForgotten {
    async fn start(&self, seat: &Seat, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32>> {
        for delivery in deliveries {
            let mut started = self.started.lock().expect("no panic");
            let by = started.entry(delivery.position.clone()).or_default();
            by.insert(seat.handle.number);
        }
        seat.consumer.start(deliveries).await
    }

    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        let mut batch = seat.consumer.next(max).await?;
        let started = self.started.lock().expect("no panic");
        for delivery in &mut batch.deliveries {
            let here = started.get(&delivery.position);
            if here.is_some_and(|by| !by.contains(&seat.handle.number)) {
                let mut forgetful = Delivery::clone(delivery);
                forgetful.attempts = 0;
                *delivery = Arc::new(forgetful);
            }
        }
        Ok(batch)
    }
}

/// Leaving keeps what was started, until the lease is over.
#[derive(Default)]
pub struct LeavingKeeps {
    kept: Mutex<Vec<Arc<dyn Subscriber>>>,
    started: Mutex<HashSet<u64>>,
    held: Handed,
}

#[async_trait]
impl Fault for LeavingKeeps {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        self.held.next(seat, max).await
    }

    async fn start(&self, seat: &Seat, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32>> {
        let epochs = deliveries.iter().map(|d| d.epoch);
        self.started.lock().expect("no panic").extend(epochs);
        seat.consumer.start(deliveries).await
    }

    async fn close(&self, seat: &Seat) -> Result<()> {
        let mine = self.held.to(&seat.consumer);
        let busy = |d: &Arc<Delivery>| {
            let started = self.started.lock().expect("no panic");
            started.contains(&d.epoch)
        };
        if !mine.iter().any(busy) {
            return seat.consumer.close().await;
        }
        let back = mine.into_iter().filter(|d| !busy(d));
        let back = back.map(|delivery| Settlement {
            delivery,
            outcome: Outcome::Retry { at: None },
        });
        seat.consumer.settle(&back.collect::<Vec<_>>()).await;
        let mut kept = self.kept.lock().expect("no panic");
        kept.push(seat.consumer.clone());
        Ok(())
    }
}

/// A kill of the log takes the attempts with it.
#[derive(Default)]
pub struct AKillForgetsAttempts {
    killed: Mutex<bool>,
}

#[async_trait]
impl Fault for AKillForgetsAttempts {
    async fn killed(&self, _log: &Simulated) {
        *self.killed.lock().expect("no panic") = true;
    }

    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        let mut batch = seat.consumer.next(max).await?;
        if *self.killed.lock().expect("no panic") {
            for delivery in &mut batch.deliveries {
                let mut forgetful = Delivery::clone(delivery);
                forgetful.attempts = 0;
                *delivery = Arc::new(forgetful);
            }
        }
        Ok(batch)
    }
}
