//! What every case starts from, and the steps that cases share.

mod losses;
mod patience;
mod steps;

pub(crate) use losses::{Losses, hear_and_lose};
pub(crate) use patience::{
    PATIENCE, QUIET, expect_temporary, next_patiently, pass, patiently, publish_patiently, until,
};
pub(crate) use steps::{
    ack, body_text, close, describe, describe_topic, document, drain, expect_kind, expect_quiet,
    heartbeat, join, next, publish, reason, record, set, settle, settled, start, take, take_one,
    text, texts,
};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};
use std::time::Duration;

use jiff::Timestamp;
use tidings_transport::{
    Capability, Group, GroupInfo, Ordering, Position, Record, Start, Subscriber, Subscription,
    Topic, Transport,
};
use tokio::time::Instant;

use crate::{Faults, Harness};

/// The lease where a case waits for it to run out.
pub(crate) const SHORT_LEASE: Duration = Duration::from_millis(700);

/// The lease where it must not run out.
pub(crate) const LONG_LEASE: Duration = Duration::from_secs(300);

static NAMES: AtomicU64 = AtomicU64::new(0);

/// A harness, a handle to its log, and a topic and a group of this case's own.
pub(crate) struct Scene {
    harness: Arc<dyn Harness>,
    name: String,
    began: (Instant, Timestamp),
    /// A handle to the log.
    pub log: Arc<dyn Transport>,
    /// A topic that nobody else uses. It holds nothing yet.
    pub topic: Topic,
    /// A group that does not exist yet.
    pub group: Group,
}

impl Scene {
    pub(crate) async fn new(harness: Arc<dyn Harness>) -> Self {
        let log = harness.open().await;
        // Unlike in every process that shares the log, and in every case of a process.
        let number = NAMES.fetch_add(1, Atomic::Relaxed);
        let now = Timestamp::now();
        let micros = now.as_microsecond();
        let name = format!("{}-{micros:x}-{number}", std::process::id());
        Self {
            log,
            topic: Topic::new(format!("t-{name}")).expect("a valid name"),
            group: Group::new(format!("g-{name}")).expect("a valid name"),
            harness,
            name,
            began: (Instant::now(), now),
        }
    }

    /// The same log, with a topic and a group of its own.
    pub(crate) async fn another(&self) -> Self {
        Self::new(self.harness.clone()).await
    }

    /// Another handle to the log, as another process would have.
    pub(crate) async fn open(&self) -> Arc<dyn Transport> {
        self.harness.open().await
    }

    /// The time, also where the clock is paused. A log may be some milliseconds apart.
    pub(crate) fn now(&self) -> Timestamp {
        self.began.1 + self.began.0.elapsed()
    }

    pub(crate) fn faults(&self) -> Faults<'_> {
        self.harness.faults()
    }

    pub(crate) fn has(&self, capability: Capability) -> bool {
        self.log.capabilities().has(capability)
    }

    /// Another topic of this case's own.
    pub(crate) fn another_topic(&self, label: &str) -> Topic {
        Topic::new(format!("t-{}-{label}", self.name)).expect("a valid name")
    }

    /// Another group of this case's own.
    pub(crate) fn another_group(&self, label: &str) -> Group {
        Group::new(format!("g-{}-{label}", self.name)).expect("a valid name")
    }

    /// Makes the group of the case, so that it hears all that is published from now on.
    pub(crate) async fn make_group(&self) {
        self.make(&self.group).await;
    }

    /// Makes a group on the topic of the case.
    pub(crate) async fn make(&self, group: &Group) {
        let opened = self
            .log
            .create_group(&self.topic, group, &Start::Latest)
            .await
            .expect("a new group can be made");
        assert!(!opened.existed, "a group that nobody made existed");
    }

    /// A subscription of the case's group to its topic, with a lease that does not run out.
    pub(crate) fn subscription(&self) -> Subscription {
        Subscription::new(self.group.clone(), self.topic.clone())
            .lease(LONG_LEASE)
            .consumer("suite")
    }

    /// Joins as [`subscription`](Self::subscription) says, on the case's own handle.
    pub(crate) async fn join(&self) -> Arc<dyn Subscriber> {
        join(&*self.log, self.subscription()).await
    }

    /// Joins, competing with others for everything.
    pub(crate) async fn join_unordered(&self, lease: Duration) -> Arc<dyn Subscriber> {
        let subscription = self.subscription().ordering(Ordering::None).lease(lease);
        join(&*self.log, subscription).await
    }

    /// Publishes records without a key, each of which must succeed.
    pub(crate) async fn publish<const N: usize>(&self, bodies: [&str; N]) -> [Position; N] {
        let records: Vec<_> = bodies.iter().map(|b| self.record(None, b)).collect();
        let positions = publish(&*self.log, &records).await;
        positions.try_into().expect("one result for each record")
    }

    /// Publishes records with keys, each of which must succeed.
    pub(crate) async fn publish_keyed<const N: usize>(
        &self,
        records: [(&str, &str); N],
    ) -> [Position; N] {
        let records: Vec<_> = records
            .iter()
            .map(|(key, body)| self.record(Some(key), body))
            .collect();
        let positions = publish(&*self.log, &records).await;
        positions.try_into().expect("one result for each record")
    }

    /// A record for the topic of the case.
    pub(crate) fn record(&self, key: Option<&str>, body: &str) -> Record {
        record(&self.topic, key, body)
    }

    /// What the log says of the case's group.
    pub(crate) async fn describe(&self) -> GroupInfo {
        describe(&*self.log, &self.topic, &self.group).await
    }

    /// The same, when it tells of so many in hand: a log may tell others a moment later what it has
    /// handed out.
    pub(crate) async fn describe_in_hand(&self, pending: u64) -> GroupInfo {
        let since = Instant::now();
        loop {
            let info = self.describe().await;
            if info.pending == pending {
                return info;
            }
            assert!(
                since.elapsed() < PATIENCE,
                "not {pending} in hand: {info:?}"
            );
            pass(Duration::from_millis(20)).await;
        }
    }
}
