//! Redelivery and removal of dead letters, broken.

use async_trait::async_trait;
use tidings_transport::{
    Batch, Group, Outcome, Position, Record, Redelivery, Result, Settlement, Topic,
};

use crate::wrapper::{Fault, Handle, Seat};

/// Redelivery says so and does nothing.
#[derive(Default)]
pub struct RedeliveryDoesNothing;

#[async_trait]
impl Fault for RedeliveryDoesNothing {
    async fn redeliver(
        &self,
        _handle: &Handle,
        _topic: &Topic,
        _group: &Group,
        records: &[Redelivery],
    ) -> Vec<Result<()>> {
        records.iter().map(|_| Ok(())).collect()
    }
}

/// What is redelivered is published anew: every group hears it.
#[derive(Default)]
pub struct RedeliveryPublishes;

#[async_trait]
impl Fault for RedeliveryPublishes {
    async fn redeliver(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        records: &[Redelivery],
    ) -> Vec<Result<()>> {
        let mut results = Vec::new();
        for again in records {
            let (key, body) = match again {
                Redelivery::Record(record) => (record.key.clone(), record.body.clone()),
                Redelivery::DeadLetter(id) => {
                    let letters = handle.log.dead_letters(topic, group, None, 100).await;
                    let letters = letters.unwrap_or_default();
                    let Some(letter) = letters.into_iter().find(|l| l.id == *id && !l.parked)
                    else {
                        let again = std::slice::from_ref(again);
                        results.extend(handle.log.redeliver(topic, group, again).await);
                        continue;
                    };
                    let ids = std::slice::from_ref(id);
                    handle.log.discard(topic, group, ids).await;
                    (letter.key, letter.body)
                }
                _ => continue,
            };
            let record = Record {
                topic: topic.clone(),
                key,
                body,
            };
            let published = handle.log.publish(&[record]).await.remove(0);
            results.push(published.map(|_| ()));
        }
        results
    }
}

/// What is redelivered and fails again is gone.
#[derive(Default)]
pub struct RedeliveredOnce;

#[async_trait]
impl Fault for RedeliveredOnce {
    async fn settle(&self, seat: &Seat, settlements: &[Settlement]) -> Vec<Result<()>> {
        let mut changed = settlements.to_vec();
        for settlement in &mut changed {
            let delivery = &settlement.delivery;
            let parked = seat
                .handle
                .log
                .parked(&delivery.topic, &seat.subscription.group);
            let parked = parked.await.unwrap_or_default();
            let of_parked = parked.iter().any(|p| Some(&p.key) == delivery.key.as_ref());
            let failed = matches!(
                settlement.outcome,
                Outcome::DeadLetter { .. } | Outcome::Park { .. }
            );
            if delivery.released && failed && !of_parked {
                settlement.outcome = Outcome::Ack;
            }
        }
        seat.consumer.settle(&changed).await
    }
}

/// Discarding says so and does nothing.
#[derive(Default)]
pub struct DiscardingDoesNothing;

#[async_trait]
impl Fault for DiscardingDoesNothing {
    async fn discard(
        &self,
        _handle: &Handle,
        _topic: &Topic,
        _group: &Group,
        ids: &[Position],
    ) -> Vec<Result<()>> {
        ids.iter().map(|_| Ok(())).collect()
    }
}

/// Discarding one removes all.
#[derive(Default)]
pub struct DiscardingTakesAll;

#[async_trait]
impl Fault for DiscardingTakesAll {
    async fn discard(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        ids: &[Position],
    ) -> Vec<Result<()>> {
        let results = handle.log.discard(topic, group, ids).await;
        let letters = handle.log.dead_letters(topic, group, None, 1_000).await;
        let others: Vec<_> = letters
            .unwrap_or_default()
            .into_iter()
            .map(|l| l.id)
            .collect();
        handle.log.discard(topic, group, &others).await;
        results
    }
}

/// A consumer that becomes active is not told.
#[derive(Default)]
pub struct BecomesActiveSilently;

#[async_trait]
impl Fault for BecomesActiveSilently {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        let mut batch = seat.consumer.next(max).await?;
        batch.became_active.clear();
        Ok(batch)
    }
}
