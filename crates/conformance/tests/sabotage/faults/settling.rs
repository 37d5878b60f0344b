//! Guarantees 6 and 10, broken.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tidings_transport::{
    Batch, Body, DeadLetter, Delivery, Error, ErrorKind, Group, Outcome, Position, Result,
    Settlement, Topic,
};

use crate::simulated::Simulated;
use crate::wrapper::{Fault, Handle, Seat};

fn settlement(delivery: &Arc<Delivery>, outcome: Outcome) -> Settlement {
    Settlement {
        delivery: delivery.clone(),
        outcome,
    }
}

/// Settles each by another outcome than was asked for, where `other` has one.
async fn settle_by(
    seat: &Seat,
    settlements: &[Settlement],
    other: impl Fn(&Settlement) -> Option<Outcome>,
) -> Vec<Result<()>> {
    let changed = settlements.iter().map(|s| {
        let outcome = other(s).unwrap_or_else(|| s.outcome.clone());
        settlement(&s.delivery, outcome)
    });
    seat.consumer.settle(&changed.collect::<Vec<_>>()).await
}

/// A handler that was started is believed to have succeeded, when its consumer leaves.
#[derive(Default)]
pub struct LeavingAcksWhatWasStarted {
    started: Mutex<Vec<Arc<Delivery>>>,
}

#[async_trait]
impl Fault for LeavingAcksWhatWasStarted {
    async fn start(&self, seat: &Seat, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32>> {
        let started = deliveries.iter().cloned();
        self.started.lock().expect("no panic").extend(started);
        seat.consumer.start(deliveries).await
    }

    async fn close(&self, seat: &Seat) -> Result<()> {
        let started = self.started.lock().expect("no panic").clone();
        let acks: Vec<_> = started
            .iter()
            .map(|d| settlement(d, Outcome::Ack))
            .collect();
        // Those of others, and those that are settled, are refused.
        seat.consumer.settle(&acks).await;
        seat.consumer.close().await
    }
}

/// A retry at once is a drop.
#[derive(Default)]
pub struct RetryingDrops;

#[async_trait]
impl Fault for RetryingDrops {
    async fn settle(&self, seat: &Seat, settlements: &[Settlement]) -> Vec<Result<()>> {
        settle_by(seat, settlements, |s| {
            let unkeyed = s.delivery.key.is_none();
            (unkeyed && matches!(s.outcome, Outcome::Retry { at: None })).then_some(Outcome::Ack)
        })
        .await
    }
}

/// A retry never waits.
#[derive(Default)]
pub struct DelaysAreIgnored;

#[async_trait]
impl Fault for DelaysAreIgnored {
    async fn settle(&self, seat: &Seat, settlements: &[Settlement]) -> Vec<Result<()>> {
        settle_by(seat, settlements, |s| {
            let delayed = matches!(s.outcome, Outcome::Retry { at: Some(_) });
            delayed.then_some(Outcome::Retry { at: None })
        })
        .await
    }
}

/// Dead letters keep no reason.
#[derive(Default)]
pub struct ReasonsAreLost;

#[async_trait]
impl Fault for ReasonsAreLost {
    async fn dead_letters(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        let mut letters = handle.log.dead_letters(topic, group, after, limit).await?;
        for reason in letters.iter_mut().filter_map(|l| l.reason.as_mut()) {
            reason.message.clear();
        }
        Ok(letters)
    }
}

/// A dead letter that cannot be stored is an ack all the same: what dapr does.
#[derive(Default)]
pub struct FailedDeadLettersAck;

#[async_trait]
impl Fault for FailedDeadLettersAck {
    async fn settle(&self, seat: &Seat, settlements: &[Settlement]) -> Vec<Result<()>> {
        let mut results = Vec::new();
        for one in settlements {
            let mut result = seat.consumer.settle(std::slice::from_ref(one)).await;
            if matches!(&result[0], Err(e) if e.kind() == ErrorKind::Full) {
                let ack = settlement(&one.delivery, Outcome::Ack);
                seat.consumer.settle(&[ack]).await;
            }
            results.append(&mut result);
        }
        results
    }
}

/// Dead letters are kept in memory.
#[derive(Default)]
pub struct AKillForgetsDeadLetters {
    killed: Mutex<bool>,
}

#[async_trait]
impl Fault for AKillForgetsDeadLetters {
    async fn killed(&self, _log: &Simulated) {
        *self.killed.lock().expect("no panic") = true;
    }

    async fn dead_letters(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        let letters = handle.log.dead_letters(topic, group, after, limit).await?;
        let killed = *self.killed.lock().expect("no panic");
        Ok(if killed { Vec::new() } else { letters })
    }
}

/// The dead letters of one group are those of all.
#[derive(Default)]
pub struct DeadLettersAreShared;

#[async_trait]
impl Fault for DeadLettersAreShared {
    async fn dead_letters(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        let mut letters = handle.log.dead_letters(topic, group, after, limit).await?;
        for other in handle.log.groups(topic).await? {
            if other.group != *group {
                let theirs = handle.log.dead_letters(topic, &other.group, after, limit);
                letters.extend(theirs.await?);
            }
        }
        Ok(letters)
    }
}

/// A batch is settled by the outcome of its first one.
#[derive(Default)]
pub struct BatchesHaveOneOutcome;

#[async_trait]
impl Fault for BatchesHaveOneOutcome {
    async fn settle(&self, seat: &Seat, settlements: &[Settlement]) -> Vec<Result<()>> {
        let first = settlements.first().map(|s| s.outcome.clone());
        settle_by(seat, settlements, |_| first.clone()).await
    }
}

/// Every page is the first.
#[derive(Default)]
pub struct PagesStartOver;

#[async_trait]
impl Fault for PagesStartOver {
    async fn dead_letters(
        &self,
        handle: &Handle,
        topic: &Topic,
        group: &Group,
        _after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        handle.log.dead_letters(topic, group, None, limit).await
    }
}

/// What begins like JSON must be JSON, or nothing goes on.
#[derive(Default)]
pub struct UnreadableStops;

#[async_trait]
impl Fault for UnreadableStops {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        let batch = seat.consumer.next(max).await?;
        let broken = |d: &Arc<Delivery>| match &d.body {
            Body::Document(document) => document.starts_with(b"{") && !document.ends_with(b"}"),
            Body::Fields(_) => false,
        };
        if batch.deliveries.iter().any(broken) {
            let why = "an entry is not an event";
            return Err(Error::new(ErrorKind::Corrupt, "next", why));
        }
        Ok(batch)
    }
}

/// What others wrote is passed over in silence.
#[derive(Default)]
pub struct ForeignIsSkipped;

#[async_trait]
impl Fault for ForeignIsSkipped {
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        loop {
            let mut batch = seat.consumer.next(max).await?;
            let foreign = |d: &Arc<Delivery>| match &d.body {
                Body::Document(_) => false,
                Body::Fields(fields) => !fields.iter().any(|field| &*field.name == "type"),
            };
            let (skipped, kept): (Vec<_>, Vec<_>) = batch.deliveries.into_iter().partition(foreign);
            let acks = skipped.iter().map(|d| settlement(d, Outcome::Ack));
            seat.consumer.settle(&acks.collect::<Vec<_>>()).await;
            batch.deliveries = kept;
            if !(batch.deliveries.is_empty() && batch.gaps.is_empty()) {
                return Ok(batch);
            }
        }
    }
}
