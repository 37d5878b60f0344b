//! What becomes of events whose handlers fail: retry, park, skip, stop.

use std::collections::HashMap;
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings_runtime::{
    Backoff, Breaker, ConsumeError, ConsumerBuilder, Counts, HandlerError, Message, OnFailure,
    RetryPolicy,
};
use tidings_transport::{DeadLetter, Group, Key, Memory, Redelivery, Topic, Transport};
use tokio::time::Instant;

use crate::faulty::{Faults, Faulty};
use crate::support::{Handled, Journal, TOPIC, consuming, number, producer, publish};

const IDLE: Duration = Duration::from_secs(600);

fn topic() -> Topic {
    Topic::new(TOPIC).unwrap()
}

fn group() -> Group {
    Group::new("search").unwrap()
}

pub async fn letters(log: &Memory) -> Vec<DeadLetter> {
    log.dead_letters(&topic(), &group(), None, 10_000)
        .await
        .unwrap()
}

async fn parked_keys(log: &Memory) -> Vec<String> {
    let parked = log.parked(&topic(), &group()).await.unwrap();
    parked.iter().map(|p| p.key.as_str().to_owned()).collect()
}

/// Runs a consumer until nothing has come for ten minutes, with a verdict on each message. What
/// succeeded stands in the journal.
pub async fn run(
    builder: ConsumerBuilder,
    journal: &Journal,
    verdict: impl Fn(&Message) -> Handled + Clone + Send + Sync + 'static,
) -> Result<Counts, ConsumeError> {
    let journal = journal.clone();
    let handler = move |message: Message| {
        let (journal, verdict) = (journal.clone(), verdict.clone());
        async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            verdict(&message)?;
            journal.note(&message);
            Ok(())
        }
    };
    let consumer = builder.until_idle(IDLE).handler(handler);
    Ok(consumer.run(pending()).await?.counts)
}

/// Fails for good on the event of this number.
fn breaks_on(bad: usize) -> impl Fn(&Message) -> Handled + Clone {
    move |message| match number(message) {
        n if n == bad => Err(HandlerError::permanent("the course has no title")),
        _ => Ok(()),
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_event_parks_its_key_and_others_go_on() {
    for unkeyed in [false, true] {
        let log = Memory::new();
        publish(&producer(&log), &["a", "b", "a", "b", "a"]).await;
        let faults = Faults {
            unkeyed,
            ..Faults::default()
        };
        let bus = Arc::new(Faulty::new(log.clone(), faults));
        let journal = Journal::default();
        let counts = run(consuming(bus.clone()), &journal, breaks_on(0))
            .await
            .unwrap();
        assert_eq!(journal.all(), [1, 3], "b goes on");
        assert_eq!((counts.delivered, counts.parked, counts.dead), (2, 1, 0));
        assert_eq!(counts.followed, if unkeyed { 2 } else { 0 });
        assert_eq!(parked_keys(&log).await, ["a"]);
        let letters = letters(&log).await;
        assert_eq!(letters.len(), 3);
        let reason = letters[0].reason.as_ref().unwrap();
        assert_eq!(reason.class, "permanent");
        assert_eq!(reason.message, "the course has no title");
        assert!(
            letters[1..].iter().all(|l| l.reason.is_none()),
            "they only wait"
        );

        // Mended and released: the original order, before what is newer.
        log.release(&topic(), &group(), &Key::new("a"))
            .await
            .unwrap();
        publish(&producer(&log), &["a", "b"]).await;
        let journal = Journal::default();
        let counts = run(consuming(bus), &journal, |_| Ok(())).await.unwrap();
        assert_eq!(journal.of("a"), [0, 2, 4, 0]);
        assert_eq!(counts.delivered, 5);
        assert_eq!(parked_keys(&log).await, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn skipping_goes_on_with_the_key() {
    let log = Memory::new();
    publish(&producer(&log), &["a", "a", "a"]).await;
    let journal = Journal::default();
    let builder = consuming(Arc::new(log.clone())).on_failure(OnFailure::Skip);
    let counts = run(builder, &journal, breaks_on(1)).await.unwrap();
    assert_eq!(journal.all(), [0, 2]);
    assert_eq!((counts.dead, counts.parked), (1, 0));
    assert_eq!(parked_keys(&log).await, Vec::<String>::new());
    assert_eq!(letters(&log).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn stopping_gives_it_back_and_ends_with_an_error() {
    let log = Memory::new();
    publish(&producer(&log), &["a", "a", "a"]).await;
    let journal = Journal::default();
    let builder = || consuming(Arc::new(log.clone())).on_failure(OnFailure::Stop);
    let error = run(builder(), &journal, breaks_on(1)).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Stopped { .. }), "{error}");
    assert!(!error.is_temporary());
    assert_eq!(journal.all(), [0]);
    run(builder(), &journal, |_| Ok(())).await.unwrap();
    assert_eq!(journal.all(), [0, 1, 2], "nothing was left out");
}

#[tokio::test(start_paused = true)]
async fn what_stopped_it_with_all_attempts_spent_is_handled_at_the_next_start() {
    let log = Memory::new();
    publish(&producer(&log), &["a", "a"]).await;
    let retry = || RetryPolicy::default().max_attempts(2);
    let builder = || {
        let builder = consuming(Arc::new(log.clone())).on_failure(OnFailure::Stop);
        builder.retry(retry())
    };
    for round in 1..=2 {
        let attempts = Arc::new(Mutex::new(Vec::new()));
        let seen = attempts.clone();
        let verdict = move |message: &Message| {
            seen.lock().unwrap().push(message.attempt());
            Err(HandlerError::temporary("busy"))
        };
        let error = run(builder(), &Journal::default(), verdict)
            .await
            .unwrap_err();
        assert!(matches!(error, ConsumeError::Stopped { .. }), "{error}");
        let of_round = [2 * round - 1, 2 * round];
        assert_eq!(*attempts.lock().unwrap(), of_round);
    }
    let journal = Journal::default();
    run(builder(), &journal, |_| Ok(())).await.unwrap();
    assert_eq!(journal.all(), [0, 1], "mended, it is handled");
}

#[tokio::test(start_paused = true)]
async fn poison_holds_up_nothing_whatever_the_policy() {
    for policy in [OnFailure::ParkKey, OnFailure::Skip, OnFailure::Stop] {
        let log = Memory::new();
        publish(&producer(&log), &["a", "a"]).await;
        let journal = Journal::default();
        let builder = consuming(Arc::new(log.clone())).on_failure(policy);
        let verdict = |message: &Message| match number(message) {
            0 => Err(HandlerError::poison("its picture is no picture")),
            _ => Ok(()),
        };
        let counts = run(builder, &journal, verdict).await.unwrap();
        assert_eq!((counts.dead, journal.all()), (1, vec![1]));
        assert_eq!(
            letters(&log).await[0].reason.as_ref().unwrap().class,
            "poison"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_are_bounded_and_spread_out() {
    let log = Memory::new();
    publish(&producer(&log), &["a"]).await;
    let times = Arc::new(Mutex::new(Vec::new()));
    let verdict = {
        let times = times.clone();
        move |message: &Message| {
            let mut times = times.lock().unwrap();
            times.push(Instant::now());
            assert_eq!(message.attempt() as usize, times.len());
            Err(HandlerError::temporary("busy"))
        }
    };
    let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(8));
    let retry = RetryPolicy::default().max_attempts(12).backoff(backoff);
    let builder = consuming(Arc::new(log.clone())).retry(retry);
    let counts = run(builder, &Journal::default(), verdict).await.unwrap();
    assert_eq!((counts.retried, counts.parked), (11, 1));
    let times = times.lock().unwrap().clone();
    assert_eq!(times.len(), 12);
    for (i, pair) in times.windows(2).enumerate() {
        let most = backoff.ceiling(i as u32 + 1) + Duration::from_millis(20);
        assert!(pair[1] - pair[0] <= most, "attempt {}", i + 2);
    }
    let letter = &letters(&log).await[0];
    let reason = letter.reason.as_ref().unwrap();
    assert_eq!((letter.attempts, reason.class.as_str()), (12, "temporary"));
    assert!(reason.first_failure <= reason.last_failure);
}

#[tokio::test(start_paused = true)]
async fn a_total_time_bounds_the_failing() {
    let log = Memory::new();
    publish(&producer(&log), &["a"]).await;
    let retry = RetryPolicy::default()
        .max_attempts(1_000_000)
        .max_elapsed(Duration::from_secs(60));
    let first = Arc::new(Mutex::new(None));
    let last = Arc::new(Mutex::new(None));
    let verdict = {
        let (first, last) = (first.clone(), last.clone());
        move |_: &Message| {
            first.lock().unwrap().get_or_insert(Instant::now());
            *last.lock().unwrap() = Some(Instant::now());
            Err(HandlerError::temporary("busy"))
        }
    };
    let builder = consuming(Arc::new(log.clone())).retry(retry);
    let counts = run(builder, &Journal::default(), verdict).await.unwrap();
    assert_eq!(counts.parked, 1);
    let took = last.lock().unwrap().unwrap() - first.lock().unwrap().unwrap();
    let minute = Duration::from_secs(60);
    assert!(
        took >= minute && took < minute + Duration::from_secs(1),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hangs_is_cut_off_and_panics_are_caught() {
    let log = Memory::new();
    publish(&producer(&log), &["a", "b", "c"]).await;
    let retry = RetryPolicy::default()
        .max_attempts(2)
        .timeout(Duration::from_secs(5));
    let builder = consuming(Arc::new(log.clone()))
        .retry(retry)
        .until_idle(IDLE);
    let consumer = builder.handler(|message: Message| async move {
        match number(&message) {
            0 => pending().await,
            1 => panic!("no such course"),
            _ => Handled::Ok(()),
        }
    });
    let counts = consumer.run(pending()).await.unwrap().counts;
    assert_eq!((counts.delivered, counts.parked), (1, 2));
    let letters = letters(&log).await;
    let mut classes: Vec<_> = letters
        .iter()
        .map(|l| l.reason.clone().unwrap().class)
        .collect();
    classes.sort();
    assert_eq!(classes, ["panic", "timeout"]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_closes_says_nothing_of_the_message() {
    let log = Memory::new();
    publish(&producer(&log), &["a", "b", "c", "a", "b", "c"]).await;
    let journal = Journal::default();
    // Each of these would end in a dead letter or open the breaker, were it a failure.
    let retry = RetryPolicy::default().max_attempts(2);
    let builder = consuming(Arc::new(log.clone()))
        .retry(retry)
        .breaker(Breaker::default().keys(2));
    let began = Instant::now();
    let verdict = move |_: &Message| match began.elapsed() < Duration::from_secs(5) {
        true => Err(HandlerError::closing("nobody reads")),
        false => Ok(()),
    };
    let counts = run(builder, &journal, verdict).await.unwrap();
    assert_eq!((counts.delivered, counts.retried), (6, 0));
    assert_eq!((counts.parked, counts.breaker_opened), (0, 0));
    assert!(letters(&log).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_full_lane_of_a_failing_key_is_parked() {
    // The caller holds back successors here, so they fill its hand.
    for policy in [OnFailure::ParkKey, OnFailure::Skip] {
        let log = Memory::new();
        let mut keys = vec!["bad"; 2_500];
        keys.extend(["good"; 20]);
        publish(&producer(&log), &keys).await;
        let faults = Faults {
            unkeyed: true,
            ..Faults::default()
        };
        let bus = Arc::new(Faulty::new(log.clone(), faults));
        let retry = RetryPolicy::default()
            .max_attempts(1_000)
            .backoff(Backoff::new(
                Duration::from_secs(3600),
                Duration::from_secs(7200),
            ));
        let good = Arc::new(AtomicUsize::new(0));
        let builder = consuming(bus).retry(retry).on_failure(policy);
        let consumer = {
            let good = good.clone();
            builder.handler(move |message: Message| {
                let good = good.clone();
                async move {
                    if message.key().map(Key::as_str) == Some("bad") {
                        return Err(HandlerError::temporary("busy"));
                    }
                    good.fetch_add(1, Ordering::SeqCst);
                    Handled::Ok(())
                }
            })
        };
        let counters = consumer.counters();
        let done = async {
            while good.load(Ordering::SeqCst) < 20 {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let began = Instant::now();
        tokio::time::timeout(Duration::from_secs(7 * 24 * 3600), consumer.run(done))
            .await
            .expect("the good key is not held up for ever")
            .unwrap();
        let first = letters(&log).await.into_iter().next().unwrap();
        assert_eq!(first.reason.unwrap().class, "lane_full");
        let counts = counters.snapshot();
        match policy {
            OnFailure::ParkKey => {
                assert_eq!(counts.parked, 1);
                assert!(began.elapsed() < Duration::from_secs(3600), "at once");
            }
            _ => assert!(counts.dead > 0),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_parked_keys_pause_the_consumer() {
    let log = Memory::new();
    publish(&producer(&log), &["a", "b", "c", "d"]).await;
    let journal = Journal::default();
    let consumer = consuming(Arc::new(log.clone()))
        .max_parked_keys(2)
        .concurrency(1)
        .handler({
            let journal = journal.clone();
            move |message: Message| {
                let journal = journal.clone();
                async move {
                    if number(&message) < 3 {
                        return Err(HandlerError::permanent("no title"));
                    }
                    journal.note(&message);
                    Handled::Ok(())
                }
            }
        });
    let counters = consumer.counters();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(consumer.run(async move {
        let _ = stopped.await;
    }));
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let counts = counters.snapshot();
    assert_eq!((counts.parked, counts.parked_full), (2, 1));
    assert_eq!(
        journal.all(),
        Vec::<usize>::new(),
        "nothing is handled meanwhile"
    );
    let id = letters(&log).await[0].id.clone();
    for result in log.discard(&topic(), &group(), &[id]).await {
        result.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(counters.snapshot().parked, 3);
    assert_eq!(journal.all(), [3], "it goes on by itself");
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_handed_out_again_has_a_round_of_attempts() {
    let log = Memory::new();
    publish(&producer(&log), &["a"]).await;
    let works = Arc::new(AtomicBool::new(false));
    let tried: Arc<Mutex<HashMap<u32, usize>>> = Arc::default();
    let verdict = {
        let (works, tried) = (works.clone(), tried.clone());
        move |message: &Message| {
            *tried.lock().unwrap().entry(message.attempt()).or_default() += 1;
            match works.load(Ordering::SeqCst) {
                true => Ok(()),
                false => Err(HandlerError::temporary("busy")),
            }
        }
    };
    let builder = || {
        consuming(Arc::new(log.clone()))
            .retry(RetryPolicy::default().max_attempts(3))
            .breaker(Breaker::off())
    };
    let journal = Journal::default();
    run(builder(), &journal, verdict.clone()).await.unwrap();
    log.release(&topic(), &group(), &Key::new("a"))
        .await
        .unwrap();
    run(builder(), &journal, verdict.clone()).await.unwrap();
    assert_eq!(letters(&log).await[0].attempts, 6, "three more");
    assert_eq!(parked_keys(&log).await, ["a"]);
    works.store(true, Ordering::SeqCst);
    log.release(&topic(), &group(), &Key::new("a"))
        .await
        .unwrap();
    run(builder(), &journal, verdict).await.unwrap();
    assert_eq!(journal.all(), [0]);
    assert!(tried.lock().unwrap().values().all(|n| *n == 1));
    assert!(letters(&log).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_retried_alone_runs_and_goes() {
    let log = Memory::new();
    publish(&producer(&log), &["a", "a"]).await;
    let journal = Journal::default();
    let builder = || consuming(Arc::new(log.clone())).on_failure(OnFailure::Skip);
    run(builder(), &journal, breaks_on(0)).await.unwrap();
    let id = letters(&log).await[0].id.clone();
    let again = [Redelivery::DeadLetter(id)];
    log.redeliver(&topic(), &group(), &again)
        .await
        .remove(0)
        .unwrap();
    run(builder(), &journal, |_| Ok(())).await.unwrap();
    assert_eq!(journal.all(), [1, 0]);
    assert!(letters(&log).await.is_empty());
}
