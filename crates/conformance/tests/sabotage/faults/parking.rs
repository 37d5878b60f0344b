//! Parking, broken.

use async_trait::async_trait;
use tidings_transport::{
    Batch, ErrorKind, Group, Key, Outcome, ParkedKey, Record, Result, Settlement, Topic,
};

use crate::wrapper::{Fault, Handle, Seat};

/// A parked key is a dead letter, its successors go on.
#[derive(Default)]
pub struct SuccessorsDoNotWait;

#[async_trait]
impl Fault for SuccessorsDoNotWait {
    async fn settle(&self, seat: &Seat, settlements: &[Settlement]) -> Vec<Result<()>> {
        let changed = settlements.iter().map(|s| match &s.outcome {
            Outcome::Park {
                reason: Some(reason),
                ..
            } => Settlement {
                delivery: s.delivery.clone(),
                outcome: Outcome::DeadLetter {
                    reason: reason.clone(),
                },
            },
            _ => s.clone(),
        });
        seat.consumer.settle(&changed.collect::<Vec<_>>()).await
    }
}

/// Release says so and does nothing.
#[derive(Default)]
pub struct ReleaseDoesNothing;

#[async_trait]
impl Fault for ReleaseDoesNothing {
    async fn release(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        key: &Key,
    ) -> Result<u64> {
        let parked = handle.log.parked(topic, group).await?;
        let waiting = parked.iter().find(|parked| parked.key == *key);
        Ok(waiting.map_or(0, |parked| parked.records))
    }
}

/// Released records are published anew, behind what came since.
#[derive(Default)]
pub struct ReleasedGoToTheEnd;

#[async_trait]
impl Fault for ReleasedGoToTheEnd {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        loop {
            let mut batch = seat.consumer.next(max).await?;
            let (released, live): (Vec<_>, Vec<_>) =
                batch.deliveries.into_iter().partition(|d| d.released);
            for delivery in released {
                let copy = Record {
                    topic: delivery.topic.clone(),
                    key: None,
                    body: delivery.body.clone(),
                };
                seat.handle.log.publish(&[copy]).await;
                let outcome = Outcome::Ack;
                seat.consumer
                    .settle(&[Settlement { delivery, outcome }])
                    .await;
            }
            batch.deliveries = live;
            if !(batch.deliveries.is_empty() && batch.gaps.is_empty()) {
                return Ok(batch);
            }
        }
    }
}

/// What wants to follow a clear key is parked for ever: the race that clearing must close.
#[derive(Default)]
pub struct FollowersAreForgotten;

#[async_trait]
impl Fault for FollowersAreForgotten {
    async fn settle(&self, seat: &Seat, settlements: &[Settlement]) -> Vec<Result<()>> {
        let mut results = Vec::new();
        for one in settlements {
            let mut result = seat.consumer.settle(std::slice::from_ref(one)).await;
            if matches!(&result[0], Err(e) if e.kind() == ErrorKind::NotParked) {
                let lost = Settlement {
                    delivery: one.delivery.clone(),
                    outcome: Outcome::Ack,
                };
                result = seat.consumer.settle(&[lost]).await;
            }
            results.append(&mut result);
        }
        results
    }
}

/// Whatever fails again is forgotten.
#[derive(Default)]
pub struct FailingAgainDrops;

#[async_trait]
impl Fault for FailingAgainDrops {
    async fn settle(&self, seat: &Seat, settlements: &[Settlement]) -> Vec<Result<()>> {
        let changed = settlements.iter().map(|s| {
            let mut changed = s.clone();
            if s.delivery.released && !matches!(s.outcome, Outcome::Retry { .. }) {
                changed.outcome = Outcome::Ack;
            }
            changed
        });
        seat.consumer.settle(&changed.collect::<Vec<_>>()).await
    }
}

/// The caller's key is not asked for.
#[derive(Default)]
pub struct OnlyTheLogsKeyCounts;

#[async_trait]
impl Fault for OnlyTheLogsKeyCounts {
    async fn settle(&self, seat: &Seat, settlements: &[Settlement]) -> Vec<Result<()>> {
        let changed = settlements.iter().map(|s| {
            let mut changed = s.clone();
            if let Outcome::Park { key, .. } = &mut changed.outcome {
                *key = None;
            }
            changed
        });
        seat.consumer.settle(&changed.collect::<Vec<_>>()).await
    }
}

/// Which keys are parked is known to the first handle only.
#[derive(Default)]
pub struct ParkedKeysAreNotShared;

#[async_trait]
impl Fault for ParkedKeysAreNotShared {
    async fn parked(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
    ) -> Result<Vec<ParkedKey>> {
        let parked = handle.log.parked(topic, group).await?;
        Ok(if handle.number > 1 {
            Vec::new()
        } else {
            parked
        })
    }
}
