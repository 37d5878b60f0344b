//! Events of one key come in publish order, one at a time (5).

use std::collections::HashMap;

use tidings_transport::Outcome;

use crate::scene::{
    LONG_LEASE, SHORT_LEASE, Scene, ack, close, drain, expect_quiet, join, next, publish, settled,
    take, take_one, text, texts,
};

pub(crate) async fn order_holds_across_batches_and_publishers(s: Scene) {
    s.make_group().await;
    let publishers = [s.open().await, s.open().await];
    let mut wanted: HashMap<&str, Vec<String>> = HashMap::new();
    let mut number = 0;
    for round in 0..10 {
        let mut batch = Vec::new();
        for key in ["a", "b", "c"] {
            for _ in 0..2 {
                number += 1;
                batch.push(s.record(Some(key), &format!("{key} {number}")));
                wanted
                    .entry(key)
                    .or_default()
                    .push(format!("{key} {number}"));
            }
        }
        publish(&*publishers[round % 2], &batch).await;
    }
    let consumer = s.join().await;
    let mut heard: HashMap<String, Vec<String>> = HashMap::new();
    for text in drain(&*consumer, number).await {
        heard.entry(text[..1].into()).or_default().push(text);
    }
    for (key, wanted) in wanted {
        assert_eq!(heard[key], wanted);
    }
}

pub(crate) async fn one_at_a_time_within_a_key(s: Scene) {
    s.make_group().await;
    s.publish_keyed([("a", "a1"), ("a", "a2"), ("a", "a3")])
        .await;
    let [first, second] = [s.join().await, s.join().await];
    let a1 = next(&*first, 10).await.deliveries;
    assert_eq!(texts(&a1), ["a1"], "one at a time");
    expect_quiet(&*second).await;
    expect_quiet(&*first).await;
    ack(&*first, &a1).await;
    let a2 = next(&*second, 10).await.deliveries;
    assert_eq!(texts(&a2), ["a2"]);
    expect_quiet(&*first).await;
    ack(&*second, &a2).await;
    assert_eq!(drain(&*first, 1).await, ["a3"]);
}

pub(crate) async fn keys_run_in_parallel(s: Scene) {
    s.make_group().await;
    s.publish_keyed([("a", "a1"), ("a", "a2"), ("b", "b1"), ("b", "b2")])
        .await;
    let [first, second] = [s.join().await, s.join().await];
    let a1 = take_one(&*first).await;
    let b1 = take_one(&*second).await;
    assert_eq!([text(&a1), text(&b1)], ["a1", "b1"], "both at once");
    // A key that is slow holds up no other.
    ack(&*second, &[b1]).await;
    assert_eq!(drain(&*second, 1).await, ["b2"]);
    ack(&*first, &[a1]).await;
    assert_eq!(drain(&*second, 1).await, ["a2"]);
}

pub(crate) async fn a_retry_keeps_its_place(s: Scene) {
    s.make_group().await;
    s.publish_keyed([("a", "a1"), ("a", "a2"), ("b", "b1")])
        .await;
    let [first, second] = [s.join().await, s.join().await];
    let held = take(&*first, 2).await;
    assert_eq!(texts(&held), ["a1", "b1"]);
    settled(&*first, &held[0], Outcome::Retry { at: None }).await;
    let a1 = take_one(&*second).await;
    assert_eq!(text(&a1), "a1", "again before its successor");
    expect_quiet(&*first).await;
    ack(&*second, &[a1]).await;
    assert_eq!(drain(&*second, 1).await, ["a2"]);
}

pub(crate) async fn a_delayed_retry_keeps_its_place(s: Scene) {
    s.make_group().await;
    s.publish_keyed([("a", "a1"), ("a", "a2"), ("b", "b1")])
        .await;
    let [first, second] = [s.join().await, s.join().await];
    let held = take(&*first, 2).await;
    assert_eq!(texts(&held), ["a1", "b1"]);
    let at = s.now() + std::time::Duration::from_millis(1_500);
    settled(&*first, &held[0], Outcome::Retry { at: Some(at) }).await;
    ack(&*first, &held[1..]).await;
    expect_quiet(&*second).await;
    s.publish_keyed([("b", "b2")]).await;
    assert_eq!(drain(&*second, 1).await, ["b2"], "other keys go on");
    assert_eq!(drain(&*second, 2).await, ["a1", "a2"]);
}

pub(crate) async fn a_dead_consumers_key_keeps_its_order(s: Scene) {
    s.make_group().await;
    s.publish_keyed([("a", "a1"), ("a", "a2"), ("a", "a3")])
        .await;
    let first = join(&*s.log, s.subscription().lease(SHORT_LEASE)).await;
    assert_eq!(text(&take_one(&*first).await), "a1");
    drop(first);
    let second = s.join().await;
    assert_eq!(drain(&*second, 3).await, ["a1", "a2", "a3"]);
}

pub(crate) async fn one_consumer_is_active_and_another_takes_over(s: Scene) {
    s.make_group().await;
    let short = s.subscription().lease(SHORT_LEASE);
    let active = join(&*s.log, short).await;
    s.publish_keyed([("a", "a1"), ("b", "b1"), ("a", "a2"), ("c", "c1")])
        .await;
    let handle = s.open().await;
    let held = take(&*active, 3).await;
    assert_eq!(texts(&held), ["a1", "b1", "a2"], "log order");
    ack(&*active, &held[..1]).await;
    let standby = join(&*handle, s.subscription()).await;
    // One that lives keeps everything, whatever it leaves lying in the log.
    for _ in 0..5 {
        let waiting = tokio::time::timeout(SHORT_LEASE / 4, standby.next(10)).await;
        assert!(waiting.is_err(), "a standby was handed something");
        for beat in active.heartbeat(&held[1..]).await {
            beat.expect("a beat in time");
        }
    }
    drop(active);
    s.publish_keyed([("a", "a3")]).await;
    let heard = drain(&*standby, 4).await;
    assert_eq!(heard, ["b1", "a2", "c1", "a3"], "from where the other was");
}

pub(crate) async fn leaving_hands_over_at_once(s: Scene) {
    s.make_group().await;
    let active = s.join().await;
    s.publish_keyed([("a", "a1"), ("a", "a2"), ("a", "a3")])
        .await;
    let held = take(&*active, 2).await;
    // Of two that join at once either may be the active one.
    let standby = s.join().await;
    let waiting = tokio::spawn(async move { drain(&*standby, 2).await });
    ack(&*active, &held[..1]).await;
    close(&*active).await;
    let heard = waiting.await.expect("the standby takes over at once");
    assert_eq!(heard, ["a2", "a3"]);
}

pub(crate) async fn without_order_all_compete(s: Scene) {
    s.make_group().await;
    s.publish_keyed([("a", "a1"), ("a", "a2"), ("a", "a3")])
        .await;
    let [first, second] = [
        s.join_unordered(LONG_LEASE).await,
        s.join_unordered(LONG_LEASE).await,
    ];
    let mut held = vec![take_one(&*first).await, take_one(&*second).await];
    held.push(take_one(&*first).await);
    assert_eq!(texts(&held), ["a1", "a2", "a3"], "all at once");
    ack(&*second, &held[1..2]).await;
    ack(&*first, &[held[0].clone(), held[2].clone()]).await;
    assert_eq!(s.describe().await.pending, 0);
}

/// Others may have parked keys while this consumer stood by.
pub(crate) async fn who_becomes_active_is_told(s: Scene) {
    s.make_group().await;
    let first = join(&*s.log, s.subscription()).await;
    s.publish(["one"]).await;
    let batch = next(&*first, 1).await;
    assert_eq!(batch.became_active, std::slice::from_ref(&s.topic));
    ack(&*first, &batch.deliveries).await;
    s.publish(["two"]).await;
    let batch = next(&*first, 1).await;
    assert_eq!(batch.became_active, [], "it was told");
    ack(&*first, &batch.deliveries).await;
    let second = join(&*s.log, s.subscription()).await;
    close(&*first).await;
    s.publish(["three"]).await;
    let batch = next(&*second, 1).await;
    assert_eq!(texts(&batch.deliveries), ["three"]);
    assert_eq!(batch.became_active, std::slice::from_ref(&s.topic));
    ack(&*second, &batch.deliveries).await;
}
