//! A key whose record failed for good waits, in order, while others go on.

use std::sync::Arc;
use std::time::Duration;

use tidings_transport::{
    Count, DeadLetter, Delivery, ErrorKind, Key, Outcome, ParkedKey, ParkedState, Reason,
    Subscriber,
};

use crate::scene::{
    PATIENCE, QUIET, SHORT_LEASE, Scene, ack, body_text, close, drain, expect_kind, expect_quiet,
    join, next, pass, reason, settle, settled, start, take, take_one, text,
};

fn park(why: Reason) -> Outcome {
    Outcome::Park {
        key: None,
        reason: Some(why),
    }
}

/// Waits behind a parked key, if that is still parked.
const FOLLOW: Outcome = Outcome::Park {
    key: None,
    reason: None,
};

/// What a caller does that knows of no parked key: it lets a record follow, and handles it if the
/// log says that its key is clear. Returns what was handled.
async fn handle(consumer: &dyn Subscriber, deliveries: &[Arc<Delivery>]) -> Vec<String> {
    let mut handled = Vec::new();
    for delivery in deliveries {
        if !delivery.released && delivery.key.is_some() {
            match settle(consumer, delivery, FOLLOW).await {
                Ok(()) => continue,
                Err(e) => assert_eq!(e.kind(), ErrorKind::NotParked, "{e}"),
            }
        }
        start(consumer, delivery).await;
        ack(consumer, std::slice::from_ref(delivery)).await;
        handled.push(text(delivery));
    }
    handled
}

/// Handles what comes until nothing does.
async fn handle_all(consumer: &dyn Subscriber) -> Vec<String> {
    let mut handled = Vec::new();
    while let Ok(batch) = tokio::time::timeout(QUIET, consumer.next(10)).await {
        let batch = batch.expect("a healthy log hands out records");
        handled.extend(handle(consumer, &batch.deliveries).await);
    }
    handled
}

/// Handles what comes until this many were handled.
async fn handle_some(consumer: &dyn Subscriber, count: usize) -> Vec<String> {
    let mut handled = Vec::new();
    while handled.len() < count {
        let batch = next(consumer, 10).await;
        handled.extend(handle(consumer, &batch.deliveries).await);
    }
    handled
}

async fn parked(s: &Scene) -> Vec<ParkedKey> {
    let parked = s.log.parked(&s.topic, &s.group).await;
    parked.expect("the group is there")
}

fn waits(key: &str, state: ParkedState, records: u64) -> ParkedKey {
    ParkedKey {
        key: Key::new(key),
        state,
        records,
    }
}

async fn letters(s: &Scene) -> Vec<DeadLetter> {
    let letters = s.log.dead_letters(&s.topic, &s.group, None, 100).await;
    letters.expect("the group is there")
}

async fn release(s: &Scene, key: &str) -> u64 {
    let released = s.log.release(&s.topic, &s.group, &Key::new(key)).await;
    released.expect("the group is there")
}

/// The first of these records fails for good, once; the rest of its key follows. What else came
/// was handled, and is returned.
async fn park_first<const N: usize>(
    s: &Scene,
    consumer: &dyn Subscriber,
    records: [(&str, &str); N],
) -> Vec<String> {
    s.publish_keyed(records).await;
    let first = take_one(consumer).await;
    assert_eq!(text(&first), records[0].1);
    assert_eq!(start(consumer, &first).await, 1);
    settled(consumer, &first, park(reason())).await;
    handle_all(consumer).await
}

pub(crate) async fn successors_wait_and_other_keys_go_on(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    let records = [
        ("a", "a1"),
        ("b", "b1"),
        ("a", "a2"),
        ("b", "b2"),
        ("a", "a3"),
    ];
    let handled = park_first(&s, &*consumer, records).await;
    assert_eq!(handled, ["b1", "b2"]);
    assert_eq!(parked(&s).await, [waits("a", ParkedState::Parked, 3)]);
    let letters = letters(&s).await;
    let bodies: Vec<_> = letters.iter().map(|l| body_text(&l.body)).collect();
    assert_eq!(bodies, ["a1", "a2", "a3"]);
    assert!(letters.iter().all(|l| l.parked));
    let failed: Vec<_> = letters.iter().map(|l| l.reason.is_some()).collect();
    assert_eq!(failed, [true, false, false], "the others only wait");
    let attempts: Vec<_> = letters.iter().map(|l| l.attempts).collect();
    assert_eq!(attempts, [1, 0, 0]);
    let info = s.describe().await;
    assert_eq!((info.pending, info.lag.events), (0, Count::Exactly(0)));
    assert_eq!((info.dead_letters, info.parked_keys), (3, 1));
}

pub(crate) async fn release_drains_in_order_before_newer_ones(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    let records = [("a", "a1"), ("a", "a2"), ("a", "a3")];
    assert!(park_first(&s, &*consumer, records).await.is_empty());
    assert_eq!(release(&s, "b").await, 0, "it is not parked");
    assert_eq!(release(&s, "a").await, 3);
    assert_eq!(parked(&s).await, [waits("a", ParkedState::Releasing, 3)]);
    s.publish_keyed([("a", "a4"), ("b", "b1")]).await;
    // One at a time, and the same when it is released again.
    let mut first = None;
    let mut others = Vec::new();
    while let Ok(batch) = tokio::time::timeout(QUIET, consumer.next(10)).await {
        let batch = batch.expect("a healthy log hands out records");
        let (released, rest): (Vec<_>, Vec<_>) =
            batch.deliveries.into_iter().partition(|d| d.released);
        for delivery in released {
            assert_eq!((text(&delivery).as_str(), delivery.attempts), ("a1", 1));
            assert_eq!(delivery.key.as_ref().map(Key::as_str), Some("a"));
            assert!(first.replace(delivery).is_none(), "one at a time");
        }
        others.extend(handle(&*consumer, &rest).await);
    }
    assert_eq!(others, ["b1"], "a4 waits for its elders");
    release(&s, "a").await;
    expect_quiet(&*consumer).await;
    let first = first.expect("the first of the key was released");
    assert_eq!(start(&*consumer, &first).await, 2);
    ack(&*consumer, &[first]).await;
    let handled = handle_some(&*consumer, 3).await;
    assert_eq!(handled, ["a2", "a3", "a4"]);
    assert_eq!(parked(&s).await, []);
    assert_eq!(letters(&s).await, []);
    assert_eq!(release(&s, "a").await, 0, "it is clear");
}

pub(crate) async fn failing_again_parks_again(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    park_first(&s, &*consumer, [("a", "a1"), ("a", "a2")]).await;
    assert_eq!(release(&s, "a").await, 2);
    let a1 = take_one(&*consumer).await;
    assert_eq!(start(&*consumer, &a1).await, 2);
    let again = Reason::new("timeout", "it still does not work");
    settled(&*consumer, &a1, park(again)).await;
    expect_quiet(&*consumer).await;
    assert_eq!(parked(&s).await, [waits("a", ParkedState::Parked, 2)]);
    let letters = letters(&s).await;
    let bodies: Vec<_> = letters.iter().map(|l| body_text(&l.body)).collect();
    assert_eq!(bodies, ["a1", "a2"], "it keeps its place");
    let why = letters[0].reason.as_ref().map(|r| r.class.as_str());
    assert_eq!((letters[0].attempts, why), (2, Some("timeout")));
    assert_eq!(release(&s, "a").await, 2);
    assert_eq!(handle_some(&*consumer, 2).await, ["a1", "a2"]);
    assert_eq!(parked(&s).await, []);
}

pub(crate) async fn a_key_is_clear_with_its_last_record(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    park_first(&s, &*consumer, [("a", "a1")]).await;
    release(&s, "a").await;
    let a1 = take_one(&*consumer).await;
    assert_eq!(parked(&s).await.len(), 1, "not before it is settled");
    ack(&*consumer, &[a1]).await;
    assert_eq!(parked(&s).await, []);
    s.publish_keyed([("a", "a2")]).await;
    let a2 = take_one(&*consumer).await;
    assert!(!a2.released);
    let follow = settle(&*consumer, &a2, FOLLOW).await;
    expect_kind(follow, ErrorKind::NotParked);
    ack(&*consumer, &[a2]).await;
    let info = s.describe().await;
    assert_eq!(
        (info.dead_letters, info.parked_keys, info.pending),
        (0, 0, 0)
    );
}

/// Records arrive while their key is drained: none may slip in between, none may stay behind.
pub(crate) async fn arrivals_while_draining_keep_their_order(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    let records = [("a", "0"), ("a", "1"), ("a", "2"), ("a", "3"), ("a", "4")];
    park_first(&s, &*consumer, records).await;
    release(&s, "a").await;
    let publisher = tokio::spawn({
        let log = s.open().await;
        let records: Vec<_> = (5..40)
            .map(|i| s.record(Some("a"), &i.to_string()))
            .collect();
        async move {
            for record in records {
                crate::scene::publish(&*log, &[record]).await;
                pass(Duration::from_millis(3)).await;
            }
        }
    });
    let handled = handle_some(&*consumer, 40).await;
    publisher.await.expect("a healthy log takes records");
    let wanted: Vec<_> = (0..40).map(|i| i.to_string()).collect();
    assert_eq!(handled, wanted);
    assert_eq!(parked(&s).await, []);
    assert_eq!(letters(&s).await, []);
}

pub(crate) async fn a_released_dead_letter_stays_and_lets_pass(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    park_first(&s, &*consumer, [("a", "a1"), ("a", "a2")]).await;
    release(&s, "a").await;
    let a1 = take_one(&*consumer).await;
    start(&*consumer, &a1).await;
    let bury = Outcome::DeadLetter { reason: reason() };
    settled(&*consumer, &a1, bury).await;
    assert_eq!(handle_some(&*consumer, 1).await, ["a2"]);
    assert_eq!(parked(&s).await, []);
    let letters = letters(&s).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(body_text(&letters[0].body), "a1");
    assert_eq!((letters[0].parked, letters[0].attempts), (false, 2));
}

pub(crate) async fn a_released_record_is_retried_in_its_place(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    park_first(&s, &*consumer, [("a", "a1"), ("a", "a2")]).await;
    release(&s, "a").await;
    for attempt in 2..=3 {
        let a1 = take_one(&*consumer).await;
        assert_eq!((text(&a1).as_str(), a1.released), ("a1", true));
        assert_eq!(start(&*consumer, &a1).await, attempt);
        settled(&*consumer, &a1, Outcome::Retry { at: None }).await;
    }
    assert_eq!(handle_some(&*consumer, 2).await, ["a1", "a2"]);
    assert_eq!(parked(&s).await, []);
}

pub(crate) async fn a_dead_consumers_released_record_passes_on(s: Scene) {
    s.make_group().await;
    let first = join(&*s.log, s.subscription().lease(SHORT_LEASE)).await;
    park_first(&s, &*first, [("a", "a1"), ("a", "a2")]).await;
    release(&s, "a").await;
    let held = take_one(&*first).await;
    assert_eq!(start(&*first, &held).await, 2);
    drop(first);
    let second = s.join().await;
    let a1 = take_one(&*second).await;
    assert_eq!((text(&a1).as_str(), a1.released), ("a1", true));
    assert_eq!(a1.attempts, 2);
    ack(&*second, &[a1]).await;
    assert_eq!(handle_some(&*second, 1).await, ["a2"]);
    assert_eq!(parked(&s).await, []);
}

pub(crate) async fn without_a_key_parking_is_a_dead_letter(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two"]).await;
    let consumer = s.join().await;
    let held = take(&*consumer, 2).await;
    settled(&*consumer, &held[0], park(reason())).await;
    assert_eq!(parked(&s).await, []);
    let letters = letters(&s).await;
    assert_eq!(letters.len(), 1);
    assert!(!letters[0].parked, "nothing waits behind it");
    // Nothing can wait behind no key: it is the caller's to run.
    let follow = settle(&*consumer, &held[1], FOLLOW).await;
    expect_kind(follow, ErrorKind::NotParked);
    ack(&*consumer, &held[1..]).await;
}

/// Records of foreign producers may have their key in the body only.
pub(crate) async fn the_callers_key_counts(s: Scene) {
    s.make_group().await;
    s.publish(["x1", "x2", "other"]).await;
    let consumer = s.join().await;
    let held = take(&*consumer, 3).await;
    let with_key = |reason| Outcome::Park {
        key: Some(Key::new("x")),
        reason,
    };
    let too_early = settle(&*consumer, &held[1], with_key(None)).await;
    expect_kind(too_early, ErrorKind::NotParked);
    settled(&*consumer, &held[0], with_key(Some(reason()))).await;
    settled(&*consumer, &held[1], with_key(None)).await;
    ack(&*consumer, &held[2..]).await;
    assert_eq!(parked(&s).await, [waits("x", ParkedState::Parked, 2)]);
    assert_eq!(release(&s, "x").await, 2);
    let x1 = take_one(&*consumer).await;
    assert_eq!(text(&x1), "x1");
    assert_eq!(x1.key.as_ref().map(Key::as_str), Some("x"));
    assert_eq!(x1.position, held[0].position, "where it stood in the topic");
    ack(&*consumer, &[x1]).await;
    assert_eq!(drain(&*consumer, 1).await, ["x2"]);
    assert_eq!(parked(&s).await, []);
}

pub(crate) async fn release_wakes_a_waiting_consumer(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    park_first(&s, &*consumer, [("a", "a1"), ("b", "b1")]).await;
    let waiting = tokio::spawn(async move { text(&take_one(&*consumer).await) });
    pass(Duration::from_millis(100)).await;
    let handle = s.open().await;
    let released = handle.release(&s.topic, &s.group, &Key::new("a")).await;
    assert_eq!(released.expect("the group is there"), 1);
    let woken = tokio::time::timeout(PATIENCE, waiting).await;
    assert_eq!(woken.expect("in time").expect("it is woken"), "a1");
}

pub(crate) async fn parked_keys_survive_reopening(s: Scene) {
    s.make_group().await;
    let first = s.join().await;
    park_first(&s, &*first, [("a", "a1"), ("a", "a2")]).await;
    close(&*first).await;
    drop(first);
    let handle = s.open().await;
    let parked = handle.parked(&s.topic, &s.group).await;
    let parked = parked.expect("the group is there");
    assert_eq!(parked, [waits("a", ParkedState::Parked, 2)]);
    let released = handle.release(&s.topic, &s.group, &Key::new("a")).await;
    assert_eq!(released.expect("the group is there"), 2);
    // The release survives the process that asked for it.
    drop(handle);
    let handle = s.open().await;
    let second = join(&*handle, s.subscription()).await;
    assert_eq!(handle_some(&*second, 2).await, ["a1", "a2"]);
}
