//! How a consumer waits, and how it goes.

use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tidings_transport::{Batch, Capability, ErrorKind, Outcome, Result, Subscriber};

use crate::scene::{
    LONG_LEASE, PATIENCE, Scene, ack, close, drain, expect_kind, join, next, pass, publish, record,
    take, take_one, text,
};

pub(crate) async fn a_waiting_consumer_is_woken(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    let handle = s.open().await;
    for i in 0..5 {
        let waiting = tokio::spawn({
            let consumer = consumer.clone();
            async move { take_one(&*consumer).await }
        });
        // Long enough that it sits and waits, sometimes.
        pass(Duration::from_millis(i * 40)).await;
        publish(&*handle, &[s.record(None, &format!("{i}"))]).await;
        let woken = waiting.await.expect("it is woken");
        assert_eq!(text(&woken), format!("{i}"));
        ack(&*consumer, &[woken]).await;
    }
}

pub(crate) async fn a_waiting_consumer_hears_every_topic(s: Scene) {
    let topics: Vec<_> = (0..3).map(|i| s.another_topic(&i.to_string())).collect();
    let wanted = topics.iter().map(|t| (t.clone(), Default::default()));
    let consumer = join(&*s.log, s.subscription().topics(wanted.collect())).await;
    let handle = s.open().await;
    for topic in topics.iter().rev() {
        let waiting = tokio::spawn({
            let consumer = consumer.clone();
            async move { take_one(&*consumer).await }
        });
        pass(Duration::from_millis(60)).await;
        publish(&*handle, &[record(topic, None, "here")]).await;
        assert_eq!(waiting.await.expect("it is woken").topic, *topic);
    }
}

/// Polls a future so many times, then drops it.
async fn poll_and_drop<F: Future>(future: F, polls: u32) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let poll = std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context)));
        match poll.await {
            Poll::Ready(output) => return Some(output),
            Poll::Pending => tokio::task::yield_now().await,
        }
    }
    None
}

/// Acks what came. None may come twice.
async fn take_in(consumer: &dyn Subscriber, batch: Result<Batch>, heard: &mut HashSet<String>) {
    let batch = batch.expect("a healthy log hands out records");
    assert_eq!(batch.gaps, []);
    for delivery in &batch.deliveries {
        assert!(heard.insert(text(delivery)), "{} twice", text(delivery));
    }
    ack(consumer, &batch.deliveries).await;
}

/// `next` may be dropped at any instant: what it had fetched is returned by the next call.
pub(crate) async fn next_may_be_dropped_at_any_instant(s: Scene) {
    const RECORDS: usize = 300;
    s.make_group().await;
    let consumer = s.join().await;
    let publisher = tokio::spawn({
        let log = s.open().await;
        let records: Vec<_> = (0..RECORDS)
            .map(|i| s.record(None, &i.to_string()))
            .collect();
        async move {
            for batch in records.chunks(3) {
                publish(&*log, batch).await;
                pass(Duration::from_millis(1)).await;
            }
        }
    });
    let mut random = StdRng::seed_from_u64(7);
    let mut heard = HashSet::new();
    let mut drops = 0;
    for _ in 0..400 {
        let call = consumer.next(random.random_range(1..6));
        let batch = if random.random_bool(0.5) {
            poll_and_drop(call, random.random_range(1..4)).await
        } else {
            let time = Duration::from_micros(random.random_range(0..4_000));
            tokio::time::timeout(time, call).await.ok()
        };
        match batch {
            Some(batch) => take_in(&*consumer, batch, &mut heard).await,
            None => drops += 1,
        }
    }
    assert!(drops > 0, "no call was dropped");
    publisher.await.expect("a healthy log takes records");
    while heard.len() < RECORDS {
        let rest = tokio::time::timeout(PATIENCE, consumer.next(10)).await;
        let rest = rest.expect("a dropped call lost nothing");
        take_in(&*consumer, rest, &mut heard).await;
    }
    assert_eq!(s.describe().await.pending, 0);
}

pub(crate) async fn no_more_comes_than_asked_for(s: Scene) {
    s.make_group().await;
    let records: Vec<_> = (0..30).map(|i| s.record(None, &format!("{i}"))).collect();
    publish(&*s.log, &records).await;
    let greedy = s.join_unordered(LONG_LEASE).await;
    // `next` asserts the bound.
    let mut held = Vec::new();
    for max in [1, 2, 3, 4] {
        held.extend(next(&*greedy, max).await.deliveries);
    }
    // What was not asked for is for others, or still to come.
    let other = match s.has(Capability::Competing) {
        true => s.join_unordered(LONG_LEASE).await,
        false => greedy.clone(),
    };
    let rest = take(&*other, 30 - held.len()).await;
    let all: HashSet<_> = held.iter().chain(&rest).map(text).collect();
    assert_eq!(all.len(), 30);
}

pub(crate) async fn closed_is_closed(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two"]).await;
    let consumer = s.join().await;
    let held = take(&*consumer, 1).await;
    close(&*consumer).await;
    expect_kind(consumer.next(1).await, ErrorKind::Closed);
    let settled = crate::scene::settle(&*consumer, &held[0], Outcome::Ack).await;
    expect_kind(settled, ErrorKind::Closed);
    expect_kind(consumer.start(&held).await.remove(0), ErrorKind::Closed);
    expect_kind(consumer.heartbeat(&held).await.remove(0), ErrorKind::Closed);
    let other = s.join().await;
    let mut heard = drain(&*other, 2).await;
    heard.sort();
    assert_eq!(heard, ["one", "two"], "nothing of that was settled");
}

pub(crate) async fn closing_ends_a_waiting_call(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    let waiting = tokio::spawn({
        let consumer = consumer.clone();
        async move { consumer.next(1).await }
    });
    pass(Duration::from_millis(100)).await;
    close(&*consumer).await;
    let ended = tokio::time::timeout(PATIENCE, waiting).await;
    let ended = ended.expect("a closed consumer waits no longer");
    expect_kind(ended.expect("it does not panic"), ErrorKind::Closed);
}
