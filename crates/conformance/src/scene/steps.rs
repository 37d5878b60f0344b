//! The steps that cases share. Each expects what a healthy log does.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use tidings_transport::{
    Batch, Body, Delivery, ErrorKind, Group, GroupInfo, Key, Outcome, Position, Reason, Record,
    Result, Settlement, Subscriber, Subscription, Topic, TopicInfo, Transport,
};

use super::{PATIENCE, QUIET};

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
