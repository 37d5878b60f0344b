//! Events that end the process, and what is in hand beside them.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings_runtime::{ConsumerBuilder, Message, RetryPolicy};
use tidings_transport::Memory;
use tokio::sync::Notify;

use crate::failing::letters;
use crate::support::{Handled, consuming, number, producer, publish};

/// Starts a consumer again and again, as a supervisor does. On the event `killer` its process ends;
/// `before` is what other handlers wait for. Returns with which attempt each event was handled.
async fn survive(
    log: &Memory,
    set_up: impl Fn(ConsumerBuilder) -> ConsumerBuilder,
    killer: usize,
    others: Duration,
) -> HashMap<usize, u32> {
    let handled: Arc<Mutex<HashMap<usize, u32>>> = Arc::default();
    for _ in 0..40 {
        let (killed, handled) = (Arc::new(Notify::new()), handled.clone());
        let handler = {
            let killed = killed.clone();
            move |message: Message| {
                let (killed, handled) = (killed.clone(), handled.clone());
                async move {
                    if number(&message) == killer {
                        killed.notify_one();
                        return pending::<Handled>().await;
                    }
                    if !others.is_zero() {
                        tokio::time::sleep(others).await;
                    }
                    let mut handled = handled.lock().unwrap();
                    let before = handled.insert(number(&message), message.attempt());
                    assert_eq!(before, None, "handled twice: {message:?}");
                    Ok(())
                }
            }
        };
        let consumer = set_up(consuming(Arc::new(log.clone())))
            .until_idle(Duration::from_secs(600))
            .handler(handler);
        tokio::select! {
            ended = consumer.run(pending()) => {
                ended.unwrap();
                break;
            }
            // What others have done by then is settled: the loops of the consumer run before this.
            () = async { killed.notified().await; tokio::task::yield_now().await } => {}
        }
    }
    let handled = handled.lock().unwrap();
    handled.clone()
}

fn keys(n: usize) -> Vec<String> {
    (0..n).map(|n| format!("k{n}")).collect()
}

/// Publishes events of different keys.
async fn publish_different(log: &Memory, n: usize) {
    let keys = keys(n);
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    publish(&producer(log), &keys).await;
}

async fn assert_only_letter(log: &Memory, killer: usize, attempts: u32) {
    let letters = letters(log).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].reason.as_ref().unwrap().class, "attempts");
    assert_eq!(letters[0].attempts, attempts);
    assert_eq!(
        letters[0].key.as_ref().unwrap().as_str(),
        format!("k{killer}")
    );
}

/// A call that may wait inside of the handler is none that has begun.
#[tokio::test(start_paused = true)]
async fn what_waits_behind_what_kills_is_not_counted() {
    for ahead in [0, 1] {
        let log = Memory::new();
        publish_different(&log, 10).await;
        let one = |builder: ConsumerBuilder| builder.concurrency(1).calls_ahead(ahead);
        let handled = survive(&log, one, 0, Duration::ZERO).await;
        assert_eq!(handled, (1..10).map(|n| (n, 1)).collect());
        assert_only_letter(&log, 0, 8).await;
    }
}

/// What runs beside it dies with it, and is handled all the same in the end.
#[tokio::test(start_paused = true)]
async fn what_dies_with_it_is_not_given_up() {
    for attempts in [2, 3, 8] {
        let log = Memory::new();
        publish_different(&log, 12).await;
        let four = |builder: ConsumerBuilder| {
            let retry = RetryPolicy::default().max_attempts(attempts);
            builder.concurrency(4).retry(retry)
        };
        let handled = survive(&log, four, 2, Duration::from_secs(1)).await;
        let all: Vec<_> = (0..12).filter(|n| *n != 2).collect();
        let mut found: Vec<_> = handled.keys().copied().collect();
        found.sort_unstable();
        assert_eq!(found, all, "with {attempts} attempts");
        assert!(handled.values().all(|attempt| *attempt <= attempts));
        assert_only_letter(&log, 2, attempts).await;
    }
}

/// Starts of fast handlers are counted a batch at a time; but once for each, not with every death.
#[tokio::test(start_paused = true)]
async fn what_was_started_ahead_of_it_is_counted_once_too_often_at_most() {
    let log = Memory::new();
    publish_different(&log, 400).await;
    let one = |builder: ConsumerBuilder| builder.concurrency(1);
    let handled = survive(&log, one, 200, Duration::ZERO).await;
    assert_eq!(handled.len(), 399);
    assert!(handled.values().all(|attempt| *attempt <= 2), "{handled:?}");
    assert_only_letter(&log, 200, 8).await;
}

/// With a single attempt nothing is started ahead: it would be given up unseen.
#[tokio::test(start_paused = true)]
async fn a_single_attempt_is_not_used_up_unseen() {
    let log = Memory::new();
    publish_different(&log, 400).await;
    let single = |builder: ConsumerBuilder| {
        builder
            .concurrency(1)
            .retry(RetryPolicy::default().max_attempts(1))
    };
    let handled = survive(&log, single, 200, Duration::ZERO).await;
    assert_eq!(
        handled,
        (0..400).filter(|n| *n != 200).map(|n| (n, 1)).collect()
    );
    assert_only_letter(&log, 200, 1).await;
}
