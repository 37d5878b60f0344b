//! Trimming many entries, most of them unread: what is removed is exact all the same.

use std::sync::Arc;
use std::time::Duration;

use tidings_conformance::servers::RedisServer;
use tidings_transport::{
    Count, Delivery, Retention, Start, Subscriber, Subscription, Transport, Trimmed,
};
use tidings_transport_redis::Redis;

use crate::listener::{ack, group, publish, record, start, topic};

/// Many nodes of a stream, and a part of one.
const EVENTS: usize = 7_003;

async fn start_full() -> (RedisServer, Redis) {
    let (server, log) = start().await;
    publish(&log, 0..EVENTS as u32).await;
    (server, log)
}

async fn join(log: &Redis) -> Arc<dyn Subscriber> {
    let subscription = Subscription::new(group(), topic()).start(&Start::Earliest);
    log.subscribe(subscription).await.expect("it joins")
}

async fn take(subscriber: &dyn Subscriber, count: usize) -> Vec<Arc<Delivery>> {
    let mut taken = Vec::with_capacity(count);
    while taken.len() < count {
        let batch = tokio::time::timeout(
            Duration::from_secs(60),
            subscriber.next(count - taken.len()),
        );
        let batch = batch.await.expect("something comes").expect("it hands out");
        assert!(batch.gaps.is_empty(), "{:?}", batch.gaps);
        taken.extend(batch.deliveries);
    }
    taken
}

async fn trim(log: &Redis, retention: &Retention) -> Trimmed {
    log.trim(&topic(), retention).await.expect("it is there")
}

fn keep(max_len: u64) -> Retention {
    let mut retention = Retention::default();
    retention.max_len = Some(max_len);
    retention
}

/// What is said without doing it is what is done.
async fn trim_as_foretold(log: &Redis, retention: &Retention) -> Trimmed {
    let mut dry = retention.clone();
    dry.dry_run = true;
    let foretold = trim(log, &dry).await;
    let done = trim(log, retention).await;
    assert_eq!(done, foretold);
    done
}

async fn has_lost_nothing(log: &Redis) {
    let groups = log.groups(&topic()).await.expect("it is there");
    assert_eq!(groups[0].lost, Count::Exactly(0));
}

#[tokio::test]
async fn what_is_needed_is_spared_to_the_entry() {
    let (_server, log) = start_full().await;
    let consumer = join(&log).await;
    let settled = take(&*consumer, 5_555).await;
    let held = take(&*consumer, 1).await;
    ack(&*consumer, settled).await;
    let expected = Trimmed {
        removed: 5_555,
        spared: EVENTS as u64 - 5_555 - 100,
        needed_by: vec![group()],
    };
    assert_eq!(trim_as_foretold(&log, &keep(100)).await, expected);
    ack(&*consumer, held).await;
    let rest = take(&*consumer, EVENTS - 5_556).await;
    ack(&*consumer, rest).await;
    let trimmed = trim_as_foretold(&log, &keep(100)).await;
    assert_eq!((trimmed.removed, trimmed.spared), (expected.spared, 0));
    let mut old = Retention::default();
    old.max_age = Some(Duration::ZERO);
    // What is of this millisecond is not old yet.
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(trim_as_foretold(&log, &old).await.removed, 100);
    has_lost_nothing(&log).await;
    publish(&log, 0..3).await;
    let anew = take(&*consumer, 3).await;
    ack(&*consumer, anew).await;
    consumer.close().await.expect("it leaves");
    has_lost_nothing(&log).await;
}

#[tokio::test]
async fn a_cap_is_met_to_the_entry() {
    let (_server, log) = start_full().await;
    let consumer = join(&log).await;
    let settled = take(&*consumer, 5_555).await;
    ack(&*consumer, settled).await;
    consumer.close().await.expect("it leaves");
    let mut cap = keep(2_222);
    cap.hard_max_len = Some(111);
    let trimmed = trim_as_foretold(&log, &cap).await;
    assert_eq!((trimmed.removed, trimmed.spared), (EVENTS as u64 - 111, 0));
    assert_eq!(trimmed.needed_by, [group()]);
    let groups = log.groups(&topic()).await.expect("it is there");
    let lost = EVENTS as u64 - 111 - 5_555;
    assert_eq!(groups[0].lost, Count::Exactly(lost));
}

#[tokio::test]
async fn where_nobody_listens_the_rules_alone_decide() {
    let (_server, log) = start_full().await;
    let trimmed = trim_as_foretold(&log, &keep(333)).await;
    assert_eq!((trimmed.removed, trimmed.spared), (EVENTS as u64 - 333, 0));
    let topic = log.topic(&topic()).await.expect("it is there");
    assert_eq!(topic.length, 333);
}

/// Between two steps anybody may come.
#[tokio::test]
async fn what_a_seek_makes_needed_while_it_is_trimmed_is_spared() {
    const MANY: u32 = 100_000;
    let (_server, log) = start().await;
    let made = log.create_group(&topic(), &group(), &Start::Earliest).await;
    made.expect("a new group");
    for chunk in (0..MANY).map(record).collect::<Vec<_>>().chunks(1_000) {
        for stored in log.publish(chunk).await {
            stored.expect("it is stored");
        }
    }
    // All of it is done with.
    let moved = log.seek(&topic(), &group(), &Start::Latest).await;
    moved.expect("the group is there");
    let length = async || log.topic(&topic()).await.expect("it is there").length;
    let seeking = async {
        while length().await == u64::from(MANY) {}
        let moved = log.seek(&topic(), &group(), &Start::Earliest).await;
        moved.expect("the group is there");
    };
    let nothing = keep(0);
    let (trimmed, ()) = tokio::join!(trim(&log, &nothing), seeking);
    let left = length().await;
    assert!(left > 0, "the seek came too late to say anything");
    assert_eq!(trimmed.removed, u64::from(MANY) - left);
    has_lost_nothing(&log).await;
    let groups = log.groups(&topic()).await.expect("it is there");
    assert_eq!(groups[0].lag.events, Count::Exactly(left));
}
