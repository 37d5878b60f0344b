//! A member of a group.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering as Atomic};
use std::time::Duration;

use async_trait::async_trait;
use tidings_transport::{
    Batch, Delivery, Error, ErrorKind, Gap, Opened, Outcome, Result, Settlement, Subscriber,
    Subscription, Topic,
};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use crate::claim::{self, Claimed};
use crate::describe::{self, Look};
use crate::error::{Failure, Fault};
use crate::job::Order;
use crate::member::Member;
use crate::settle;
use crate::transport::Inner;
use crate::wire;
use crate::writer::Answer;

/// Most deliveries of one claim.
const MAX_CLAIM: usize = 2_000;

pub(crate) struct SqliteSubscriber {
    inner: Arc<Inner>,
    member: Arc<Member>,
    opened: Vec<(Topic, Opened)>,
    turn: Arc<AtomicUsize>,
    hand: Mutex<Hand>,
    closed: watch::Sender<bool>,
}

/// What was claimed and not yet returned: a call of `next` that was dropped leaves it here.
#[derive(Default)]
struct Hand {
    claim: Option<Answer<Claimed>>,
    deliveries: VecDeque<Arc<Delivery>>,
    gaps: Vec<Gap>,
    /// Claims in a row that a look had promised something and that found nothing.
    in_vain: u32,
}

impl Hand {
    fn batch(&mut self, max: usize) -> Option<Batch> {
        if self.deliveries.is_empty() && self.gaps.is_empty() {
            return None;
        }
        let n = max.min(self.deliveries.len());
        Some(Batch {
            deliveries: self.deliveries.drain(..n).collect(),
            gaps: std::mem::take(&mut self.gaps),
            ..Batch::default()
        })
    }
}

/// Not synced: after a loss of power what was handed out is handed out again.
fn passing(operation: &'static str, rows: usize) -> Order {
    Order {
        operation,
        synced: false,
        rows,
    }
}

fn lasting(operation: &'static str, rows: usize) -> Order {
    Order {
        operation,
        synced: true,
        rows,
    }
}

pub(crate) async fn subscribe(
    inner: &Arc<Inner>,
    subscription: Subscription,
) -> Result<Arc<dyn Subscriber>> {
    subscription.check()?;
    let rows = subscription.topics.len();
    let (member, opened) = inner
        .writer
        .run(lasting("subscribe", rows), move |work| {
            Member::join(work, &subscription)
        })
        .await?;
    Ok(Arc::new(SqliteSubscriber {
        inner: Arc::clone(inner),
        member: Arc::new(member),
        opened,
        turn: Arc::default(),
        hand: Mutex::default(),
        closed: watch::Sender::new(false),
    }))
}

impl SqliteSubscriber {
    /// Refuses what is asked of a consumer that has left.
    fn check(&self, operation: &'static str) -> Result<(), Failure> {
        if !*self.closed.borrow() {
            return Ok(());
        }
        let left = "this consumer has left its group; subscribe again";
        let fault = Fault::refused(ErrorKind::Closed, left);
        Err(Failure::new(operation, &self.inner.config.path, fault))
    }

    fn error(&self, operation: &'static str, fault: Fault) -> Error {
        Failure::new(operation, &self.inner.config.path, fault).into()
    }

    fn stale(&self, operation: &'static str, delivery: &Delivery) -> Error {
        self.error(operation, settle::stale(delivery))
    }

    async fn submit_claim(&self, max: usize) -> Result<Answer<Claimed>, Failure> {
        let member = Arc::clone(&self.member);
        let turn = self.turn.fetch_add(1, Atomic::Relaxed);
        let order = passing("next", max);
        self.inner
            .writer
            .submit(order, move |work| claim::claim(work, &member, max, turn))
            .await
    }

    /// Waits until there may be something to claim. Nobody writes for it but, now and then, to
    /// show that this consumer lives.
    async fn wait(&self, hand: &mut Hand) -> Result<()> {
        let (mut calls, pause) = self.inner.wake.listen();
        let mut closed = self.closed.subscribe();
        loop {
            calls.borrow_and_update();
            let places = self.member.places();
            let look = self
                .inner
                .looker
                .ask("next", move |db| describe::look(db, &places))
                .await?;
            let now = wire::now();
            let until_due = match look {
                Look::Now if hand.in_vain == 0 => {
                    hand.in_vain = 1;
                    return Ok(());
                }
                Look::Now => {
                    // Others were quicker, or the look is wrong; it must not become a spin.
                    let after = Duration::from_millis(u64::from(hand.in_vain.min(20)));
                    tokio::time::sleep(after).await;
                    hand.in_vain += 1;
                    return Ok(());
                }
                Look::At(due) => Duration::from_micros(wire::count(due - now).max(1_000)),
                Look::Nothing => pause,
            };
            hand.in_vain = 0;
            let wake_at = Instant::now() + pause.min(until_due);
            tokio::select! {
                changed = calls.changed() => {
                    // The sender lives as long as this transport.
                    debug_assert!(changed.is_ok());
                }
                () = tokio::time::sleep_until(wake_at) => {}
                _ = closed.wait_for(|closed| *closed) => self.check("next")?,
            }
            if self.member.is_due(now) {
                self.renew(&[]).await?;
            }
        }
    }

    async fn renew(&self, deliveries: &[Arc<Delivery>]) -> Result<Vec<bool>, Failure> {
        let (member, held) = (Arc::clone(&self.member), deliveries.to_vec());
        let order = passing("heartbeat", held.len());
        self.inner
            .writer
            .run(order, move |work| settle::heartbeat(work, &member, &held))
            .await
    }
}

/// A failure of all is a failure of each.
fn each<T>(failure: &Failure, n: usize) -> Vec<Result<T>> {
    (0..n).map(|_| Err(failure.clone().into())).collect()
}

#[async_trait]
impl Subscriber for SqliteSubscriber {
    fn opened(&self) -> &[(Topic, Opened)] {
        &self.opened
    }

    async fn next(&self, max: usize) -> Result<Batch> {
        let max = max.clamp(1, MAX_CLAIM);
        let mut hand = self.hand.lock().await;
        loop {
            self.check("next")?;
            if let Some(batch) = hand.batch(max) {
                hand.in_vain = 0;
                return Ok(batch);
            }
            // The answer is kept, not the call: one that is dropped now loses nothing.
            let answer = match &mut hand.claim {
                Some(answer) => answer,
                none => none.insert(self.submit_claim(max).await?),
            };
            let claimed = answer.wait().await;
            hand.claim = None;
            let Claimed {
                deliveries,
                gaps,
                more,
            } = claimed?;
            hand.deliveries.extend(deliveries.into_iter().map(Arc::new));
            hand.gaps.extend(gaps);
            if !more && hand.deliveries.is_empty() && hand.gaps.is_empty() {
                self.wait(&mut hand).await?;
            }
        }
    }

    async fn start(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32>> {
        if let Err(failure) = self.check("start") {
            return each(&failure, deliveries.len());
        }
        let (member, held) = (Arc::clone(&self.member), deliveries.to_vec());
        let order = lasting("start", held.len());
        let started = self
            .inner
            .writer
            .run(order, move |work| settle::start(work, &member, &held));
        match started.await {
            Ok(attempts) => attempts
                .into_iter()
                .zip(deliveries)
                .map(|(n, d)| n.ok_or_else(|| self.stale("start", d)))
                .collect(),
            Err(failure) => each(&failure, deliveries.len()),
        }
    }

    async fn heartbeat(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<()>> {
        if let Err(failure) = self.check("heartbeat") {
            return each(&failure, deliveries.len());
        }
        match self.renew(deliveries).await {
            Ok(held) => held
                .into_iter()
                .zip(deliveries)
                .map(|(held, d)| held.then_some(()).ok_or_else(|| self.stale("heartbeat", d)))
                .collect(),
            Err(failure) => each(&failure, deliveries.len()),
        }
    }

    async fn settle(&self, settlements: &[Settlement]) -> Vec<Result<()>> {
        if let Err(failure) = self.check("settle") {
            return each(&failure, settlements.len());
        }
        // Dead letters may find no room where acks do: each has a job of its own.
        let (mut parts, mut light) = (Vec::new(), Vec::new());
        for (index, settlement) in settlements.iter().enumerate() {
            match settlement.outcome {
                Outcome::Ack | Outcome::Retry { .. } => light.push(index),
                _ => parts.push(vec![index]),
            }
        }
        parts.insert(0, light);
        parts.retain(|part| !part.is_empty());
        let mut waiting = Vec::with_capacity(parts.len());
        for part in parts {
            let items: Vec<_> = part.iter().map(|i| settlements[*i].clone()).collect();
            let member = Arc::clone(&self.member);
            let order = lasting("settle", items.len());
            let answer = self
                .inner
                .writer
                .submit(order, move |work| settle::settle_all(work, &member, &items));
            waiting.push((part, answer.await));
        }
        let mut results: Vec<Option<Result<()>>> = settlements.iter().map(|_| None).collect();
        for (part, answer) in waiting {
            let outcome = match answer {
                Ok(mut answer) => answer.wait().await,
                Err(failure) => Err(failure),
            };
            match outcome {
                Ok(settled) => {
                    for (index, result) in part.into_iter().zip(settled) {
                        results[index] = Some(result.map_err(|f| self.error("settle", f)));
                    }
                }
                Err(failure) => {
                    for index in part {
                        results[index] = Some(Err(failure.clone().into()));
                    }
                }
            }
        }
        let results = results.into_iter();
        results
            .map(|r| r.unwrap_or_else(|| Err(self.error("settle", Fault::Ended))))
            .collect()
    }

    async fn close(&self) -> Result<()> {
        self.check("close")?;
        let member = Arc::clone(&self.member);
        let order = lasting("close", MAX_CLAIM);
        self.inner
            .writer
            .run(order, move |work| settle::leave(work, &member))
            .await?;
        self.closed.send_replace(true);
        Ok(())
    }
}
