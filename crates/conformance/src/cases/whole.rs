//! Everything at once: many publishers and consumers, and the books must balance.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tidings_transport::{
    Capability, Count, Delivery, ErrorKind, Ordering, Outcome, Subscriber, Subscription, Transport,
};
use tokio::time::Instant;

use crate::scene::{PATIENCE, Scene, body_text, join, pass, publish, reason, settle, text};

const PUBLISHERS: usize = 3;
const CONSUMERS: usize = 4;
/// Of each publisher.
const RECORDS: usize = 80;
const KEYS: usize = 6;
/// Long enough for a starved machine, short enough to wait for a few consumers that died.
const LEASE: Duration = Duration::from_secs(3);

/// What became of each record, by what it says.
#[derive(Default)]
struct Books {
    acked: BTreeMap<String, u32>,
    buried: BTreeMap<String, u32>,
    /// The handlers in the order of their starts, by key.
    started: HashMap<String, Vec<String>>,
    deaths: u32,
}

impl Books {
    fn settled(&self) -> usize {
        self.acked.len() + self.buried.len()
    }
}

/// A consumer that does everything that one may do, at random.
struct Worker {
    log: Arc<dyn Transport>,
    subscription: Subscription,
    books: Arc<Mutex<Books>>,
    random: StdRng,
    /// Whether records may be given back without upsetting the order of their key.
    retries: bool,
}

impl Worker {
    async fn work(mut self) {
        let mut consumer = join(&*self.log, self.subscription.clone()).await;
        let since = Instant::now();
        while self.books.lock().expect("no panic").settled() < PUBLISHERS * RECORDS {
            assert!(since.elapsed() < PATIENCE * 2, "not settled in time");
            let max = self.random.random_range(1..6);
            let waiting = tokio::time::timeout(Duration::from_millis(200), consumer.next(max));
            let Ok(batch) = waiting.await else {
                self.beat(&*consumer).await;
                continue;
            };
            let batch = batch.expect("a healthy log hands out records");
            assert_eq!(batch.gaps, [], "nothing was lost");
            let mut alive = true;
            for delivery in &batch.deliveries {
                alive = alive && self.handle(&*consumer, delivery).await;
            }
            if !alive {
                // Its successor is a new consumer.
                drop(consumer);
                consumer = join(&*self.log, self.subscription.clone()).await;
            }
        }
        consumer.close().await.expect("a consumer can leave");
    }

    async fn beat(&self, consumer: &dyn Subscriber) {
        for result in consumer.heartbeat(&[]).await {
            result.expect("a beat in time");
        }
    }

    /// Starts and settles one. `false`: the consumer dies over it.
    async fn handle(&mut self, consumer: &dyn Subscriber, delivery: &Arc<Delivery>) -> bool {
        let name = text(delivery);
        let one = std::slice::from_ref(delivery);
        match consumer.start(one).await.remove(0) {
            Ok(attempt) => assert_eq!(attempt, delivery.attempts + 1, "{name}"),
            // It slept through its lease.
            Err(e) if e.kind() == ErrorKind::Stale => return true,
            Err(e) => panic!("{name} cannot start: {e}"),
        }
        if let Some(key) = &delivery.key {
            let mut books = self.books.lock().expect("no panic");
            let started = books.started.entry(key.as_str().into()).or_default();
            started.push(name.clone());
        }
        if self.random.random_bool(0.2) {
            pass(Duration::from_millis(self.random.random_range(0..4))).await;
        }
        let dice = self.random.random_range(0..100);
        if dice == 0 && self.may_die() {
            return false;
        }
        let outcome = match dice {
            0..=5 => Outcome::DeadLetter { reason: reason() },
            6..=20 if self.retries => Outcome::Retry { at: None },
            _ => Outcome::Ack,
        };
        match settle(consumer, delivery, outcome.clone()).await {
            Ok(()) => self.note(name, &outcome),
            Err(e) if e.kind() == ErrorKind::Stale => {}
            Err(e) => panic!("{name} cannot be settled: {e}"),
        }
        true
    }

    fn may_die(&self) -> bool {
        let mut books = self.books.lock().expect("no panic");
        books.deaths += 1;
        books.deaths <= 2
    }

    fn note(&self, name: String, outcome: &Outcome) {
        let mut books = self.books.lock().expect("no panic");
        match outcome {
            Outcome::Ack => *books.acked.entry(name).or_default() += 1,
            Outcome::DeadLetter { .. } => *books.buried.entry(name).or_default() += 1,
            _ => {}
        }
    }
}

async fn run(s: &Scene, ordering: Ordering, seed: u64) {
    s.make_group().await;
    let books = Arc::new(Mutex::new(Books::default()));
    // Where one consumer gets everything in log order, one given back comes after its successors.
    let retries = ordering == Ordering::None || s.has(Capability::KeyedOrder);
    let mut workers = Vec::new();
    for i in 0..CONSUMERS {
        let worker = Worker {
            log: s.open().await,
            subscription: s.subscription().ordering(ordering).lease(LEASE),
            books: books.clone(),
            random: StdRng::seed_from_u64(seed + i as u64),
            retries,
        };
        workers.push(tokio::spawn(worker.work()));
    }
    let mut publishers = Vec::new();
    for p in 0..PUBLISHERS {
        let log = s.open().await;
        let mut random = StdRng::seed_from_u64(seed + 100 + p as u64);
        // Each publisher has keys of its own, so that their order is known.
        let record = |i| {
            let key = format!("{p}-{}", random.random_range(0..KEYS));
            s.record(Some(&key), &format!("{p} {i:03}"))
        };
        let records: Vec<_> = (0..RECORDS).map(record).collect();
        publishers.push(tokio::spawn(async move {
            for batch in records.chunks(7) {
                publish(&*log, batch).await;
                pass(Duration::from_millis(2)).await;
            }
        }));
    }
    for publisher in publishers {
        publisher.await.expect("publishers do not fail");
    }
    for worker in workers {
        worker.await.expect("workers do not fail");
    }
    let books = std::mem::take(&mut *books.lock().expect("no panic"));
    balance(s, &books, ordering).await;
}

async fn balance(s: &Scene, books: &Books, ordering: Ordering) {
    for p in 0..PUBLISHERS {
        for i in 0..RECORDS {
            let name = format!("{p} {i:03}");
            let acked = books.acked.get(&name).copied().unwrap_or_default();
            let buried = books.buried.get(&name).copied().unwrap_or_default();
            assert_eq!(acked + buried, 1, "{name}: settled once, by one");
        }
    }
    let limit = PUBLISHERS * RECORDS;
    let letters = s.log.dead_letters(&s.topic, &s.group, None, limit).await;
    let mut letters: Vec<_> = letters
        .expect("the group is there")
        .iter()
        .map(|letter| body_text(&letter.body))
        .collect();
    letters.sort();
    let buried: Vec<_> = books.buried.keys().cloned().collect();
    assert_eq!(letters, buried, "the dead letters are those that failed");
    let info = s.describe().await;
    assert_eq!((info.pending, info.lag.events), (0, Count::Exactly(0)));
    assert_eq!(info.lost, Count::Exactly(0));
    if ordering == Ordering::Key {
        for (key, started) in &books.started {
            assert!(started.is_sorted(), "{key}: {started:?}");
        }
    }
}

pub(crate) async fn the_books_balance_with_order(s: Scene) {
    run(&s, Ordering::Key, 41).await;
}

pub(crate) async fn the_books_balance_without_order(s: Scene) {
    run(&s, Ordering::None, 43).await;
}
