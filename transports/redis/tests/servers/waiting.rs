//! The read that stands behind a wait: who has it, and what it counts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tidings_conformance::servers::RedisServer;
use tidings_transport::{Batch, ErrorKind, Result, Start, Subscriber, Subscription, Transport};
use tidings_transport_redis::Redis;
use tokio::task::JoinHandle;

use crate::listener::{ack, group, publish, start, topic};

const PATIENCE: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_millis(700);

/// One thread for everything, so that whoever holds it keeps the consumer from asking for anything.
#[tokio::test(flavor = "current_thread")]
async fn news_are_read_and_started_before_the_consumer_asks_again() {
    let (server, log) = start().await;
    let subscriber = join(&log, |s| s.starts_ahead(true)).await;

    let waiting = wait(&server, &subscriber).await;
    add(&server);
    assert_eq!(pending(&server), 1, "the server has read it by itself");
    assert_eq!(noted(&server), "3", "one run, of three items");
    let news = deliveries(waiting).await;
    server.command(&["CONFIG", "RESETSTAT"]).expect("it is set");
    for attempt in subscriber.start(&news.deliveries).await {
        assert_eq!(attempt.expect("it is ours"), 1);
    }
    let calls = server.command(&["INFO", "commandstats"]).expect("it tells");
    assert!(!calls.contains("evalsha"), "it was counted: {calls}");
    for attempt in subscriber.start(&news.deliveries).await {
        assert_eq!(attempt.expect("it is ours"), 2, "a second start is one");
    }
    ack(&*subscriber, news.deliveries).await;
    assert_eq!((pending(&server), &*noted(&server)), (0, "0"));
}

#[tokio::test(flavor = "current_thread")]
async fn nothing_is_started_ahead_unless_it_may_be() {
    let (server, log) = start().await;
    let subscriber = join(&log, |s| s).await;
    let waiting = wait(&server, &subscriber).await;
    add(&server);
    assert_eq!((pending(&server), &*noted(&server)), (1, "0"));
    let news = deliveries(waiting).await;
    for attempt in subscriber.start(&news.deliveries).await {
        assert_eq!(attempt.expect("it is ours"), 1);
    }
    assert_eq!(noted(&server), "3");
}

#[tokio::test(flavor = "current_thread")]
async fn what_a_dead_consumer_was_handed_counts_as_started_once() {
    let (server, log) = start().await;
    let subscriber = join(&log, |s| s.starts_ahead(true).lease(LEASE)).await;
    let waiting = wait(&server, &subscriber).await;
    add(&server);
    assert_eq!(deliveries(waiting).await.deliveries[0].attempts, 0);
    // It says nothing any more, and does not leave.
    std::mem::forget(subscriber);
    let next = join(&log, |s| s.lease(LEASE)).await;
    let again = tokio::time::timeout(PATIENCE, next.next(10)).await;
    let again = again.expect("in time").expect("it hands out");
    assert_eq!(again.deliveries[0].attempts, 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_start_ahead_does_not_outlast_the_lease() {
    let (server, log) = start().await;
    let former = join(&log, |s| s.starts_ahead(true).lease(LEASE)).await;
    let waiting = wait(&server, &former).await;
    add(&server);
    let news = deliveries(waiting).await;

    let next = join(&log, |s| s.lease(LEASE)).await;
    let taken = tokio::time::timeout(PATIENCE, next.next(10)).await;
    assert_eq!(
        taken
            .expect("in time")
            .expect("it hands out")
            .deliveries
            .len(),
        1
    );
    for refused in former.start(&news.deliveries).await {
        assert_eq!(
            refused.expect_err("it is another's").kind(),
            ErrorKind::Stale
        );
    }
}

#[tokio::test(flavor = "current_thread")]
async fn who_has_left_reads_nothing_any_more() {
    let (server, log) = start().await;
    let subscriber = join(&log, |s| s).await;
    let waiting = wait(&server, &subscriber).await;
    subscriber.close().await.expect("it leaves");
    // Its connection is there as long as it is.
    add(&server);
    assert_eq!(pending(&server), 0);
    let consumers = on_group(&server, &["XINFO", "CONSUMERS"]);
    assert_eq!(consumers.trim(), "", "nobody is in the group");
    waiting.await.expect("no panic").expect_err("it has left");
}

#[tokio::test(flavor = "current_thread")]
async fn whose_lease_another_has_reads_nothing() {
    let (server, log) = start().await;
    let former = join(&log, |s| s).await;
    let _waiting = wait(&server, &former).await;

    // As if it had been silent for too long.
    let lease = format!("tidings:{{{}}}:lease:{}", topic(), group());
    server.command(&["DEL", &lease]).expect("it is removed");
    let next = join(&log, |s| s).await;
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

/// Joins, and has had one event, so that the server knows the scripts.
async fn join(log: &Redis, with: impl Fn(Subscription) -> Subscription) -> Arc<dyn Subscriber> {
    let subscription = with(Subscription::new(group(), topic()).start(&Start::Earliest));
    let joined = log.subscribe(subscription).await.expect("it joins");
    if !joined.opened()[0].1.existed {
        for n in 0..2 {
            publish(log, n..n + 1).await;
            let first = joined.next(10).await.expect("it hands out");
            for started in joined.start(&first.deliveries).await {
                started.expect("it is ours");
            }
            ack(&*joined, first.deliveries).await;
        }
    }
    joined
}

/// Asks for the next deliveries, of which there are none, and comes back when the server holds the answer back.
async fn wait(server: &RedisServer, subscriber: &Arc<dyn Subscriber>) -> JoinHandle<Result<Batch>> {
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

async fn deliveries(waiting: JoinHandle<Result<Batch>>) -> Batch {
    let news = waiting.await.expect("no panic").expect("it hands out");
    assert_eq!(news.deliveries.len(), 1);
    news
}

/// Adds an entry without letting the consumer do anything.
fn add(server: &RedisServer) {
    let added = server.command(&["XADD", topic().as_str(), "*", "some", "thing"]);
    added.expect("it is added");
}

fn pending(server: &RedisServer) -> u32 {
    let summary = on_group(server, &["XPENDING"]);
    let count = summary.lines().next().expect("how many");
    count.trim().parse().expect("a number")
}

/// How many items of first starts are noted.
fn noted(server: &RedisServer) -> String {
    let started = format!("tidings:{{{}}}:started:{}", topic(), group());
    server.command(&["LLEN", &started]).expect("it tells")
}

fn on_group(server: &RedisServer, command: &[&str]) -> String {
    let (topic, group) = (topic(), group());
    let command = [command, &[topic.as_str(), group.as_str()]].concat();
    server.command(&command).expect("the group is there")
}
