//! What every case starts from, and the steps that cases share.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tidings_transport::{
    Batch, Body, Capability, Count, Delivery, ErrorKind, Gap, Group, GroupInfo, Key, Ordering,
    Outcome, Position, Reason, Record, Result, Settlement, Start, Subscriber, Subscription, Topic,
    TopicInfo, Transport,
};
use tokio::time::Instant;

use crate::{Faults, Harness};

/// How long a step may take that a healthy log does at once. Generous: the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How long nothing must come for a case to believe that nothing will.
pub(crate) const QUIET: Duration = Duration::from_millis(300);

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

/// What the log says of a group.
pub(crate) async fn describe(log: &dyn Transport, topic: &Topic, group: &Group) -> GroupInfo {
    let groups = log.groups(topic).await.expect("the topic has groups");
    groups
        .into_iter()
        .find(|info| info.group == *group)
        .expect("the group is listed")
}

/// What the log says of a topic.
pub(crate) async fn describe_topic(log: &dyn Transport, topic: &Topic) -> TopicInfo {
    let topics = log.topics().await.expect("a healthy log lists its topics");
    topics
        .into_iter()
        .find(|info| info.topic == *topic)
        .expect("the topic is listed")
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

/// The next delivery.
pub(crate) async fn take_one(consumer: &dyn Subscriber) -> Arc<Delivery> {
    take(consumer, 1).await.remove(0)
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

/// The next `count` deliveries, acked, as text, with the gaps that came before or among them.
/// If none did, waits for the first one.
pub(crate) async fn hear_and_lose(
    consumer: &dyn Subscriber,
    count: usize,
) -> (Vec<String>, Losses) {
    let mut heard = Vec::new();
    let mut losses = Losses::default();
    while heard.len() < count || losses.gaps.is_empty() {
        let batch = next(consumer, (count - heard.len()).max(1)).await;
        ack(consumer, &batch.deliveries).await;
        heard.extend(texts(&batch.deliveries));
        losses.add(batch.gaps);
        assert!(heard.len() <= count, "too much came: {heard:?}");
    }
    (heard, losses)
}

/// Gaps that a group was told of.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    gaps: Vec<Gap>,
}

impl Losses {
    pub(crate) fn add(&mut self, gaps: Vec<Gap>) {
        self.gaps.extend(gaps);
    }

    /// Whether anything was lost.
    pub(crate) fn any(&self) -> bool {
        !self.gaps.is_empty()
    }

    /// Whether it can be that so many were lost: exact counts and lower bounds allow for it.
    pub(crate) fn may_be(&self, lost: u64) -> bool {
        let (mut least, mut exact) = (0, true);
        for gap in &self.gaps {
            match gap.lost {
                Count::Exactly(n) => least += n,
                Count::AtLeast(n) => (least, exact) = (least + n, false),
                Count::Unknown => exact = false,
            }
        }
        least == lost || (least < lost && !exact)
    }

    /// Expects gaps that allow for so many.
    pub(crate) fn must_hold(&self, topic: &Topic, group: &Group, lost: u64) {
        assert!(self.may_be(lost), "{lost} were lost, not {:?}", self.gaps);
        for gap in &self.gaps {
            assert_eq!((&gap.topic, &gap.group), (topic, group));
            assert!(!gap.cause.is_empty(), "people want to know why");
        }
    }

    /// Expects one gap that says so many, exactly.
    pub(crate) fn must_be_exactly(&self, topic: &Topic, group: &Group, lost: u64) {
        self.must_hold(topic, group, lost);
        let counts: Vec<_> = self.gaps.iter().map(|gap| gap.lost).collect();
        assert_eq!(counts, [Count::Exactly(lost)]);
    }

    /// Expects one gap, of a size that nobody can know.
    pub(crate) fn must_be_unknown(&self, topic: &Topic, group: &Group) {
        let counts: Vec<_> = self.gaps.iter().map(|gap| gap.lost).collect();
        assert_eq!(counts, [Count::Unknown]);
        self.must_hold(topic, group, 0);
    }
}

/// Expects that nothing comes for a while.
pub(crate) async fn expect_quiet(consumer: &dyn Subscriber) {
    if let Ok(result) = tokio::time::timeout(QUIET, consumer.next(10)).await {
        let batch = result.expect("a healthy log waits");
        panic!(
            "nothing should come, but: {:?} {:?}",
            texts(&batch.deliveries),
            batch.gaps
        );
    }
}

/// Settles one delivery.
pub(crate) async fn settle(
    consumer: &dyn Subscriber,
    delivery: &Arc<Delivery>,
    outcome: Outcome,
) -> Result<()> {
    let settlement = Settlement {
        delivery: delivery.clone(),
        outcome,
    };
    let mut results = consumer.settle(&[settlement]).await;
    assert_eq!(results.len(), 1, "one result for each settlement");
    results.remove(0)
}

/// Settles one delivery, and expects success.
pub(crate) async fn settled(consumer: &dyn Subscriber, delivery: &Arc<Delivery>, outcome: Outcome) {
    settle(consumer, delivery, outcome)
        .await
        .expect("a delivery in hand can be settled");
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

/// Starts the handler of one delivery, and expects success.
pub(crate) async fn start(consumer: &dyn Subscriber, delivery: &Arc<Delivery>) -> u32 {
    let mut results = consumer.start(std::slice::from_ref(delivery)).await;
    assert_eq!(results.len(), 1, "one result for each delivery");
    results
        .remove(0)
        .expect("the handler of a delivery in hand may start")
}

/// Renews one delivery, and returns what comes back.
pub(crate) async fn heartbeat(consumer: &dyn Subscriber, delivery: &Arc<Delivery>) -> Result<()> {
    let mut results = consumer.heartbeat(std::slice::from_ref(delivery)).await;
    assert_eq!(results.len(), 1, "one result for each delivery");
    results.remove(0)
}

/// Leaves the group, and expects success.
pub(crate) async fn close(consumer: &dyn Subscriber) {
    consumer.close().await.expect("a consumer can leave");
}

/// Expects an error of this kind.
#[track_caller]
pub(crate) fn expect_kind<T>(result: Result<T>, kind: ErrorKind) {
    match result {
        Ok(_) => panic!("must fail as {kind:?}, but succeeded"),
        Err(e) => assert_eq!(e.kind(), kind, "{e}"),
    }
}

/// The failures of handlers in this suite.
pub(crate) fn reason() -> Reason {
    Reason::new("handler", "it did not work out")
}

/// What a delivery says.
pub(crate) fn text(delivery: &Arc<Delivery>) -> String {
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
    deliveries.iter().map(text).collect()
}

/// These strings, for comparison with [`texts`] and [`drain`] where order says nothing.
pub(crate) fn set<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> HashSet<String> {
    texts.into_iter().map(|t| t.as_ref().to_owned()).collect()
}

/// Waits for this long, on the clock that the case runs on.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Asks again and again until the answer is yes.
pub(crate) async fn until(what: &str, mut question: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !question().await {
        assert!(
            since.elapsed() < PATIENCE,
            "not within {PATIENCE:?}: {what}"
        );
        pass(PAUSE).await;
    }
}

/// Between two questions to a log that is not there.
const PAUSE: Duration = Duration::from_millis(25);

/// Does it again until it succeeds. Only temporary errors may come meanwhile.
pub(crate) async fn patiently<T>(what: &str, mut call: impl AsyncFnMut() -> Result<T>) -> T {
    let since = Instant::now();
    loop {
        let left = PATIENCE.saturating_sub(since.elapsed());
        match tokio::time::timeout(left, call()).await {
            Ok(Ok(value)) => return value,
            Ok(Err(e)) => {
                assert!(e.is_temporary(), "{what}: {:?}: {e}", e.kind());
                assert!(!left.is_zero(), "{what}: not within {PATIENCE:?}: {e}");
            }
            Err(_) => panic!("{what}: not within {PATIENCE:?}"),
        }
        pass(PAUSE).await;
    }
}

/// The next batch, over temporary errors.
pub(crate) async fn next_patiently(consumer: &dyn Subscriber) -> Batch {
    let since = Instant::now();
    loop {
        let left = PATIENCE.saturating_sub(since.elapsed());
        match tokio::time::timeout(left, consumer.next(10)).await {
            Ok(Ok(batch)) => return batch,
            Ok(Err(e)) => assert!(e.is_temporary(), "next: {:?}: {e}", e.kind()),
            Err(_) => panic!("next: nothing within {PATIENCE:?}"),
        }
        pass(PAUSE).await;
    }
}

/// Publishes one record, again and again until the log has taken it.
pub(crate) async fn publish_patiently(log: &dyn Transport, record: &Record) {
    patiently("publish", async || {
        log.publish(std::slice::from_ref(record)).await.remove(0)
    })
    .await;
}

/// Expects a temporary error before the patience is over.
pub(crate) async fn expect_temporary<T>(what: &str, call: impl Future<Output = Result<T>>) {
    match tokio::time::timeout(PATIENCE, call).await {
        Err(_) => panic!("{what}: no answer within {PATIENCE:?}"),
        Ok(Ok(_)) => panic!("{what}: succeeded on a log that is not there"),
        Ok(Err(e)) => assert!(e.is_temporary(), "{what}: {:?}: {e}", e.kind()),
    }
}
