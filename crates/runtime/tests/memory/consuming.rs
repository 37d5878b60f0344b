//! Success, failure, retry, dead letters.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering as Atomic;
use std::time::Duration;

use tidings_runtime::Message;
use tidings_transport::Memory;

use crate::faulty::{Faults, Faulty};
use crate::support::{Handled, Journal, consuming, producer, publish};

#[tokio::test(start_paused = true)]
async fn everything_is_handled_once_and_in_order_per_key() {
    let log = Memory::new();
    let keys: Vec<&str> = (0..500).map(|i| ["a", "b", "c", "d"][i * 7 % 4]).collect();
    publish(&producer(&log), &keys).await;
    let journal = Journal::default();
    let consumer = consuming(Arc::new(log)).max_events(500);
    let handler = {
        let journal = journal.clone();
        move |message: Message| {
            let journal = journal.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                journal.note(&message);
                Handled::Ok(())
            }
        }
    };
    let summary = consumer.handler(handler).run(pending()).await.unwrap();
    assert_eq!(summary.counts.delivered, 500);
    assert_eq!(journal.sorted(), (0..500).collect::<Vec<_>>());
    for key in ["a", "b", "c", "d"] {
        assert!(journal.of(key).is_sorted(), "key {key}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_an_hour_keeps_its_lease() {
    let log = Memory::new();
    publish(&producer(&log), &["a", "b", "c"]).await;
    let journal = Journal::default();
    let consumer = || consuming(Arc::new(log.clone())).until_idle(Duration::from_secs(7_200));
    let handler = || {
        let journal = journal.clone();
        move |message: Message| {
            let journal = journal.clone();
            async move {
                assert_eq!(message.attempt(), 1, "nobody else began it");
                tokio::time::sleep(Duration::from_secs(3_600)).await;
                journal.note(&message);
                Handled::Ok(())
            }
        }
    };
    // Two of one group, so that a lease that ended would be seen by the other.
    let (first, second) = (consumer().handler(handler()), consumer().handler(handler()));
    let (first, second) = tokio::join!(first.run(pending()), second.run(pending()));
    let (first, second) = (first.unwrap().counts, second.unwrap().counts);
    assert_eq!(first.delivered + second.delivered, 3);
    assert_eq!((first.stale, second.stale), (0, 0));
    assert_eq!(journal.sorted(), [0, 1, 2]);
}

#[tokio::test]
async fn a_handler_that_outlasts_the_idle_time_is_waited_for_at_rest() {
    let log = Memory::new();
    publish(&producer(&log), &["a"]).await;
    let log = Faulty::new(log, Faults::default());
    let faults = log.faults.clone();
    let handler = |_: Message| async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        Handled::Ok(())
    };
    let consumer = consuming(Arc::new(log)).until_idle(Duration::from_millis(20));
    let summary = consumer.handler(handler).run(pending()).await.unwrap();
    assert_eq!(summary.counts.delivered, 1);
    let asked = faults.asked.load(Atomic::SeqCst);
    assert!(asked < 60, "the log was asked {asked} times for one event");
}
