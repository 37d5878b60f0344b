//! The consumer under random handlers, failures, crashes, parking and release, against a model that
//! is too simple to be wrong: what each key is to hear, in its order.

use std::collections::{BTreeMap, HashMap};
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::Config;
use proptest::{prop_assert, prop_assert_eq, proptest};
use tidings_runtime::{Backoff, HandlerError, Message, OnFailure, RetryPolicy};
use tidings_transport::{Group, Key, Memory, ParkedState, Topic, Transport};

use crate::faulty::{Faults, Faulty};
use crate::support::{Handled, TOPIC, consuming, number, producer};

const KEYS: [&str; 4] = ["a", "b", "c", "d"];

/// What one attempt at an event comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    Busy,
    Bad,
    Poison,
    Panic,
}

#[derive(Debug, Clone)]
enum Step {
    /// Events of these keys.
    Publish(Vec<usize>),
    /// A consumer that drains after so many milliseconds.
    Run(u64),
    /// A consumer that dies then.
    Crash(u64),
    Release(usize),
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        12 => Just(Verdict::Good),
        4 => Just(Verdict::Busy),
        2 => Just(Verdict::Bad),
        1 => Just(Verdict::Poison),
        1 => Just(Verdict::Panic),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => vec(0_usize..4, 1..12).prop_map(Step::Publish),
        3 => (1_u64..2_000).prop_map(Step::Run),
        2 => (1_u64..2_000).prop_map(Step::Crash),
        2 => (0_usize..4).prop_map(Step::Release),
    ]
}

/// What happened to each event.
#[derive(Default)]
struct Books {
    /// Verdicts to come, by event; then all is good.
    verdicts: HashMap<usize, Vec<Verdict>>,
    /// Events that a handler succeeded on, in the order of the first success, by key.
    done: BTreeMap<String, Vec<usize>>,
    /// Events that were given up without holding up their key.
    poisoned: Vec<usize>,
    /// What runs now, by key, with the number of the consumer.
    running: HashMap<String, usize>,
    broken: Vec<String>,
}

fn handler(
    books: &Arc<Mutex<Books>>,
    life: usize,
) -> impl Fn(Message) -> std::pin::Pin<Box<dyn Future<Output = Handled> + Send>> + Send + Sync + use<>
{
    let books = books.clone();
    move |message: Message| {
        let books = books.clone();
        Box::pin(async move {
            let (key, n) = (message.key().unwrap().as_str().to_owned(), number(&message));
            {
                let mut books = books.lock().unwrap();
                let other = books.running.insert(key.clone(), life);
                if other == Some(life) {
                    books.broken.push(format!("two of {key} at once"));
                }
            }
            tokio::time::sleep(Duration::from_millis(7)).await;
            let mut books = books.lock().unwrap();
            books.running.remove(&key);
            let verdict = books.verdicts.get_mut(&n).and_then(Vec::pop);
            match verdict.unwrap_or(Verdict::Good) {
                Verdict::Good => {
                    let done = books.done.entry(key).or_default();
                    if !done.contains(&n) {
                        done.push(n);
                    }
                    Ok(())
                }
                Verdict::Busy => Err(HandlerError::temporary("busy")),
                Verdict::Bad => Err(HandlerError::permanent("bad")),
                Verdict::Poison => {
                    books.poisoned.push(n);
                    Err(HandlerError::poison("poison"))
                }
                Verdict::Panic => {
                    drop(books);
                    panic!("on purpose")
                }
            }
        })
    }
}

async fn play(
    steps: Vec<Step>,
    verdicts: Vec<Vec<Verdict>>,
    unkeyed: bool,
) -> (Books, BTreeMap<String, Vec<usize>>) {
    let log = Memory::new();
    let faults = Faults {
        unkeyed,
        ..Faults::default()
    };
    let bus = Arc::new(Faulty::new(log.clone(), faults));
    let producer = producer(&log);
    let books = Arc::new(Mutex::new(Books {
        verdicts: verdicts.into_iter().enumerate().collect(),
        ..Books::default()
    }));
    let (topic, group) = (Topic::new(TOPIC).unwrap(), Group::new("search").unwrap());
    let start = tidings_transport::Start::Earliest;
    log.create_group(&topic, &group, &start).await.unwrap();
    let mut published: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let (mut next, mut life) = (0, 0);
    let consumer = |life| {
        let retry = RetryPolicy::default().max_attempts(3).backoff(Backoff::new(
            Duration::from_millis(20),
            Duration::from_millis(200),
        ));
        consuming(bus.clone())
            .retry(retry)
            .on_failure(OnFailure::ParkKey)
            .lease(Duration::from_millis(900))
            // With all of it in hand at once this log, which has keyed order inside, moves no
            // successor by itself.
            .concurrency(if unkeyed { 300 } else { 3 })
            .handler(handler(&books, life))
    };
    for step in steps {
        life += 1;
        match step {
            Step::Publish(keys) => {
                for key in keys {
                    let key = KEYS[key];
                    let data = format!(r#"{{"course_key":"{key}","n":{next}}}"#);
                    let event = producer.event(crate::support::CREATED).data_json(data);
                    producer.publish(event).await.unwrap();
                    published.entry(key.to_owned()).or_default().push(next);
                    next += 1;
                }
            }
            Step::Run(ms) => {
                let end = tokio::time::sleep(Duration::from_millis(ms));
                consumer(life).run(end).await.unwrap();
            }
            Step::Crash(ms) => {
                let dies = Duration::from_millis(ms);
                let _ = tokio::time::timeout(dies, consumer(life).run(pending())).await;
                // Whatever ran is gone with it.
                books.lock().unwrap().running.clear();
                if unkeyed {
                    // Such a log makes the next consumer active after the lease, and hands it
                    // everything in order; this one would let both compete.
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            Step::Release(key) => {
                log.release(&topic, &group, &Key::new(KEYS[key]))
                    .await
                    .unwrap();
            }
        }
    }
    // All is mended, and everything is released until nothing waits.
    books.lock().unwrap().verdicts.clear();
    for _ in 0..200 {
        life += 1;
        for parked in log.parked(&topic, &group).await.unwrap() {
            if parked.state == ParkedState::Parked {
                log.release(&topic, &group, &parked.key).await.unwrap();
            }
        }
        let quiet = consumer(life);
        let end = tokio::time::sleep(Duration::from_secs(5));
        quiet.run(end).await.unwrap();
        let info = log.groups(&topic).await.unwrap().remove(0);
        let settled = info.lag.events == tidings_transport::Count::Exactly(0);
        if settled && info.parked_keys == 0 {
            break;
        }
    }
    let poisoned = books.lock().unwrap().poisoned.clone();
    let letters = log
        .dead_letters(&topic, &group, None, 10_000)
        .await
        .unwrap();
    let mut books = std::mem::take(&mut *books.lock().unwrap());
    for letter in letters {
        let class = letter.reason.map(|r| r.class);
        if letter.parked || !matches!(class.as_deref(), Some("poison")) {
            books.broken.push(format!("a letter is left: {class:?}"));
        }
    }
    // One that was poison to every attempt is given up; one that came again may have been handled.
    for done in published.values_mut() {
        done.retain(|n| !poisoned.contains(n));
    }
    for done in books.done.values_mut() {
        done.retain(|n| !poisoned.contains(n));
    }
    published.retain(|_, events| !events.is_empty());
    books.done.retain(|_, events| !events.is_empty());
    (books, published)
}

proptest! {
    #![proptest_config(Config { cases: 60, ..Config::default() })]

    #[test]
    fn every_key_hears_everything_in_order(
        steps in vec(step(), 1..25),
        verdicts in vec(vec(verdict(), 0..5), 0..120),
        unkeyed in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let (books, published) = runtime.block_on(play(steps, verdicts, unkeyed));
        prop_assert!(books.broken.is_empty(), "{:?}", books.broken);
        prop_assert_eq!(books.done, published);
    }
}
