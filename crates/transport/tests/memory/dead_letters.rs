//! What failed for good, and what waits behind it (guarantee 6).

use tidings_transport::{ErrorKind, Key, Memory, Ordering, Outcome, ParkedState, Transport};
use tokio::time::sleep;

use crate::help::{
    AGAIN, LEASE, ack, failed, group, info, join, kind, park, publish, settle, start, take, text,
    texts, topic,
};

#[tokio::test(start_paused = true)]
async fn a_dead_letter_keeps_everything_and_lets_the_group_pass() {
    let log = Memory::new();
    publish(&log, &[(Some("k"), "a"), (Some("k"), "b")]).await;
    let consumer = join(&log, Ordering::Key).await;
    let held = take(&consumer).await;
    start(&consumer, &held[0]).await.unwrap();
    let reason = failed();
    let outcome = Outcome::DeadLetter {
        reason: reason.clone(),
    };
    settle(&consumer, &held[0], outcome).await.unwrap();
    assert_eq!(texts(&take(&consumer).await), ["b"]);
    let letters = log.dead_letters(&topic(), &group(), None, 10).await;
    let letter = letters.unwrap().remove(0);
    assert_eq!(text(&letter.body), "a");
    assert_eq!((letter.attempts, letter.parked), (1, false));
    assert_eq!(letter.position.as_str(), "1");
    assert_eq!(letter.consumer, "worker");
    assert_eq!(letter.reason.as_ref(), Some(&reason));
    let after = Some(&letter.id);
    let after = log.dead_letters(&topic(), &group(), after, 10).await;
    assert!(after.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_parked_key_waits_and_is_released_in_order_while_arrivals_append() {
    let log = Memory::new();
    let k = Some("k");
    publish(&log, &[(k, "k1"), (k, "k2"), (Some("l"), "l1")]).await;
    let consumer = join(&log, Ordering::Key).await;
    let held = take(&consumer).await;
    settle(&consumer, &held[0], park(Some(failed())))
        .await
        .unwrap();
    publish(&log, &[(k, "k3")]).await;
    assert!(take(&consumer).await.is_empty());
    let parked = log.parked(&topic(), &group()).await.unwrap().remove(0);
    assert_eq!((parked.state, parked.records), (ParkedState::Parked, 3));
    let key = Key::new("k");
    for _ in 0..2 {
        assert_eq!(log.release(&topic(), &group(), &key).await.unwrap(), 3);
    }
    for expected in ["k1", "k2", "k3", "k4"] {
        if expected == "k2" {
            publish(&log, &[(k, "k4")]).await;
        }
        let released = take(&consumer).await;
        assert_eq!(texts(&released), [expected]);
        assert!(released[0].released);
        ack(&consumer, &released[0]).await;
    }
    let info = info(&log).await;
    assert_eq!((info.dead_letters, info.parked_keys), (0, 0));
    publish(&log, &[(k, "k5")]).await;
    let next = take(&consumer).await;
    assert_eq!((texts(&next), next[0].released), (vec!["k5"], false));
    assert_eq!(log.release(&topic(), &group(), &key).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_released_record_that_fails_again_keeps_its_place() {
    let log = Memory::new();
    publish(&log, &[(Some("k"), "k1"), (Some("k"), "k2")]).await;
    let consumer = join(&log, Ordering::Key).await;
    let held = take(&consumer).await;
    start(&consumer, &held[0]).await.unwrap();
    settle(&consumer, &held[0], park(Some(failed())))
        .await
        .unwrap();
    let key = Key::new("k");
    log.release(&topic(), &group(), &key).await.unwrap();
    let released = take(&consumer).await;
    assert_eq!(start(&consumer, &released[0]).await.unwrap(), 2);
    // A lost lease changes nothing either.
    sleep(LEASE).await;
    let released = take(&consumer).await;
    assert_eq!((texts(&released), released[0].attempts), (vec!["k1"], 2));
    settle(&consumer, &released[0], park(Some(failed())))
        .await
        .unwrap();
    assert!(take(&consumer).await.is_empty());
    let parked = log.parked(&topic(), &group()).await.unwrap().remove(0);
    assert_eq!((parked.state, parked.records), (ParkedState::Parked, 2));
    log.release(&topic(), &group(), &key).await.unwrap();
    let released = take(&consumer).await;
    assert_eq!(texts(&released), ["k1"]);
    // Dead for good: the next one goes.
    let outcome = Outcome::DeadLetter { reason: failed() };
    settle(&consumer, &released[0], outcome).await.unwrap();
    let released = take(&consumer).await;
    assert_eq!(texts(&released), ["k2"]);
    settle(&consumer, &released[0], AGAIN).await.unwrap();
    let released = take(&consumer).await;
    ack(&consumer, &released[0]).await;
    let info = info(&log).await;
    assert_eq!((info.dead_letters, info.parked_keys), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_only_the_caller_knows_is_parked_by_the_caller() {
    let log = Memory::new();
    publish(&log, &[(None, "1"), (None, "2"), (None, "3")]).await;
    let consumer = join(&log, Ordering::Key).await;
    let held = take(&consumer).await;
    let key = Key::new("in-the-body");
    let with = |reason| Outcome::Park {
        key: Some(key.clone()),
        reason,
    };
    let early = settle(&consumer, &held[1], with(None)).await;
    assert_eq!(kind(early), ErrorKind::NotParked);
    settle(&consumer, &held[0], with(Some(failed())))
        .await
        .unwrap();
    settle(&consumer, &held[1], with(None)).await.unwrap();
    log.release(&topic(), &group(), &key).await.unwrap();
    settle(&consumer, &held[2], with(None)).await.unwrap();
    for expected in ["1", "2", "3"] {
        let released = take(&consumer).await;
        assert_eq!(texts(&released), [expected]);
        assert_eq!(released[0].key.as_ref(), Some(&key));
        ack(&consumer, &released[0]).await;
    }
    assert!(log.parked(&topic(), &group()).await.unwrap().is_empty());
    // Without any key parking is a dead letter.
    publish(&log, &[(None, "4")]).await;
    let held = take(&consumer).await;
    settle(&consumer, &held[0], park(Some(failed())))
        .await
        .unwrap();
    let letters = log.dead_letters(&topic(), &group(), None, 9).await.unwrap();
    assert_eq!((letters.len(), letters[0].parked), (1, false));
}
