//! What every test here needs: one topic, one group, and short words for the calls.

use std::sync::Arc;
use std::time::Duration;

use tidings_transport::{
    Batch, Body, Delivery, ErrorKind, Group, GroupInfo, Key, Memory, Ordering, Outcome, Position,
    Reason, Record, Result, Settlement, Start, Subscriber, Subscription, Topic, Transport,
};
use tokio::time::timeout;

pub const LEASE: Duration = Duration::from_secs(30);

pub fn topic() -> Topic {
    Topic::new("course-catalog").unwrap()
}

pub fn group() -> Group {
    Group::new("lms").unwrap()
}

pub fn record(key: Option<&str>, body: &str) -> Record {
    Record {
        topic: topic(),
        key: key.map(Key::new),
        body: Body::Document(body.to_owned().into()),
    }
}

pub async fn publish(log: &Memory, records: &[(Option<&str>, &str)]) -> Vec<Position> {
    let records: Vec<_> = records.iter().map(|(k, b)| record(*k, b)).collect();
    let results = log.publish(&records).await;
    results.into_iter().map(Result::unwrap).collect()
}

pub async fn join(log: &Memory, ordering: Ordering) -> Arc<dyn Subscriber> {
    let subscription = Subscription::new(group(), topic())
        .start(&Start::Earliest)
        .ordering(ordering)
        .lease(LEASE)
        .consumer("worker");
    log.subscribe(subscription).await.unwrap()
}

/// What is there now, without waiting for more.
pub async fn poll(consumer: &Arc<dyn Subscriber>) -> Batch {
    let next = timeout(Duration::from_millis(1), consumer.next(100)).await;
    next.map_or_else(|_| Batch::default(), Result::unwrap)
}

pub async fn take(consumer: &Arc<dyn Subscriber>) -> Vec<Arc<Delivery>> {
    poll(consumer).await.deliveries
}

pub fn text(body: &Body) -> &str {
    match body {
        Body::Document(bytes) => std::str::from_utf8(bytes).unwrap(),
        Body::Fields(_) => "fields",
    }
}

pub fn texts(deliveries: &[Arc<Delivery>]) -> Vec<&str> {
    deliveries.iter().map(|d| text(&d.body)).collect()
}

pub async fn settle(
    consumer: &Arc<dyn Subscriber>,
    delivery: &Arc<Delivery>,
    outcome: Outcome,
) -> Result<()> {
    let settlement = Settlement {
        delivery: Arc::clone(delivery),
        outcome,
    };
    consumer.settle(&[settlement]).await.remove(0)
}

pub async fn ack(consumer: &Arc<dyn Subscriber>, delivery: &Arc<Delivery>) {
    settle(consumer, delivery, Outcome::Ack).await.unwrap();
}

pub async fn start(consumer: &Arc<dyn Subscriber>, delivery: &Arc<Delivery>) -> Result<u32> {
    consumer
        .start(std::slice::from_ref(delivery))
        .await
        .remove(0)
}

pub async fn info(log: &Memory) -> GroupInfo {
    log.groups(&topic()).await.unwrap().remove(0)
}

pub fn failed() -> Reason {
    Reason::new("handler", "it broke")
}

pub fn park(reason: Option<Reason>) -> Outcome {
    Outcome::Park { key: None, reason }
}

pub const AGAIN: Outcome = Outcome::Retry { at: None };

pub fn kind<T>(result: Result<T>) -> ErrorKind {
    result.err().unwrap().kind()
}
