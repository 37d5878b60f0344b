//! The breaker: a database that is down sends nothing to the dead letters.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tidings_runtime::{HandlerError, Message, RetryPolicy};
use tidings_telemetry::{Metrics, Telemetry};
use tidings_transport::{Key, Memory};
use tokio::time::Instant;

use crate::failing::{letters, run};
use crate::faulty::{Faults, Faulty};
use crate::support::{Handled, Journal, consuming, producer, publish};

/// A database that is down from the start until this time. Counts who asks it.
fn database(
    down_until: Instant,
    asked: &Arc<AtomicUsize>,
) -> impl Fn(&Message) -> Handled + Clone + use<> {
    let asked = asked.clone();
    move |_| {
        asked.fetch_add(1, Ordering::SeqCst);
        match Instant::now() < down_until {
            true => Err(HandlerError::temporary("connection refused")),
            false => Ok(()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_database_down_for_hours_sends_nothing_to_the_dead_letters() {
    for unkeyed in [false, true] {
        let log = Memory::new();
        let keys: Vec<String> = (0..600).map(|i| format!("k{}", i % 40)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        publish(&producer(&log), &keys).await;
        let faults = Faults {
            unkeyed,
            ..Faults::default()
        };
        let bus = Arc::new(Faulty::new(log.clone(), faults));
        let asked = Arc::new(AtomicUsize::new(0));
        let up_again = Instant::now() + Duration::from_secs(3 * 3600);
        let journal = Journal::default();
        // Time spent in an outage is no time that a message fails.
        let retry = RetryPolicy::default().max_elapsed(Duration::from_secs(300));
        let builder = consuming(bus).retry(retry).max_events(600);
        let counts = run(builder, &journal, database(up_again, &asked))
            .await
            .unwrap();
        assert_eq!((counts.delivered, counts.parked, counts.dead), (600, 0, 0));
        assert_eq!(counts.breaker_opened, 1);
        assert!(letters(&log).await.is_empty());
        for key in 0..40 {
            assert!(journal.of(&format!("k{key}")).is_sorted());
        }
        let wasted = asked.load(Ordering::SeqCst) - 600;
        // About one probe in 15 s, and what ran when it began.
        assert!((100..2_500).contains(&wasted), "{wasted} attempts in vain");
        assert!(counts.probes >= 100, "{}", counts.probes);
    }
}

#[tokio::test(start_paused = true)]
async fn the_gauge_of_the_breaker_is_up_while_the_database_is_down() {
    let log = Memory::new();
    let keys: Vec<String> = (0..50).map(|i| format!("k{i}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    publish(&producer(&log), &keys).await;
    let metrics = Metrics::new();
    let gauge = {
        let metrics = metrics.clone();
        move || {
            let text = metrics.encode();
            let mut lines = text.lines();
            let line = lines.find(|line| line.starts_with("tidings_breaker_open{"));
            line.and_then(|line| line.rsplit(' ').next())
                .map(str::to_owned)
        }
    };
    let up_again = Instant::now() + Duration::from_secs(3600);
    let asked = Arc::new(AtomicUsize::new(0));
    let builder = consuming(Arc::new(log))
        .telemetry(Telemetry::default().with_metrics(metrics))
        .max_events(50);
    let look = async {
        tokio::time::sleep_until(up_again - Duration::from_secs(1)).await;
        gauge()
    };
    let journal = Journal::default();
    let (during, counts) = tokio::join!(look, run(builder, &journal, database(up_again, &asked)));
    assert_eq!(counts.unwrap().breaker_opened, 1);
    assert_eq!(during.as_deref(), Some("1"));
    assert_eq!(gauge().as_deref(), Some("0"));
}

#[tokio::test(start_paused = true)]
async fn restarts_during_an_outage_use_up_no_attempts_by_probes() {
    let log = Memory::new();
    let keys: Vec<String> = (0..50).map(|i| format!("k{i}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    publish(&producer(&log), &keys).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let up_again = Instant::now() + Duration::from_secs(4 * 3600);
    let journal = Journal::default();
    for _ in 0..3 {
        let verdict = database(up_again, &asked);
        let consumer = consuming(Arc::new(log.clone())).handler(move |message: Message| {
            let verdict = verdict.clone();
            async move { verdict(&message) }
        });
        let hour = tokio::time::sleep(Duration::from_secs(3600));
        consumer.run(hour).await.unwrap();
    }
    let builder = consuming(Arc::new(log.clone())).max_events(50);
    let counts = run(builder, &journal, database(up_again, &asked))
        .await
        .unwrap();
    assert_eq!((counts.delivered, counts.parked), (50, 0));
    assert!(letters(&log).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_few_bad_keys_do_not_open_the_breaker_while_others_succeed() {
    let log = Memory::new();
    let keys: Vec<String> = (0..400).map(|i| format!("k{}", i % 40)).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    publish(&producer(&log), &keys).await;
    let journal = Journal::default();
    let builder = consuming(Arc::new(log.clone())).concurrency(4);
    let verdict = |message: &Message| match message.key().map(Key::as_str) {
        Some("k1" | "k11" | "k21" | "k31") => Err(HandlerError::temporary("busy")),
        _ => Ok(()),
    };
    let counts = run(builder, &journal, verdict).await.unwrap();
    assert_eq!((counts.delivered, counts.parked), (360, 4));
    assert_eq!(counts.breaker_opened, 0);
}
