//! Trims, outages and limits (guarantees 8 and 9).

use std::sync::Arc;
use std::time::Duration;

use tidings_transport::{
    Count, ErrorKind, Memory, Ordering, Outcome, Position, Retention, Transport,
};
use tokio::time::sleep;

use crate::help::{
    AGAIN, LEASE, ack, failed, info, join, kind, poll, publish, record, settle, take, texts, topic,
};

#[tokio::test(start_paused = true)]
async fn trimming_spares_active_groups_up_to_the_hard_cap_and_counts_what_they_lose() {
    let log = Memory::new();
    let consumer = join(&log, Ordering::Key).await;
    publish(&log, &[(None, "1"), (None, "2"), (None, "3"), (None, "4")]).await;
    let held = consumer.next(2).await.unwrap().deliveries;
    ack(&consumer, &held[0]).await;
    let mut retention = Retention::default();
    retention.max_len = Some(0);
    for dry_run in [true, false] {
        retention.dry_run = dry_run;
        let trimmed = log.trim(&topic(), &retention).await.unwrap();
        assert_eq!((trimmed.removed, trimmed.spared), (1, 3));
    }
    assert_eq!(log.topics().await.unwrap()[0].length, 3);
    retention.hard_max_len = Some(1);
    let trimmed = log.trim(&topic(), &retention).await.unwrap();
    assert_eq!((trimmed.removed, trimmed.spared), (2, 1));
    // Of 2 and 3, the one in hand is not lost while it is there.
    let batch = poll(&consumer).await;
    assert_eq!(batch.gaps[0].lost, Count::Exactly(1));
    assert_eq!(batch.gaps[0].until, Some(Position::new("4")));
    assert_eq!(texts(&batch.deliveries), ["4"]);
    settle(&consumer, &held[1], AGAIN).await.unwrap();
    let batch = poll(&consumer).await;
    assert_eq!(batch.gaps[0].lost, Count::Exactly(1));
    assert_eq!(info(&log).await.lost, Count::Exactly(2));
    assert!(poll(&consumer).await.gaps.is_empty());
    // A group without a sign of life is not spared.
    sleep(Duration::from_secs(8 * 24 * 3600)).await;
    let mut retention = Retention::default();
    retention.max_age = Some(Duration::from_secs(1));
    let trimmed = log.trim(&topic(), &retention).await.unwrap();
    assert_eq!(trimmed.removed, 1);
    assert_eq!(info(&log).await.consumers.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_others_remove_is_reported_once_and_blocks_nothing() {
    let log = Memory::new();
    let consumer = join(&log, Ordering::Key).await;
    let k = Some("k");
    publish(&log, &[(k, "1"), (k, "2"), (k, "3")]).await;
    let held = consumer.next(1).await.unwrap().deliveries;
    assert_eq!(log.drop_records(&topic(), 2), 2);
    // What is in hand can still be settled; it was never lost.
    ack(&consumer, &held[0]).await;
    let batch = poll(&consumer).await;
    assert_eq!(texts(&batch.deliveries), ["3"]);
    assert_eq!(batch.gaps[0].lost, Count::Exactly(1));
    assert_eq!(batch.gaps[0].after, Some(Position::new("1")));
    // A body gone while its holder died: reported, cleared.
    log.drop_records(&topic(), 1);
    sleep(LEASE).await;
    assert_eq!(poll(&consumer).await.gaps[0].lost, Count::Exactly(1));
    assert_eq!(info(&log).await.pending, 0);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_away_fails_everything_and_comes_back() {
    let log = Memory::new();
    let consumer = join(&log, Ordering::Key).await;
    let waiting = {
        let consumer = Arc::clone(&consumer);
        tokio::spawn(async move { consumer.next(1).await })
    };
    tokio::task::yield_now().await;
    log.set_available(false);
    assert_eq!(kind(waiting.await.unwrap()), ErrorKind::Unavailable);
    let published = log.publish(&[record(None, "a")]).await.remove(0);
    assert!(published.unwrap_err().is_temporary());
    assert_eq!(kind(log.ping().await), ErrorKind::Unavailable);
    log.set_available(true);
    publish(&log, &[(None, "a")]).await;
    assert_eq!(texts(&take(&consumer).await), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_log_refuses_records_and_dead_letters_alone() {
    let log = Memory::with_max_bytes(300);
    let big = "x".repeat(200);
    let records = [record(None, "a"), record(None, &big), record(None, "b")];
    let results = log.publish(&records).await;
    let kinds = results.into_iter().map(|r| r.err().map(|e| e.kind()));
    let kinds: Vec<_> = kinds.into_iter().collect();
    assert_eq!(kinds, [None, Some(ErrorKind::Full), None]);
    let consumer = join(&log, Ordering::Key).await;
    let held = take(&consumer).await;
    let dead = || Outcome::DeadLetter { reason: failed() };
    // A failed dead-letter write is not an ack.
    let refused = settle(&consumer, &held[0], dead()).await;
    assert_eq!(kind(refused), ErrorKind::Full);
    assert_eq!(info(&log).await.pending, 2);
    ack(&consumer, &held[1]).await;
    log.drop_records(&topic(), 2);
    settle(&consumer, &held[0], dead()).await.unwrap();
    assert_eq!(info(&log).await.dead_letters, 1);
}
