//! A member of a group of the log in memory.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering as Atomic};

use async_trait::async_trait;
use tokio::time::{Instant, sleep_until};

use crate::memory::consumer::ConsumerId;
use crate::memory::group::{Claimer, GroupState};
use crate::memory::settle::{Settling, stale};
use crate::memory::state::{Shared, State};
use crate::{
    Batch, Delivery, Error, ErrorKind, Group, Opened, Outcome, Result, Settlement, Subscriber,
    Subscription, Topic,
};

/// What [`Memory`](crate::Memory) hands out on `subscribe`.
#[derive(Debug)]
pub(super) struct MemorySubscriber {
    shared: Arc<Shared>,
    group: Group,
    claimer: Claimer,
    opened: Vec<(Topic, Opened)>,
    /// Which topic is asked first, so that a busy one cannot starve the others.
    turn: AtomicUsize,
    closed: AtomicBool,
}

/// Says that a consumer sits in `next`, also when that call is dropped.
struct Waiting<'a>(&'a MemorySubscriber);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set_waiting(false);
    }
}

impl MemorySubscriber {
    pub(super) fn new(
        shared: Arc<Shared>,
        subscription: Subscription,
        id: ConsumerId,
        opened: Vec<(Topic, Opened)>,
    ) -> Self {
        Self {
            shared,
            group: subscription.group,
            claimer: Claimer {
                id,
                name: subscription.consumer,
                lease: subscription.lease,
                ordering: subscription.ordering,
            },
            opened,
            turn: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// Becomes a member of the group in every topic.
    pub(super) fn join(&self) {
        self.touch(&mut self.shared.lock());
    }

    fn touch(&self, state: &mut State) {
        let now = Instant::now();
        let Claimer {
            id, name, lease, ..
        } = &self.claimer;
        self.each_group(state, |group| group.consumers.touch(*id, name, *lease, now));
    }

    fn set_waiting(&self, waiting: bool) {
        let (id, now) = (self.claimer.id, Instant::now());
        self.each_group(&mut self.shared.lock(), |group| {
            group.consumers.set_waiting(id, waiting, now);
        });
    }

    fn each_group(&self, state: &mut State, mut f: impl FnMut(&mut GroupState)) {
        for (topic, _) in &self.opened {
            if let Some(topic) = state.topics.get_mut(topic)
                && let Some(group) = topic.groups.get_mut(&self.group)
            {
                f(group);
            }
        }
    }

    fn check(&self, operation: &'static str, state: &State) -> Result<()> {
        if self.closed.load(Atomic::Acquire) {
            return Err(Error::new(
                ErrorKind::Closed,
                operation,
                "this consumer has left its group; subscribe again",
            ));
        }
        state.check(operation)
    }

    /// One look at all topics: what there is, or when to look again at the latest.
    fn claim(&self, max: usize) -> Result<(Batch, Option<Instant>)> {
        let mut state = self.shared.lock();
        self.check("next", &state)?;
        self.touch(&mut state);
        let state = &mut *state;
        let now = Instant::now();
        let mut batch = Batch::default();
        let mut look_again: Option<Instant> = None;
        let first = self.turn.fetch_add(1, Atomic::Relaxed) % self.opened.len();
        let (rest, start) = self.opened.split_at(first);
        for (topic, _) in start.iter().chain(rest) {
            let Some(topic) = state.topics.get_mut(topic) else {
                continue;
            };
            let Some(group) = topic.groups.get_mut(&self.group) else {
                continue;
            };
            batch.deliveries.append(&mut group.claim(
                &topic.log,
                &self.claimer,
                now,
                max - batch.deliveries.len(),
                &mut state.epochs,
                &mut state.budget,
            ));
            batch.gaps.extend(group.gap());
            look_again = look_again.into_iter().chain(group.next_change()).min();
        }
        Ok((batch, look_again))
    }

    /// Does something to each of these deliveries, with the group that it belongs to.
    fn each<T, R>(
        &self,
        operation: &'static str,
        items: &[T],
        delivery: impl Fn(&T) -> &Delivery,
        mut f: impl FnMut(&mut State, &T) -> Result<R>,
    ) -> Vec<Result<R>> {
        let mut state = self.shared.lock();
        if self.check(operation, &state).is_ok() {
            self.touch(&mut state);
        }
        let results = items.iter().map(|item| {
            self.check(operation, &state)?;
            let topic = &delivery(item).topic;
            if !self.opened.iter().any(|(t, _)| t == topic) {
                return Err(stale(operation, delivery(item)));
            }
            f(&mut state, item)
        });
        results.collect()
    }
}

#[async_trait]
impl Subscriber for MemorySubscriber {
    fn opened(&self) -> &[(Topic, Opened)] {
        &self.opened
    }

    async fn next(&self, max: usize) -> Result<Batch> {
        loop {
            let mut changed = pin!(self.shared.changed.notified());
            // Listens before it looks: a change in between rings the bell all the same.
            changed.as_mut().enable();
            let (batch, look_again) = self.claim(max.max(1))?;
            if !batch.deliveries.is_empty() || !batch.gaps.is_empty() {
                return Ok(batch);
            }
            self.set_waiting(true);
            let _waiting = Waiting(self);
            match look_again {
                None => changed.await,
                Some(at) => tokio::select! {
                    () = changed => {}
                    () = sleep_until(at) => {}
                },
            }
        }
    }

    async fn start(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32>> {
        self.each(
            "start",
            deliveries,
            |d| d,
            |state, delivery| {
                let (group, _, _) = state.group("start", &delivery.topic, &self.group)?;
                let attempt = group.start(self.claimer.id, delivery.epoch);
                attempt.ok_or_else(|| stale("start", delivery))
            },
        )
    }

    async fn heartbeat(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<()>> {
        let now = Instant::now();
        self.each(
            "heartbeat",
            deliveries,
            |d| d,
            |state, delivery| {
                let (group, _, _) = state.group("heartbeat", &delivery.topic, &self.group)?;
                if group.renew(&self.claimer, delivery.epoch, now) {
                    return Ok(());
                }
                Err(stale("heartbeat", delivery))
            },
        )
    }

    async fn settle(&self, settlements: &[Settlement]) -> Vec<Result<()>> {
        let results = self.each(
            "settle",
            settlements,
            |s| &s.delivery,
            |state, settlement| {
                let Settlement { delivery, outcome } = settlement;
                let not_before = match outcome {
                    Outcome::Retry { at } => at.map(|at| state.clock.instant(at)),
                    _ => None,
                };
                let (group, log, budget) = state.group("settle", &delivery.topic, &self.group)?;
                let with = Settling {
                    log,
                    by: &self.claimer,
                    budget,
                    not_before,
                };
                group.settle(with, delivery, outcome)
            },
        );
        // The next ones of their keys are free.
        self.shared.changed.notify_waiters();
        results
    }

    async fn close(&self) -> Result<()> {
        let mut state = self.shared.lock();
        self.check("close", &state)?;
        let state = &mut *state;
        for (topic, _) in &self.opened {
            let (group, log, budget) = state.group("close", topic, &self.group)?;
            group.leave(log, &self.claimer, budget);
        }
        self.closed.store(true, Atomic::Release);
        self.shared.changed.notify_waiters();
        Ok(())
    }
}
