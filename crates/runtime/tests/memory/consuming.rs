//! Success, failure, retry, dead letters.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tidings_runtime::Message;
use tidings_transport::Memory;

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
