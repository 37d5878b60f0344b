//! Who holds what, for how long, in which order (guarantees 4 and 5).

use std::sync::Arc;
use std::time::Duration;

use tidings_transport::{Count, ErrorKind, Memory, Ordering, Outcome};
use tokio::time::sleep;

use crate::help::{AGAIN, LEASE, ack, info, join, kind, publish, settle, start, take, texts};

#[tokio::test(start_paused = true)]
async fn a_lease_that_runs_out_hands_the_delivery_on_with_its_attempts() {
    let log = Memory::new();
    publish(&log, &[(None, "a")]).await;
    let dying = join(&log, Ordering::Key).await;
    let held = take(&dying).await;
    assert_eq!(start(&dying, &held[0]).await.unwrap(), 1);
    let heir = join(&log, Ordering::Key).await;
    let waiting = {
        let heir = Arc::clone(&heir);
        tokio::spawn(async move { heir.next(10).await.unwrap().deliveries })
    };
    // A heartbeat keeps it beyond the first lease.
    sleep(LEASE * 2 / 3).await;
    dying.heartbeat(&held).await.remove(0).unwrap();
    sleep(LEASE * 2 / 3).await;
    assert!(!waiting.is_finished());
    let handed = waiting.await.unwrap();
    assert_eq!(handed[0].attempts, 1);
    for stale in [
        kind(settle(&dying, &held[0], Outcome::Ack).await),
        kind(dying.heartbeat(&held).await.remove(0)),
        kind(start(&dying, &held[0]).await),
    ] {
        assert_eq!(stale, ErrorKind::Stale);
    }
    assert_eq!(start(&heir, &handed[0]).await.unwrap(), 2);
    ack(&heir, &handed[0]).await;
    assert_eq!(info(&log).await.lag.events, Count::Exactly(0));
}

#[tokio::test(start_paused = true)]
async fn closing_gives_back_at_once_and_prefetching_is_no_attempt() {
    let log = Memory::new();
    publish(&log, &[(None, "a"), (None, "b")]).await;
    let leaving = join(&log, Ordering::Key).await;
    let held = take(&leaving).await;
    start(&leaving, &held[0]).await.unwrap();
    leaving.close().await.unwrap();
    assert_eq!(kind(leaving.next(1).await), ErrorKind::Closed);
    let late = settle(&leaving, &held[0], Outcome::Ack).await;
    assert_eq!(kind(late), ErrorKind::Closed);
    let heir = join(&log, Ordering::Key).await;
    let handed = take(&heir).await;
    let attempts: Vec<_> = handed.iter().map(|d| d.attempts).collect();
    assert_eq!((texts(&handed), attempts), (vec!["a", "b"], vec![1, 0]));
    assert_eq!(info(&log).await.consumers.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_goes_one_at_a_time_among_competitors_and_others_go_on() {
    let log = Memory::new();
    let k = Some("k");
    publish(
        &log,
        &[(k, "k1"), (k, "k2"), (Some("l"), "l1"), (None, "n")],
    )
    .await;
    let one = join(&log, Ordering::Key).await;
    let two = join(&log, Ordering::Key).await;
    let first = take(&one).await;
    assert_eq!(texts(&first), ["k1", "l1", "n"]);
    assert!(take(&two).await.is_empty());
    // Looked at, but never handed out: the position stays before it.
    assert_eq!(info(&log).await.position.as_str(), "1");
    ack(&one, &first[0]).await;
    let second = take(&two).await;
    assert_eq!(texts(&second), ["k2"]);
    // Given back, it is still the next of its key.
    publish(&log, &[(k, "k3")]).await;
    settle(&two, &second[0], AGAIN).await.unwrap();
    assert_eq!(texts(&take(&one).await), ["k2"]);
}

#[tokio::test(start_paused = true)]
async fn without_ordering_a_key_goes_to_all() {
    let log = Memory::new();
    let k = Some("k");
    publish(&log, &[(k, "1"), (k, "2"), (k, "3")]).await;
    let one = join(&log, Ordering::None).await;
    let two = join(&log, Ordering::None).await;
    let first = one.next(1).await.unwrap().deliveries;
    let rest = take(&two).await;
    assert_eq!((texts(&first), texts(&rest)), (vec!["1"], vec!["2", "3"]));
}

#[tokio::test(start_paused = true)]
async fn a_retry_waits_for_its_time_and_holds_back_its_key_only() {
    let log = Memory::new();
    let k = Some("k");
    publish(&log, &[(k, "k1"), (k, "k2"), (Some("l"), "l1")]).await;
    let consumer = join(&log, Ordering::Key).await;
    let first = consumer.next(1).await.unwrap().deliveries;
    start(&consumer, &first[0]).await.unwrap();
    let at = Some(first[0].received.unwrap() + Duration::from_secs(3600));
    let later = Outcome::Retry { at };
    settle(&consumer, &first[0], later).await.unwrap();
    let other = take(&consumer).await;
    assert_eq!(texts(&other), ["l1"]);
    ack(&consumer, &other[0]).await;
    let before = tokio::time::Instant::now();
    let again = consumer.next(10).await.unwrap().deliveries;
    assert!(before.elapsed() >= Duration::from_secs(3590));
    assert_eq!((texts(&again), again[0].attempts), (vec!["k1"], 1));
}
