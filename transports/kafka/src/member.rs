//! What the parts of a consumer share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering as Atomic};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use tidings_transport::{Error, ErrorKind, Group, Result, Subscription, Topic};
use tokio::sync::{Notify, watch};

use crate::acl::Acl;
use crate::client::Client;
use crate::desk::Desk;
use crate::doubt::Doubt;
use crate::entry::Entry;
use crate::error::{kind, no_answer, writing};
use crate::feeder::Fetched;
use crate::fence::Fence;
use crate::rebalance::Hook;
use crate::{names, offsets};

/// Between two attempts to commit.
const PAUSE: Duration = Duration::from_millis(20);
/// How soon others learn what was handed out, unless a start or a settlement tells them before.
const SOON: Duration = Duration::from_millis(50);

/// A member of a group, as its caller's side and its threads see it.
pub(crate) struct Member {
    pub(crate) client: Arc<Client>,
    /// For what a thread of ours must wait for.
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) group: Group,
    /// For people.
    pub(crate) name: String,
    pub(crate) lease: Duration,
    /// On Kafka, and those of their journals.
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
    pub(crate) closed: AtomicBool,
    /// A journal was made anew, and all are to be read from their beginnings.
    pub(crate) rewind: AtomicBool,
    /// A seek was carried out and is not committed yet.
    pub(crate) moved: AtomicBool,
    /// Rings when there may be something for the caller.
    pub(crate) ready: Notify,
    /// Rings when the caller has got something.
    pub(crate) handed: Notify,
    /// Changes with each record of a journal.
    pub(crate) read: watch::Sender<u64>,
    /// Becomes true when the threads have ended.
    pub(crate) ended: watch::Sender<bool>,
    /// One commit at a time; the next takes along what has gathered.
    committing: tokio::sync::Mutex<()>,
    committed: AtomicU64,
    /// Held from gathering to the answer, also by a call that nobody waits for any more: the library
    /// may send one again, and what was gathered later must not be overtaken by it.
    sending: Mutex<()>,
    doubt: Mutex<Doubt>,
    fence: Mutex<Fence>,
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
            room: Condvar::new(),
            fetched: Mutex::default(),
            group: subscription.group.clone(),
            name: subscription.consumer.clone(),
            lease: subscription.lease,
            consumer: Mutex::new(Some(consumer)),
            error: Mutex::default(),
            closed: AtomicBool::new(false),
            rewind: AtomicBool::new(false),
            moved: AtomicBool::new(false),
            ready: Notify::new(),
            handed: Notify::new(),
            read: watch::Sender::new(0),
            ended: watch::Sender::new(false),
            committing: tokio::sync::Mutex::default(),
            committed: AtomicU64::new(0),
            sending: Mutex::default(),
            doubt: Mutex::default(),
            fence: Mutex::default(),
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

    /// Moves up to `max` of what waits to what is ready; whether there is something for the caller.
    pub(crate) fn fill(&self, max: usize) -> bool {
        let mut desk = self.desk();
        if desk.ready.deliveries.len() < max {
            desk.fill(max);
            self.room.notify_one();
        }
        desk.is_ready()
    }

    pub(crate) fn fetched(&self) -> MutexGuard<'_, Vec<Fetched>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Commits what has changed, and waits until that is stored. What has passed to others
    /// meanwhile is left out: whoever holds a delivery of it finds that it is stale.
    pub(crate) async fn commit(self: &Arc<Self>, operation: &'static str) -> Result<()> {
        let wanted = self.desk().version;
        let _turn = self.committing.lock().await;
        // A call that waited before this one has taken it along.
        if self.committed.load(Atomic::Acquire) >= wanted {
            return Ok(());
        }
        let end = Instant::now() + self.client.timeout();
        loop {
            let member = self.clone();
            let commit = tokio::task::spawn_blocking(move || member.commit_once(operation));
            let result = match tokio::time::timeout(self.client.timeout(), commit).await {
                Ok(Ok(result)) => result,
                Ok(Err(e)) => Err(
                    Error::new(ErrorKind::Failed, operation, "the commit broke off").with_source(e),
                ),
                Err(_) => Err(no_answer(operation, ErrorKind::UnknownOutcome)),
            };
            match result {
                Ok(true) => return Ok(()),
                Ok(false) if Instant::now() < end => tokio::time::sleep(PAUSE).await,
                Ok(false) => {
                    let text = "the group is being rebalanced; nothing was stored";
                    return Err(Error::new(ErrorKind::Unavailable, operation, text));
                }
                Err(e) => {
                    // Whether it was stored or not: the next commit says it again.
                    self.desk().touch();
                    return Err(e);
                }
            }
        }
    }

    /// Tells others what was handed out and neither started nor settled yet, until the consumer is
    /// closed. Nobody waits for it: before a handler runs its start is committed, and what was only
    /// handed out comes again to whoever is next.
    pub(crate) async fn tell_handed(self: Arc<Self>) {
        while !self.is_closed() {
            self.handed.notified().await;
            tokio::time::sleep(SOON).await;
            if !self.is_closed() {
                // Whoever starts or settles it is told what is wrong.
                let _ = self.commit("next").await;
            }
        }
    }

    /// The same once, on a thread that may block; `false` while the group is being rebalanced, and
    /// takes commits of no generation but the next.
    pub(crate) fn commit_once(&self, operation: &'static str) -> Result<bool> {
        use RDKafkaErrorCode as Code;
        let _turn = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        if self.fence().is_up() {
            return Ok(false);
        }
        let assignments = self.fence().assignments();
        let (list, version) = self.gather().map_err(|e| writing(operation, e))?;
        let stored = match (list.count(), self.consumer()) {
            (0, _) => Ok(()),
            (_, Some(consumer)) => consumer.commit(&list, CommitMode::Sync),
            (_, None) => return self.check_open(operation).map(|()| true),
        };
        let Err(e) = stored else {
            self.committed.fetch_max(version, Atomic::Release);
            if list.count() > 0 {
                self.doubt().stored();
            }
            return Ok(true);
        };
        self.doubt().failed(kind(&e, true));
        self.desk().touch();
        match e.rdkafka_error_code() {
            Some(Code::IllegalGeneration | Code::UnknownMemberId) => {
                self.fence().refused(assignments);
                Ok(false)
            }
            // Brokers that lost everything know the group no more until its members join again.
            Some(Code::RebalanceInProgress | Code::GroupIdNotFound) => Ok(false),
            _ if offsets::is_uncoordinated(&e) => Ok(false),
            _ => Err(self.acl().of(writing(operation, e))),
        }
    }

    /// What it needs to be let do.
    pub(crate) fn acl(&self) -> Acl<'_> {
        let acl = Acl::to("Read").group(self.group.as_str());
        self.physical.iter().fold(acl, |acl, name| acl.topic(name))
    }

    pub(crate) fn fence(&self) -> MutexGuard<'_, Fence> {
        self.fence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn doubt(&self) -> MutexGuard<'_, Doubt> {
        self.doubt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says once more what is settled, a while after a commit whose outcome was unknown: a broker may
    /// still have taken that one in, behind the one that followed it.
    pub(crate) fn commit_after_doubt(&self) -> Result<()> {
        if self.doubt().is_due() {
            self.desk().touch();
            self.commit_once("next")?;
        }
        Ok(())
    }

    fn gather(&self) -> rdkafka::error::KafkaResult<(TopicPartitionList, u64)> {
        let now = jiff::Timestamp::now().as_millisecond();
        let mut list = TopicPartitionList::new();
        let mut desk = self.desk();
        for ((topic, partition), lane) in &mut desk.lanes {
            if std::mem::take(&mut lane.dirty) {
                let mut ledger = lane.ledger.clone();
                ledger.advance();
                ledger.touched = now;
                offsets::add(&mut list, &self.physical[*topic], *partition, &ledger)?;
            }
        }
        Ok((list, desk.version))
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
