//! What every case starts from, and the steps that cases share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tidings_transport::{
    Batch, Body, Delivery, ErrorKind, Group, Key, Outcome, Position, Record, Result, Settlement,
    Start, Subscriber, Subscription, Topic, Transport,
};

use crate::{Faults, Harness};

/// How long a step may take that a healthy log does at once. Generous: the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The lease where it must not run out.
pub(crate) const LONG_LEASE: Duration = Duration::from_secs(300);

static NAMES: AtomicU64 = AtomicU64::new(0);

/// A harness, a handle to its log, and a topic and a group of this case's own.
pub(crate) struct Scene {
    harness: Arc<dyn Harness>,
    name: String,
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
        }
    }

    /// Another handle to the log, as another process would have.
    pub(crate) async fn open(&self) -> Arc<dyn Transport> {
        self.harness.open().await
    }

    pub(crate) fn faults(&self) -> Faults<'_> {
        self.harness.faults()
    }

    /// Another topic of this case's own.
    pub(crate) fn another_topic(&self, label: &str) -> Topic {
        Topic::new(format!("t-{}-{label}", self.name)).expect("a valid name")
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

    /// A record for the topic of the case.
    pub(crate) fn record(&self, key: Option<&str>, body: &str) -> Record {
        record(&self.topic, key, body)
    }
}

/// A record with a document.
pub(crate) fn record(topic: &Topic, key: Option<&str>, body: &str) -> Record {
    Record {
        topic: topic.clone(),
        key: key.map(Key::new),
        body: document(body),
    }
}

/// A body that says this.
pub(crate) fn document(text: &str) -> Body {
    Body::Document(Bytes::copy_from_slice(text.as_bytes()))
}

/// Publishes, and expects success for every record.
pub(crate) async fn publish(log: &dyn Transport, records: &[Record]) -> Vec<Position> {
    let results = log.publish(records).await;
    assert_eq!(results.len(), records.len(), "one result for each record");
    results
        .into_iter()
        .map(|r| r.expect("a healthy log takes records"))
        .collect()
}

/// Joins, and expects success.
pub(crate) async fn join(log: &dyn Transport, subscription: Subscription) -> Arc<dyn Subscriber> {
    log.subscribe(subscription)
        .await
        .expect("a healthy log takes consumers")
}

/// One batch, within [`PATIENCE`].
pub(crate) async fn next(consumer: &dyn Subscriber, max: usize) -> Batch {
    let batch = tokio::time::timeout(PATIENCE, consumer.next(max))
        .await
        .unwrap_or_else(|_| panic!("nothing came within {PATIENCE:?}"))
        .expect("a healthy log hands out records");
    assert!(batch.deliveries.len() <= max, "more than asked for");
    assert!(
        !(batch.deliveries.is_empty() && batch.gaps.is_empty()),
        "an empty batch"
    );
    batch
}

/// The next `count` deliveries, settling nothing. There must be no gap among them.
pub(crate) async fn take(consumer: &dyn Subscriber, count: usize) -> Vec<Arc<Delivery>> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let batch = next(consumer, count - taken.len()).await;
        assert_eq!(batch.gaps, [], "after {} deliveries", taken.len());
        taken.extend(batch.deliveries);
    }
    taken
}

/// The next `count` deliveries, each acked before the next is asked for, as text.
pub(crate) async fn drain(consumer: &dyn Subscriber, count: usize) -> Vec<String> {
    let mut seen = Vec::new();
    while seen.len() < count {
        let batch = next(consumer, count - seen.len()).await;
        assert_eq!(batch.gaps, [], "after {} deliveries", seen.len());
        ack(consumer, &batch.deliveries).await;
        seen.extend(texts(&batch.deliveries));
    }
    seen
}

/// Acks deliveries, and expects success.
pub(crate) async fn ack(consumer: &dyn Subscriber, deliveries: &[Arc<Delivery>]) {
    let settlements: Vec<_> = deliveries
        .iter()
        .map(|d| Settlement {
            delivery: d.clone(),
            outcome: Outcome::Ack,
        })
        .collect();
    let results = consumer.settle(&settlements).await;
    assert_eq!(results.len(), deliveries.len(), "one result for each");
    for (result, delivery) in results.into_iter().zip(deliveries) {
        result.unwrap_or_else(|e| panic!("{} cannot be acked: {e}", text(delivery)));
    }
}

/// Expects an error of this kind.
#[track_caller]
pub(crate) fn expect_kind<T>(result: Result<T>, kind: ErrorKind) {
    match result {
        Ok(_) => panic!("must fail as {kind:?}, but succeeded"),
        Err(e) => assert_eq!(e.kind(), kind, "{e}"),
    }
}

/// What a delivery says.
pub(crate) fn text(delivery: &Delivery) -> String {
    body_text(&delivery.body)
}

/// What a body says.
pub(crate) fn body_text(body: &Body) -> String {
    match body {
        Body::Document(document) => String::from_utf8_lossy(document).into_owned(),
        Body::Fields(fields) => format!("{fields:?}"),
    }
}

/// What deliveries say.
pub(crate) fn texts(deliveries: &[Arc<Delivery>]) -> Vec<String> {
    deliveries.iter().map(|d| text(d)).collect()
}
