//! The next event of a key is started by the commit that settles the one before.

use std::sync::Arc;
use std::time::Duration;

use tidings_conformance::Freeze;
use tidings_transport::{
    Capability, Delivery, ErrorKind, Follower, Group, Outcome, Reason, Settlement, Start,
    Subscriber, Topic, Transport,
};
use tidings_transport_kafka::{Kafka, KafkaConfig};
use tokio::time::timeout;

use crate::fixture::{PATIENCE, config, connect, join, names, publish, record, take};
use crate::harness::{start, start_own};

/// A group that has so many events of one key before it.
async fn group_with(events: usize, config: KafkaConfig) -> (Kafka, Topic, Group) {
    let log = connect(config).await;
    let (topic, group) = names("starts");
    let made = log.create_group(&topic, &group, &Start::Latest).await;
    made.expect("a new group");
    let records: Vec<_> = (0..events)
        .map(|i| record(&topic, "k", &format!("{i}")))
        .collect();
    publish(&log, &records).await;
    (log, topic, group)
}

fn settlement(delivery: &Arc<Delivery>, outcome: Outcome) -> Settlement {
    Settlement {
        delivery: delivery.clone(),
        outcome,
    }
}

fn behind_the_first(delivery: &Arc<Delivery>) -> [Follower; 1] {
    [Follower {
        delivery: delivery.clone(),
        behind: 0,
    }]
}

/// The number of the start, as soon as the broker takes it.
async fn start_at_last(consumer: &dyn Subscriber, delivery: &Arc<Delivery>) -> u32 {
    let started = async {
        loop {
            match consumer
                .start(std::slice::from_ref(delivery))
                .await
                .remove(0)
            {
                Ok(attempt) => return attempt,
                Err(e) => assert!(e.is_temporary(), "{e}"),
            }
        }
    };
    timeout(PATIENCE, started)
        .await
        .expect("the broker is back")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_is_started_with_the_settlement() {
    let broker = start().await;
    let (log, topic, group) = group_with(4, config(broker.address(), 1)).await;
    assert!(log.capabilities().has(Capability::SettleAndStart));
    let consumer = join(&log, &topic, &group).await;
    let held = take(&*consumer, 4).await;
    assert_eq!(start_at_last(&*consumer, &held[0]).await, 1);
    let done = [settlement(&held[0], Outcome::Ack)];
    let (settled, started) = consumer
        .settle_and_start(&done, &behind_the_first(&held[1]))
        .await;
    settled[0].as_ref().expect("it is in hand");
    assert_eq!(*started[0].as_ref().expect("it is in hand"), 1);
    // What has gone before is out of the way as well when it is settled already.
    let (settled, started) = consumer
        .settle_and_start(&done, &behind_the_first(&held[2]))
        .await;
    assert_eq!(settled[0].as_ref().unwrap_err().kind(), ErrorKind::Stale);
    assert_eq!(*started[0].as_ref().expect("it is in hand"), 1);
    // What is settled is not started, whatever it is behind.
    let (settled, started) = consumer
        .settle_and_start(
            &[settlement(&held[3], Outcome::Ack)],
            &behind_the_first(&held[0]),
        )
        .await;
    settled[0].as_ref().expect("it is in hand");
    assert_eq!(started[0].as_ref().unwrap_err().kind(), ErrorKind::Stale);
    // Like a crash: what was not stored by then is forgotten.
    drop(consumer);
    let second = join(&log, &topic, &group).await;
    let attempts = take(&*second, 2).await.into_iter().map(|d| d.attempts);
    assert_eq!(attempts.collect::<Vec<_>>(), [1, 1]);
    second.close().await.expect("a consumer can leave");
    let groups = log.groups(&topic).await.expect("a healthy broker");
    assert_eq!(groups[0].pending, 2, "the first and the last are settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_settled_is_not_followed() {
    let broker = start_own().await;
    let mut settings = config(broker.address(), 1);
    let (_, topic, group) = group_with(2, settings.clone()).await;
    settings.response_timeout = Duration::from_secs(1);
    let log = connect(settings).await;
    let consumer = join(&log, &topic, &group).await;
    let held = take(&*consumer, 2).await;
    assert_eq!(start_at_last(&*consumer, &held[0]).await, 1);
    let followers = behind_the_first(&held[1]);
    let reason = Reason::new("permanent", "it is wrong");
    broker.freeze().await;
    for outcome in [Outcome::Ack, Outcome::DeadLetter { reason }] {
        let settlements = [settlement(&held[0], outcome)];
        let (settled, started) = consumer.settle_and_start(&settlements, &followers).await;
        assert!(settled[0].as_ref().unwrap_err().is_temporary());
        assert!(started[0].as_ref().unwrap_err().is_temporary());
    }
    broker.thaw().await;
    assert_eq!(
        start_at_last(&*consumer, &held[1]).await,
        1,
        "the same number"
    );
    assert_eq!(
        start_at_last(&*consumer, &held[0]).await,
        2,
        "it is still in hand"
    );
    drop(consumer);
    let second = join(&log, &topic, &group).await;
    let attempts = take(&*second, 2).await.into_iter().map(|d| d.attempts);
    assert_eq!(attempts.collect::<Vec<_>>(), [2, 1]);
}
