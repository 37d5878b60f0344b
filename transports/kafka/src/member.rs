//! What the parts of a consumer share.

use std::sync::atomic::{AtomicBool, Ordering as Atomic};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::consumer::BaseConsumer;
use tidings_transport::{Batch, Error, ErrorKind, Group, Result, Subscription, Topic};
use tokio::sync::{Notify, watch};

use crate::acl::Acl;
use crate::client::Client;
use crate::commits::Commits;
use crate::desk::Desk;
use crate::entry::Entry;
use crate::error::no_answer;
use crate::feeder::Fetched;
use crate::names;
use crate::rebalance::Hook;

/// A member of a group, as its caller's side and its threads see it.
pub(crate) struct Member {
    pub(crate) client: Arc<Client>,
    /// For what a thread of ours must wait for.
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) group: Group,
    /// For people.
    pub(crate) name: String,
    pub(crate) lease: Duration,
    pub(crate) topics: Vec<Topic>,
    /// Their names on Kafka, and those of their journals.
    pub(crate) physical: Vec<String>,
    pub(crate) journals: Vec<String>,
    /// Taken away when it is closed.
    consumer: Mutex<Option<Arc<BaseConsumer<Hook>>>>,
    desk: Mutex<Desk>,
    /// Rings when something was taken from the desk.
    room: Condvar,
    /// Polled, and not on the desk yet. For the thread that polls.
    fetched: Mutex<Vec<Fetched>>,
    error: Mutex<Option<Error>>,
    closed: AtomicBool,
    /// A journal was made anew, and all are to be read from their beginnings.
    pub(crate) rewind: AtomicBool,
    /// A seek was carried out and is not committed yet: with which version of the desk it will be.
    moved: Mutex<Option<u64>>,
    /// Rings when there may be something for the caller.
    pub(crate) ready: Notify,
    /// Rings when the caller has got something.
    pub(crate) handed: Notify,
    /// Changes with each record of a journal.
    pub(crate) read: watch::Sender<u64>,
    /// Becomes true when the threads have ended.
    pub(crate) ended: watch::Sender<bool>,
    pub(crate) commits: Commits,
    /// The caller's last sign of life.
    alive: Mutex<Instant>,
}

impl Member {
    pub(crate) fn new(
        client: Arc<Client>,
        subscription: &Subscription,
        consumer: Arc<BaseConsumer<Hook>>,
    ) -> Result<Self> {
        let topics: Vec<Topic> = subscription.topics.iter().map(|(t, _)| t.clone()).collect();
        let physical: Result<_> = topics
            .iter()
            .map(|t| names::physical(t, "subscribe"))
            .collect();
        let journals = topics
            .iter()
            .map(|t| names::journal(t, &subscription.group));
        Ok(Self {
            client,
            runtime: tokio::runtime::Handle::current(),
            physical: physical?,
            journals: journals.collect(),
            desk: Mutex::new(Desk::new(&topics)),
            topics,
            room: Condvar::new(),
            fetched: Mutex::default(),
            group: subscription.group.clone(),
            name: subscription.consumer.clone(),
            lease: subscription.lease,
            consumer: Mutex::new(Some(consumer)),
            error: Mutex::default(),
            closed: AtomicBool::new(false),
            rewind: AtomicBool::new(false),
            moved: Mutex::default(),
            ready: Notify::new(),
            handed: Notify::new(),
            read: watch::Sender::new(0),
            ended: watch::Sender::new(false),
            commits: Commits::default(),
            alive: Mutex::new(Instant::now()),
        })
    }

    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        // Each change of it is made by one method that does not panic midway.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something is taken from the desk, or so long.
    pub(crate) fn wait_for_room<'a>(
        &self,
        desk: MutexGuard<'a, Desk>,
        most: Duration,
    ) -> MutexGuard<'a, Desk> {
        let waited = self.room.wait_timeout(desk, most);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Up to `max` of what waits, and what is to be reported.
    pub(crate) fn hand_out(&self, max: usize) -> Option<Batch> {
        let batch = self.desk().hand_out(max);
        self.room.notify_one();
        batch
    }

    pub(crate) fn fetched(&self) -> MutexGuard<'_, Vec<Fetched>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn moved(&self) -> MutexGuard<'_, Option<u64>> {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn consumer(&self) -> Option<Arc<BaseConsumer<Hook>>> {
        let consumer = self.consumer.lock().unwrap_or_else(PoisonError::into_inner);
        consumer.clone()
    }

    /// Lets go of the connection.
    pub(crate) fn take_consumer(&self) -> Option<Arc<BaseConsumer<Hook>>> {
        let mut consumer = self.consumer.lock().unwrap_or_else(PoisonError::into_inner);
        consumer.take()
    }

    /// Leaves an error for the caller. What is not there may be made again, or moves between brokers.
    pub(crate) fn fail(&self, error: Error) {
        let error = match error.kind() {
            ErrorKind::NotFound => {
                let text = format!("a topic or partition is gone for now: {error}");
                Error::new(ErrorKind::Unavailable, "next", text).with_source(error)
            }
            _ => error,
        };
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        self.ready.notify_one();
    }

    pub(crate) fn take_error(&self) -> Option<Error> {
        let mut error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        error.take()
    }

    /// Tells the threads to end.
    pub(crate) fn shut(&self) {
        self.closed.store(true, Atomic::Release);
        self.ready.notify_one();
        self.handed.notify_one();
        self.commits.ring();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Atomic::Acquire)
    }

    pub(crate) fn check_open(&self, operation: &'static str) -> Result<()> {
        if self.is_closed() {
            return Err(Error::new(
                ErrorKind::Closed,
                operation,
                "this consumer has left its group; subscribe again",
            ));
        }
        Ok(())
    }

    /// Work that the caller waits for: while it does, it lives, however long the group takes. If a rebalance
    /// outlasted its lease and it left for that, the others would have to wait for one more rebalance, and
    /// leave as well.
    pub(crate) async fn while_it_waits<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            *self.alive() = Instant::now();
            // That this comes to its turn shows that the caller still asks.
            if let Ok(done) = tokio::time::timeout(self.lease / 4, &mut work).await {
                *self.alive() = Instant::now();
                return done;
            }
        }
    }

    fn alive(&self) -> MutexGuard<'_, Instant> {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the caller has shown after this instant that it lives.
    pub(crate) fn lives_since(&self, instant: Instant) -> bool {
        *self.alive() > instant
    }

    /// Whether the caller holds something and has been silent for longer than its lease.
    pub(crate) fn is_silent(&self) -> bool {
        if self.alive().elapsed() < self.lease {
            return false;
        }
        let desk = self.desk();
        !desk.letters.is_empty() || desk.lanes.values().any(|lane| !lane.hand.is_empty())
    }

    /// What it needs to be let do.
    pub(crate) fn acl(&self) -> Acl<'_> {
        let acl = Acl::to("Read").group(self.group.as_str());
        self.physical.iter().fold(acl, |acl, name| acl.topic(name))
    }

    /// Waits until a journal has been read up to this offset.
    pub(crate) async fn read_until(
        &self,
        topic: usize,
        next: i64,
        operation: &'static str,
    ) -> Result<()> {
        let mut read = self.read.subscribe();
        let reached = async {
            while self.desk().journals[topic].next < next {
                // The sender lives as long as this.
                let _ = read.changed().await;
            }
        };
        let limit = tokio::time::timeout(self.client.timeout(), reached).await;
        limit.map_err(|_| no_answer(operation, ErrorKind::Unavailable))
    }

    /// Waits until everything that stands in a journal now has been read.
    pub(crate) async fn catch_up(&self, topic: usize, operation: &'static str) -> Result<()> {
        let name = self.journals[topic].clone();
        let look = move |client: &Client| client.watermarks(&name, 1, operation);
        let end = self.client.blocking(operation, look).await?[0].1;
        self.read_until(topic, end, operation).await
    }

    /// Appends to a journal, and waits until this consumer has read it.
    pub(crate) async fn write(
        &self,
        topic: usize,
        entries: Vec<Entry>,
        operation: &'static str,
    ) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let last = self
            .client
            .append(&self.journals[topic], entries, operation)
            .await?;
        self.read_until(topic, last + 1, operation).await
    }
}
