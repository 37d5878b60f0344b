//! The read that stands behind a wait: who has it, and when it is called off.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tidings_conformance::servers::RedisServer;
use tidings_transport::{Start, Subscriber, Subscription, Transport};
use tidings_transport_redis::Redis;

use crate::listener::{ack, group, publish, start, topic};

const PATIENCE: Duration = Duration::from_secs(60);

/// One thread for everything, so that whoever holds it keeps the consumer from asking for anything.
#[tokio::test(flavor = "current_thread")]
async fn news_are_read_before_the_consumer_asks_again() {
    let (server, log) = start().await;
    publish(&log, 0..1).await;
    let subscriber = join(&log).await;
    let first = subscriber.next(10).await.expect("it hands out");
    ack(&*subscriber, first.deliveries).await;

    let waiting = wait(&server, &subscriber).await;
    add(&server);
    assert_eq!(pending(&server), 1, "the server has read it by itself");
    let news = waiting.await.expect("no panic").expect("it hands out");
    assert_eq!(news.deliveries.len(), 1);
    for attempt in subscriber.start(&news.deliveries).await {
        assert_eq!(attempt.expect("it is ours"), 1);
    }
    ack(&*subscriber, news.deliveries).await;
    assert_eq!(pending(&server), 0);
}

#[tokio::test(flavor = "current_thread")]
async fn who_has_left_reads_nothing_any_more() {
    let (server, log) = start().await;
    publish(&log, 0..1).await;
    let subscriber = join(&log).await;
    let first = subscriber.next(10).await.expect("it hands out");
    ack(&*subscriber, first.deliveries).await;

    let waiting = wait(&server, &subscriber).await;
    subscriber.close().await.expect("it leaves");
    // Its connection is there as long as it is.
    add(&server);
    assert_eq!(pending(&server), 0);
    let consumers = ["XINFO", "CONSUMERS", topic().as_str(), group().as_str()].map(str::to_owned);
    let consumers: Vec<&str> = consumers.iter().map(String::as_str).collect();
    let consumers = server.command(&consumers).expect("the group is there");
    assert_eq!(consumers.trim(), "", "nobody is in the group");
    waiting.await.expect("no panic").expect_err("it has left");
}

#[tokio::test(flavor = "current_thread")]
async fn who_takes_over_calls_off_what_the_former_waits_for() {
    let (server, log) = start().await;
    publish(&log, 0..1).await;
    let former = join(&log).await;
    let first = former.next(10).await.expect("it hands out");
    ack(&*former, first.deliveries).await;
    let _waiting = wait(&server, &former).await;

    // As if it had been silent for too long.
    let lease = format!("tidings:{{{}}}:lease:{}", topic(), group());
    server.command(&["DEL", &lease]).expect("it is removed");
    let next = join(&log).await;
    add(&server);
    assert_eq!(pending(&server), 0, "the former one reads no more");
    let news = tokio::time::timeout(PATIENCE, next.next(10)).await;
    assert_eq!(
        news.expect("in time")
            .expect("it hands out")
            .deliveries
            .len(),
        1
    );
}

async fn join(log: &Redis) -> Arc<dyn Subscriber> {
    let subscription = Subscription::new(group(), topic()).start(&Start::Earliest);
    let joined = log.subscribe(subscription).await;
    joined.expect("it joins")
}

/// Asks for the next deliveries, of which there are none, and comes back when the server holds the answer back.
async fn wait(
    server: &RedisServer,
    subscriber: &Arc<dyn Subscriber>,
) -> tokio::task::JoinHandle<tidings_transport::Result<tidings_transport::Batch>> {
    let subscriber = Arc::clone(subscriber);
    let waiting = tokio::spawn(async move { subscriber.next(10).await });
    let end = Instant::now() + PATIENCE;
    loop {
        let clients = server.command(&["INFO", "clients"]).expect("it tells");
        if clients.contains("blocked_clients:1") {
            return waiting;
        }
        assert!(Instant::now() < end, "it never waits");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Adds an entry without letting the consumer do anything.
fn add(server: &RedisServer) {
    let added = server.command(&["XADD", topic().as_str(), "*", "some", "thing"]);
    added.expect("it is added");
}

fn pending(server: &RedisServer) -> u32 {
    let summary = server.command(&["XPENDING", topic().as_str(), group().as_str()]);
    let summary = summary.expect("the group is there");
    let count = summary.lines().next().expect("how many");
    count.trim().parse().expect("a number")
}
