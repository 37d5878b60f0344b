//! Traps that other event buses fell into.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tidings_runtime::{Backoff, Breaker, HandlerError, Message, OnFailure, RetryPolicy};
use tidings_transport::{Count, Group, Memory, Topic, Transport};
use tokio::sync::Notify;

use crate::faulty::{Faults, Faulty};
use crate::support::{Handled, Journal, TOPIC, consuming, number, producer, publish};

/// dapr #8284: publishing to the dead-letter topic failed, and the message was acknowledged all the
/// same. Here it stays in hand until its dead letter is stored, or comes again.
#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_cannot_be_stored_is_no_ack() {
    for policy in [OnFailure::ParkKey, OnFailure::Skip] {
        let log = Memory::new();
        publish(&producer(&log), &["a"]).await;
        let faults = Faults {
            refuse_letters: AtomicUsize::new(usize::MAX),
            ..Faults::default()
        };
        let bus = Faulty::new(log.clone(), faults);
        let consume = || {
            let builder = consuming(Arc::new(bus.clone())).on_failure(policy);
            builder.handler(|_: Message| async { Handled::Err(HandlerError::permanent("no")) })
        };
        let (topic, group) = (Topic::new(TOPIC).unwrap(), Group::new("search").unwrap());
        // It is killed while the dead-letter log takes nothing.
        let day = Duration::from_secs(24 * 3600);
        let killed = tokio::time::timeout(day, consume().run(pending())).await;
        assert!(killed.is_err());
        assert!(
            bus.faults.refused.load(Ordering::SeqCst) > 100,
            "it tries again and again"
        );
        let info = log.groups(&topic).await.unwrap().remove(0);
        assert_eq!((info.lag.events, info.dead_letters), (Count::Exactly(1), 0));
        // It comes again, and is stored once there is room.
        bus.faults.refuse_letters.store(5, Ordering::SeqCst);
        let consumer = consume();
        let counters = consumer.counters();
        let hour = tokio::time::sleep(Duration::from_secs(3600));
        consumer.run(hour).await.unwrap();
        let counts = counters.snapshot();
        assert_eq!(counts.parked + counts.dead, 1);
        let info = log.groups(&topic).await.unwrap().remove(0);
        assert_eq!((info.lag.events, info.dead_letters), (Count::Exactly(0), 1));
        assert_eq!(
            log.dead_letters(&topic, &group, None, 9)
                .await
                .unwrap()
                .len(),
            1
        );
    }
}

/// watermill #224: a nacked message was delivered again at once and for ever, and the whole group
/// waited behind it.
#[tokio::test(start_paused = true)]
async fn a_message_that_keeps_failing_blocks_no_other_key() {
    for unkeyed in [false, true] {
        let log = Memory::new();
        let mut keys = vec!["bad"; 3];
        keys.extend(["good"; 200]);
        publish(&producer(&log), &keys).await;
        let faults = Faults {
            unkeyed,
            ..Faults::default()
        };
        let bus = Arc::new(Faulty::new(log.clone(), faults));
        let journal = Journal::default();
        let retry = RetryPolicy::default().max_attempts(u32::MAX);
        let consumer = consuming(bus).retry(retry).concurrency(1).handler({
            let journal = journal.clone();
            move |message: Message| {
                let journal = journal.clone();
                async move {
                    if number(&message) < 3 {
                        return Err(HandlerError::temporary("busy"));
                    }
                    journal.note(&message);
                    Handled::Ok(())
                }
            }
        });
        let minute = tokio::time::sleep(Duration::from_secs(60));
        consumer.run(minute).await.unwrap();
        assert_eq!(journal.all(), (3..203).collect::<Vec<_>>());
    }
}

/// faststream #1603: retries were counted by each process for itself, so that a message that ends
/// its process was tried for ever.
#[tokio::test(start_paused = true)]
async fn attempts_are_counted_across_processes_that_die() {
    let log = Memory::new();
    publish(&producer(&log), &["a"]).await;
    let started = Arc::new(AtomicUsize::new(0));
    for _ in 0..40 {
        let started = started.clone();
        let retry = RetryPolicy::default().max_attempts(5);
        let consumer = consuming(Arc::new(log.clone())).retry(retry).handler({
            move |_: Message| {
                started.fetch_add(1, Ordering::SeqCst);
                // The process dies in the middle of it.
                pending::<Handled>()
            }
        });
        let life = Duration::from_secs(40);
        let _ = tokio::time::timeout(life, consumer.run(pending())).await;
    }
    assert_eq!(started.load(Ordering::SeqCst), 5);
    let (topic, group) = (Topic::new(TOPIC).unwrap(), Group::new("search").unwrap());
    let letters = log.dead_letters(&topic, &group, None, 9).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].reason.as_ref().unwrap().class, "attempts");
}

/// A message that ends its process takes the attempts of all that run beside it, so that innocent
/// ones were given up without ever having failed.
#[tokio::test(start_paused = true)]
async fn what_ends_its_process_does_not_use_up_its_neighbours() {
    let log = Memory::new();
    let keys = ["a", "b", "killer", "c", "d", "e"];
    publish(&producer(&log), &keys).await;
    let (handled, killed) = (Journal::default(), Arc::new(AtomicUsize::new(0)));
    for _ in 0..40 {
        let died = Arc::new(Notify::new());
        let consumer = consuming(Arc::new(log.clone()))
            .retry(RetryPolicy::default().max_attempts(3))
            .handler({
                let (died, killed, handled) = (died.clone(), killed.clone(), handled.clone());
                move |message: Message| {
                    let (died, killed, handled) = (died.clone(), killed.clone(), handled.clone());
                    async move {
                        if message.key().unwrap().as_str() == "killer" {
                            killed.fetch_add(1, Ordering::SeqCst);
                            died.notify_one();
                            return pending::<Handled>().await;
                        }
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        handled.note(&message);
                        Ok(())
                    }
                }
            });
        // The process is gone when it dies: nobody drains, nobody leaves.
        tokio::select! {
            _ = consumer.run(pending()) => {}
            () = died.notified() => {}
            () = tokio::time::sleep(Duration::from_secs(40)) => {}
        }
        tokio::time::sleep(Duration::from_secs(40)).await;
    }
    assert_eq!(killed.load(Ordering::SeqCst), 3);
    assert_eq!(handled.sorted(), [0, 1, 3, 4, 5]);
    let (topic, group) = (Topic::new(TOPIC).unwrap(), Group::new("search").unwrap());
    let letters = log.dead_letters(&topic, &group, None, 9).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].reason.as_ref().unwrap().class, "attempts");
}

/// CAP #511: every replica of a service retried a failed message, all at the same time.
#[tokio::test(start_paused = true)]
async fn one_replica_retries_and_not_every_one() {
    let log = Memory::new();
    publish(&producer(&log), &["a", "b", "c"]).await;
    let (started, running, most) =
        <(Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
    let mut replicas = Vec::new();
    for _ in 0..5 {
        let (started, running, most) = (started.clone(), running.clone(), most.clone());
        let retry = RetryPolicy::default()
            .max_attempts(4)
            .backoff(Backoff::new(Duration::from_secs(1), Duration::from_secs(5)));
        let consumer = consuming(Arc::new(log.clone()))
            .retry(retry)
            .breaker(Breaker::off())
            .handler(move |_: Message| {
                let (started, running, most) = (started.clone(), running.clone(), most.clone());
                async move {
                    started.fetch_add(1, Ordering::SeqCst);
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    running.fetch_sub(1, Ordering::SeqCst);
                    Handled::Err(HandlerError::temporary("busy"))
                }
            });
        let hour = tokio::time::sleep(Duration::from_secs(3600));
        replicas.push(tokio::spawn(consumer.run(hour)));
    }
    for replica in replicas {
        replica.await.unwrap().unwrap();
    }
    assert_eq!(
        started.load(Ordering::SeqCst),
        3 * 4,
        "each message four times in all"
    );
    assert!(most.load(Ordering::SeqCst) <= 3, "no message twice at once");
}
