//! What the parts of a consumer share.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering as Atomic};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::Value;
use tidings_transport::{Count, Error, ErrorKind, Gap, Group, Ordering, Topic};
use tokio::sync::Notify;

use crate::connection::Link;
use crate::desk::Desk;
use crate::error::Failure;
use crate::names::Keys;
use crate::value;

/// From how many deliveries a call on the next ones are read while the caller works on them.
const READ_AHEAD_FROM: usize = 32;

/// A member of a group, as its caller's side and its background task see it.
#[derive(Debug)]
pub(crate) struct Member {
    /// For commands that answer at once; shared with the other consumers of the transport.
    pub(crate) link: Arc<Link>,
    /// For waiting only: a blocking command holds up what follows it on its connection.
    pub(crate) waiting: Link,
    pub(crate) group: Group,
    /// Unlike that of any other consumer, ever: the server knows who holds what by it.
    pub(crate) consumer: String,
    /// For people.
    pub(crate) name: String,
    pub(crate) ordering: Ordering,
    pub(crate) lease: Duration,
    pub(crate) topics: Vec<Topic>,
    pub(crate) keys: Vec<Keys>,
    // A std mutex: held for short computations only, never over an await.
    desk: Mutex<Desk>,
    error: Mutex<Option<Error>>,
    closed: AtomicBool,
    /// How many deliveries the caller waits for; 0 while it does not wait.
    demand: AtomicUsize,
    /// How many the caller asked for the last time.
    appetite: AtomicUsize,
    /// Rings when the caller begins to wait, or has taken what there was.
    pub(crate) demanded: Notify,
    /// Rings when there is something for the caller.
    pub(crate) ready: Notify,
    /// Rings when a settlement may have made something ready.
    pub(crate) poke: Notify,
}

/// Stands for a caller that waits: when it is dropped, nobody does.
pub(crate) struct Demand<'a>(&'a Member);

impl Drop for Demand<'_> {
    fn drop(&mut self) {
        self.0.demand.store(0, Atomic::Release);
    }
}

impl Member {
    pub(crate) fn new(
        link: Arc<Link>,
        subscription: tidings_transport::Subscription,
        consumer: String,
    ) -> Self {
        let topics: Vec<Topic> = subscription.topics.into_iter().map(|(t, _)| t).collect();
        let keys = topics.iter().map(|t| Keys::new(t, &subscription.group));
        Self {
            waiting: link.another(),
            keys: keys.collect(),
            desk: Mutex::new(Desk::new(&topics, rand::random())),
            link,
            group: subscription.group,
            consumer,
            name: subscription.consumer,
            ordering: subscription.ordering,
            lease: subscription.lease,
            topics,
            error: Mutex::new(None),
            closed: AtomicBool::new(false),
            demand: AtomicUsize::new(0),
            appetite: AtomicUsize::new(0),
            demanded: Notify::new(),
            ready: Notify::new(),
            poke: Notify::new(),
        }
    }

    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        // Each change of it is made by one method that does not panic midway.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lease_ms(&self) -> u64 {
        u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX / 4)
    }

    /// Whether all consumers compete, so that there is no lease on what is new.
    pub(crate) fn competes(&self) -> bool {
        self.ordering == Ordering::None
    }

    /// What scripts that hand out or settle entries of the topic are shown. `None` when the
    /// consumer is not the active one.
    pub(crate) fn mine(&self, desk: &Desk, lane: usize) -> Option<Arc<str>> {
        if self.competes() {
            return Some("".into());
        }
        desk.lease(lane)
    }

    pub(crate) fn demand(&self) -> usize {
        self.demand.load(Atomic::Acquire)
    }

    /// Says that the caller waits for up to `max`.
    pub(crate) fn wait_for(&self, max: usize) -> Demand<'_> {
        self.demand.store(max, Atomic::Release);
        self.demanded.notify_one();
        Demand(self)
    }

    /// Says that the caller has taken what there was, and asked for up to `max`.
    pub(crate) fn taken(&self, max: usize) {
        self.appetite.store(max, Atomic::Release);
        if self.reads_ahead() {
            self.demanded.notify_one();
        }
    }

    /// How many to read while the caller works on what it took.
    pub(crate) fn appetite(&self) -> usize {
        self.appetite.load(Atomic::Acquire)
    }

    /// Whether to read on while the caller works: for those who take much at a time. What competing
    /// consumers read ahead others could work on.
    pub(crate) fn reads_ahead(&self) -> bool {
        !self.competes() && self.appetite() >= READ_AHEAD_FROM
    }

    /// Leaves an error for the caller.
    pub(crate) fn fail(&self, error: Error) {
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        self.ready.notify_one();
    }

    pub(crate) fn take_error(&self) -> Option<Error> {
        let mut error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        error.take()
    }

    /// Marks it closed; `false` if it was already.
    pub(crate) fn shut(&self) -> bool {
        let first = !self.closed.swap(true, Atomic::AcqRel);
        self.ready.notify_one();
        first
    }

    pub(crate) fn check_open(&self, operation: &'static str) -> Result<(), Error> {
        if self.closed.load(Atomic::Acquire) {
            return Err(Error::new(
                ErrorKind::Closed,
                operation,
                "this consumer has left its group; subscribe again",
            ));
        }
        Ok(())
    }

    /// Reads what the scripts say was lost; false is nothing.
    pub(crate) fn gap(&self, lane: usize, gap: Value) -> Result<Option<Gap>, Failure> {
        const WHAT: &str = "a gap as {kind, lost, after, until, cause}";
        if gap == Value::Nil {
            return Ok(None);
        }
        let [kind, lost, after, until, cause] = value::tuple(gap, WHAT)?;
        Ok(Some(Gap {
            topic: self.topics[lane].clone(),
            group: self.group.clone(),
            after: value::optional_id(&after, WHAT)?.map(|id| id.position()),
            until: value::optional_id(&until, WHAT)?.map(|id| id.position()),
            lost: count(&value::text(kind, WHAT)?, value::number(&lost, WHAT)?),
            cause: value::text(cause, WHAT)?,
        }))
    }
}

/// Reads a count as scripts keep it.
pub(crate) fn count(kind: &str, n: u64) -> Count {
    match kind {
        "exact" => Count::Exactly(n),
        "atleast" => Count::AtLeast(n),
        _ => Count::Unknown,
    }
}
