//! What the tests of Kafka's own ways start from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tidings_transport::{
    Batch, Body, Delivery, Group, Key, Outcome, Record, Result, Settlement, Subscriber,
    Subscription, Topic, Transport,
};
use tidings_transport_kafka::{Kafka, KafkaConfig};
use tokio::time::timeout;

/// The longest that anything may take on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

static NAMES: AtomicU64 = AtomicU64::new(0);

/// A topic and a group that nobody else has.
pub fn names(label: &str) -> (Topic, Group) {
    let unique = format!(
        "{label}-{}-{}",
        std::process::id(),
        NAMES.fetch_add(1, Ordering::Relaxed)
    );
    let topic = Topic::new(format!("own-{unique}")).expect("a valid name");
    (
        topic,
        Group::new(format!("g-{unique}")).expect("a valid name"),
    )
}

/// Settings with which others are noticed soon.
pub fn config(address: &str, partitions: u32) -> KafkaConfig {
    let mut config = KafkaConfig::new([address]);
    config.partitions = Some(partitions);
    for (name, value) in [
        ("heartbeat.interval.ms", "200"),
        ("topic.metadata.refresh.interval.ms", "1000"),
    ] {
        config.client.insert(name.into(), value.into());
    }
    config
}

/// Connects, also to a broker that has come up just now and needs a while.
pub async fn connect(config: KafkaConfig) -> Kafka {
    let connected = async {
        loop {
            match Kafka::connect(config.clone()).await {
                Ok(kafka) => return kafka,
                Err(e) => assert!(e.is_temporary(), "{e}"),
            }
        }
    };
    timeout(PATIENCE, connected)
        .await
        .expect("the broker answers")
}

/// One event, `key` and `text` as they are.
pub fn record(topic: &Topic, key: &str, text: &str) -> Record {
    Record {
        topic: topic.clone(),
        key: Some(Key::new(key)),
        body: Body::Document(text.to_owned().into()),
    }
}

pub async fn publish(log: &Kafka, records: &[Record]) {
    for result in log.publish(records).await {
        result.expect("a healthy broker takes records");
    }
}

pub async fn join(log: &Kafka, topic: &Topic, group: &Group) -> Arc<dyn Subscriber> {
    let subscription = Subscription::new(group.clone(), topic.clone());
    let joined = log.subscribe(subscription.lease(Duration::from_secs(30)));
    joined.await.expect("a consumer can join")
}

pub async fn next(consumer: &dyn Subscriber, max: usize) -> Result<Batch> {
    let batch = timeout(PATIENCE, consumer.next(max)).await;
    batch.expect("something comes in time")
}

/// So many deliveries, of which none is settled.
pub async fn take(consumer: &dyn Subscriber, count: usize) -> Vec<Arc<Delivery>> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let batch = next(consumer, count - taken.len()).await;
        taken.extend(batch.expect("a healthy broker").deliveries);
    }
    taken
}

pub async fn ack(consumer: &dyn Subscriber, delivery: &Arc<Delivery>) -> Result<()> {
    let settlement = Settlement {
        delivery: delivery.clone(),
        outcome: Outcome::Ack,
    };
    consumer.settle(&[settlement]).await.remove(0)
}

pub fn text(delivery: &Delivery) -> String {
    match &delivery.body {
        Body::Document(document) => String::from_utf8_lossy(document).into_owned(),
        other => panic!("no document: {other:?}"),
    }
}
