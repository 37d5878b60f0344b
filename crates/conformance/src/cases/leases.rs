//! Deliveries pass on when their consumer dies, and only then (4).

use std::time::Duration;

use tidings_transport::{Capability, ErrorKind, Outcome, Settlement, Subscriber};
use tokio::time::Instant;

use crate::scene::{
    LONG_LEASE, SHORT_LEASE, Scene, ack, close, drain, expect_kind, expect_quiet, heartbeat, join,
    pass, set, settle, settled, start, take, take_one, text, texts,
};

/// Clocks of different precision may differ by this when they measure the same lease.
const SLACK: Duration = Duration::from_millis(20);

pub(crate) async fn a_dead_consumers_deliveries_pass_on(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two"]).await;
    let first = s.join_unordered(SHORT_LEASE).await;
    let held = take(&*first, 2).await;
    assert_eq!(start(&*first, &held[0]).await, 1);
    drop(first);
    let handle = s.open().await;
    let subscription = s.subscription().ordering(tidings_transport::Ordering::None);
    let second = join(&*handle, subscription).await;
    let mut passed_on = take(&*second, 2).await;
    passed_on.sort_by_key(text);
    assert_eq!(texts(&passed_on), ["one", "two"]);
    assert_eq!(passed_on[0].attempts, 1, "a handler was started on it");
    assert_eq!(passed_on[1].attempts, 0, "no handler was started on it");
    ack(&*second, &passed_on).await;
}

pub(crate) async fn a_silent_consumer_keeps_its_lease_and_not_longer(s: Scene) {
    s.make_group().await;
    s.publish(["one"]).await;
    let silent = s.join_unordered(SHORT_LEASE).await;
    let before = Instant::now();
    let lost = take_one(&*silent).await;
    let second = s.join_unordered(LONG_LEASE).await;
    let passed_on = take_one(&*second).await;
    let kept = before.elapsed();
    assert!(kept + SLACK >= SHORT_LEASE, "passed on after {kept:?}");
    assert_eq!(text(&passed_on), "one");
    expect_stale(&*silent, &lost).await;
    // What was refused changed nothing.
    heartbeat(&*second, &passed_on)
        .await
        .expect("it is the second's");
    ack(&*second, &[passed_on]).await;
    assert_eq!(s.describe().await.pending, 0);
}

/// Nothing can be done any more with this delivery.
async fn expect_stale(
    consumer: &dyn Subscriber,
    delivery: &std::sync::Arc<tidings_transport::Delivery>,
) {
    let mut started = consumer.start(std::slice::from_ref(delivery)).await;
    expect_kind(started.remove(0), ErrorKind::Stale);
    expect_kind(heartbeat(consumer, delivery).await, ErrorKind::Stale);
    let reason = crate::scene::reason();
    for outcome in [
        Outcome::Ack,
        Outcome::Retry { at: None },
        Outcome::DeadLetter { reason },
    ] {
        expect_kind(settle(consumer, delivery, outcome).await, ErrorKind::Stale);
    }
}

pub(crate) async fn a_heartbeat_keeps_the_lease(s: Scene) {
    s.make_group().await;
    s.publish(["slow", "other"]).await;
    let lease = Duration::from_secs(2);
    let slow = s.join_unordered(lease).await;
    let held = take_one(&*slow).await;
    let eager = s.join_unordered(LONG_LEASE).await;
    if s.has(Capability::Competing) {
        assert_eq!(drain(&*eager, 1).await, ["other"]);
    }
    let waiting = tokio::spawn({
        let eager = eager.clone();
        async move { eager.next(1).await }
    });
    let since = Instant::now();
    while since.elapsed() < lease * 2 {
        pass(lease / 10).await;
        heartbeat(&*slow, &held).await.expect("a beat in time");
    }
    assert!(!waiting.is_finished(), "it was handed to another meanwhile");
    waiting.abort();
    ack(&*slow, &[held]).await;
    assert_eq!(s.describe().await.pending, 0);
}

pub(crate) async fn an_older_holding_is_stale(s: Scene) {
    s.make_group().await;
    s.publish(["one"]).await;
    let consumer = s.join().await;
    let older = take_one(&*consumer).await;
    settled(&*consumer, &older, Outcome::Retry { at: None }).await;
    let newer = take_one(&*consumer).await;
    assert_ne!(older.epoch, newer.epoch, "each holding has an epoch");
    expect_stale(&*consumer, &older).await;
    ack(&*consumer, std::slice::from_ref(&newer)).await;
    expect_stale(&*consumer, &newer).await;
}

pub(crate) async fn a_stale_settlement_fails_alone(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two", "three"]).await;
    let consumer = s.join().await;
    let held = take(&*consumer, 3).await;
    ack(&*consumer, &held[1..2]).await;
    let settlements: Vec<_> = held
        .iter()
        .map(|d| Settlement {
            delivery: d.clone(),
            outcome: Outcome::Ack,
        })
        .collect();
    let mut results = consumer.settle(&settlements).await;
    assert_eq!(results.len(), 3);
    results.remove(2).expect("the third is in hand");
    expect_kind(results.remove(1), ErrorKind::Stale);
    results.remove(0).expect("the first is in hand");
    assert_eq!(s.describe().await.pending, 0);
    assert!(consumer.settle(&[]).await.is_empty(), "none, no result");
}

pub(crate) async fn a_strangers_settlement_is_stale(s: Scene) {
    s.make_group().await;
    s.publish(["one"]).await;
    let owner = s.join_unordered(LONG_LEASE).await;
    let held = take_one(&*owner).await;
    let stranger = s.join_unordered(LONG_LEASE).await;
    expect_stale(&*stranger, &held).await;
    ack(&*owner, &[held]).await;
    assert_eq!(s.describe().await.pending, 0);
}

pub(crate) async fn only_starts_count_as_attempts(s: Scene) {
    s.make_group().await;
    s.publish(["one"]).await;
    // Handed out three times, and no handler ever ran.
    for _ in 0..3 {
        let consumer = s.join().await;
        assert_eq!(take_one(&*consumer).await.attempts, 0);
        close(&*consumer).await;
    }
    let consumer = s.join().await;
    for attempt in 1..=3 {
        let delivery = take_one(&*consumer).await;
        assert_eq!(delivery.attempts, attempt - 1, "before this delivery");
        assert_eq!(start(&*consumer, &delivery).await, attempt);
        settled(&*consumer, &delivery, Outcome::Retry { at: None }).await;
    }
    let delivery = take_one(&*consumer).await;
    assert_eq!(delivery.attempts, 3);
    // Renewing and giving back count nothing.
    heartbeat(&*consumer, &delivery)
        .await
        .expect("a beat in time");
    settled(&*consumer, &delivery, Outcome::Retry { at: None }).await;
    assert_eq!(take_one(&*consumer).await.attempts, 3);
}

pub(crate) async fn attempts_survive_reopening(s: Scene) {
    s.make_group().await;
    s.publish(["one"]).await;
    for attempt in 1..=3 {
        let handle = s.open().await;
        let consumer = join(&*handle, s.subscription()).await;
        let delivery = take_one(&*consumer).await;
        assert_eq!(delivery.attempts, attempt - 1);
        assert_eq!(start(&*consumer, &delivery).await, attempt);
        close(&*consumer).await;
    }
}

pub(crate) async fn attempts_survive_a_kill_of_the_log(s: Scene) {
    s.make_group().await;
    s.publish(["one"]).await;
    let subscription = s.subscription().lease(SHORT_LEASE);
    let consumer = join(&*s.log, subscription.clone()).await;
    let delivery = take_one(&*consumer).await;
    assert_eq!(start(&*consumer, &delivery).await, 1);
    let crash = s.faults().crash.expect("needed");
    crash.kill().await;
    drop(consumer);
    crash.restart().await;
    let handle = s.open().await;
    let consumer = join(&*handle, subscription.lease(LONG_LEASE)).await;
    assert_eq!(take_one(&*consumer).await.attempts, 1);
}

pub(crate) async fn leaving_gives_back_at_once(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two"]).await;
    // The lease would outlast the case.
    let first = s.join().await;
    let held = take(&*first, 2).await;
    assert_eq!(start(&*first, &held[0]).await, 1);
    let second = s.join().await;
    let waiting = tokio::spawn(async move { take(&*second, 2).await });
    close(&*first).await;
    let mut given_back = waiting.await.expect("both come at once");
    given_back.sort_by_key(text);
    assert_eq!(texts(&given_back), ["one", "two"]);
    assert_eq!([given_back[0].attempts, given_back[1].attempts], [1, 0]);
}

pub(crate) async fn two_consumers_of_one_name_are_two(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two"]).await;
    let first = s.join_unordered(LONG_LEASE).await;
    let a = take_one(&*first).await;
    let second = s.join_unordered(LONG_LEASE).await;
    let mut of_second = Vec::new();
    if s.has(Capability::Competing) {
        of_second.push(take_one(&*second).await);
        assert_ne!(text(&a), text(&of_second[0]));
    }
    expect_kind(settle(&*second, &a, Outcome::Ack).await, ErrorKind::Stale);
    // The end of one is not the end of the other.
    close(&*first).await;
    ack(&*second, &of_second).await;
    let mut heard = drain(&*second, 2 - of_second.len()).await;
    heard.extend(texts(&of_second));
    assert_eq!(set(heard), set(["one", "two"]));
    expect_quiet(&*second).await;
}
