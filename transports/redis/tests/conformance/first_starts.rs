//! First starts, which the active consumer notes beside the entries: they count when somebody else
//! takes over, and nothing else does.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tidings_conformance::servers::{RedisOptions, RedisServer};
use tidings_transport::{
    Body, Delivery, ErrorKind, Follower, Group, Outcome, Reason, Record, Settlement, Start,
    Subscriber, Subscription, Topic, Transport,
};
use tidings_transport_redis::{Redis, RedisConfig};

const STARTED: &str = "tidings:{courses}:started:lms";
const LEASE: &str = "tidings:{courses}:lease:lms";

struct Scene {
    server: RedisServer,
    log: Redis,
}

impl Scene {
    async fn with(events: usize) -> Self {
        let server = RedisServer::start(RedisOptions::default()).await;
        let server = server.expect("redis-server is installed");
        let mut config = RedisConfig::default();
        config.port = server.port();
        let log = Redis::connect(config).await.expect("the server answers");
        let record = |n| Record {
            topic: topic(),
            key: None,
            body: Body::Document(Bytes::from(format!("{n}"))),
        };
        let records: Vec<Record> = (0..events).map(record).collect();
        for stored in log.publish(&records).await {
            stored.expect("it is stored");
        }
        Self { server, log }
    }

    async fn join(&self) -> Arc<dyn Subscriber> {
        let subscription = Subscription::new(group(), topic()).start(&Start::Earliest);
        let subscription = subscription.lease(Duration::from_secs(60));
        let joined = self.log.subscribe(subscription).await;
        joined.expect("the server answers")
    }

    /// The consumer dies, and its lease ends; another comes.
    async fn succeed(&self, consumer: Arc<dyn Subscriber>) -> Arc<dyn Subscriber> {
        drop(consumer);
        self.command(&["DEL", LEASE]);
        self.join().await
    }

    fn command(&self, arguments: &[&str]) -> String {
        let answer = self.server.command(arguments);
        answer.unwrap_or_else(|e| panic!("{arguments:?}: {e}"))
    }

    /// The retry counts of what is pending, as people see them.
    fn counts(&self) -> Vec<u64> {
        let pending = self.command(&["XPENDING", "courses", "lms", "-", "+", "1000"]);
        let lines: Vec<&str> = pending.lines().collect();
        let counts = lines.chunks(4).filter_map(|entry| entry.get(3));
        counts
            .map(|count| count.trim().parse().expect("a number"))
            .collect()
    }

    /// How many runs are noted.
    fn runs(&self) -> usize {
        let items: usize = self.command(&["LLEN", STARTED]).parse().expect("a number");
        items / 3
    }
}

fn topic() -> Topic {
    Topic::new("courses").expect("the name is good")
}

fn group() -> Group {
    Group::new("lms").expect("the name is good")
}

async fn take(consumer: &dyn Subscriber, count: usize) -> Vec<Arc<Delivery>> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let next = tokio::time::timeout(Duration::from_secs(60), consumer.next(count)).await;
        let batch = next.expect("they come").expect("the server answers");
        taken.extend(batch.deliveries);
    }
    taken
}

async fn start(consumer: &dyn Subscriber, deliveries: &[Arc<Delivery>]) -> Vec<u32> {
    let started = consumer.start(deliveries).await.into_iter();
    started.map(|s| s.expect("it is in hand")).collect()
}

async fn ack(consumer: &dyn Subscriber, deliveries: &[Arc<Delivery>]) {
    let settlement = |delivery: &Arc<Delivery>| Settlement {
        delivery: Arc::clone(delivery),
        outcome: Outcome::Ack,
    };
    let settlements: Vec<_> = deliveries.iter().map(settlement).collect();
    for settled in consumer.settle(&settlements).await {
        settled.expect("it is in hand");
    }
}

fn attempts(deliveries: &[Arc<Delivery>]) -> Vec<u32> {
    deliveries.iter().map(|d| d.attempts).collect()
}

#[tokio::test]
async fn they_count_for_whoever_takes_over_and_what_was_only_read_does_not() {
    let scene = Scene::with(4).await;
    let first = scene.join().await;
    let held = take(&*first, 4).await;
    assert_eq!(start(&*first, &held[..3]).await, [1, 1, 1]);
    assert_eq!((scene.runs(), scene.counts()), (1, vec![1; 4]));
    ack(&*first, &held[..1]).await;
    // The second attempt at one of them is counted in the entry, which stays.
    let retry = Settlement {
        delivery: Arc::clone(&held[1]),
        outcome: Outcome::Retry { at: None },
    };
    first.settle(&[retry]).await.remove(0).expect("it is held");
    let again = take(&*first, 1).await;
    assert_eq!(start(&*first, &again).await, [2]);

    let second = scene.succeed(first).await;
    let held = take(&*second, 3).await;
    assert_eq!(attempts(&held), [2, 1, 0]);
    assert_eq!((scene.runs(), scene.counts()), (0, vec![3, 2, 1]));
    // Once more, and what was counted is not counted again.
    let third = scene.succeed(second).await;
    let held = take(&*third, 3).await;
    assert_eq!(attempts(&held), [2, 1, 0]);
    assert_eq!(start(&*third, &held).await, [3, 2, 1]);
    ack(&*third, &held).await;
    assert_eq!((scene.runs(), scene.counts()), (0, vec![]));
}

#[tokio::test]
async fn a_consumer_that_leaves_counts_them_in_the_entries() {
    let scene = Scene::with(2).await;
    let consumer = scene.join().await;
    let held = take(&*consumer, 2).await;
    start(&*consumer, &held[..1]).await;
    consumer.close().await.expect("the server answers");
    assert_eq!((scene.runs(), scene.counts()), (0, vec![2, 1]));
}

#[tokio::test]
async fn an_event_that_takes_its_time_does_not_make_the_notes_grow() {
    let scene = Scene::with(100).await;
    let consumer = scene.join().await;
    let held = take(&*consumer, 100).await;
    let [slow, quick @ ..] = &held[..] else {
        panic!("there are some");
    };
    start(&*consumer, std::slice::from_ref(slow)).await;
    for one in quick.chunks(1) {
        start(&*consumer, one).await;
        ack(&*consumer, one).await;
    }
    assert_eq!((scene.runs(), scene.counts()), (64, vec![2]));
    ack(&*consumer, std::slice::from_ref(slow)).await;
    assert_eq!(scene.runs(), 0);
}

#[tokio::test]
async fn runs_are_forgotten_once_everything_before_them_is_settled() {
    let scene = Scene::with(6).await;
    let consumer = scene.join().await;
    let held = take(&*consumer, 6).await;
    for pair in held.chunks(2) {
        start(&*consumer, pair).await;
    }
    ack(&*consumer, &held[2..4]).await;
    assert_eq!(scene.runs(), 3);
    ack(&*consumer, &held[..2]).await;
    assert_eq!(scene.runs(), 1);
}

#[tokio::test]
async fn a_server_whose_memory_is_full_counts_in_the_entries() {
    let scene = Scene::with(2).await;
    let consumer = scene.join().await;
    let held = take(&*consumer, 2).await;
    scene.command(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(start(&*consumer, &held[..1]).await, [1]);
    assert_eq!((scene.runs(), scene.counts()), (0, vec![2, 1]));
    ack(&*consumer, &held[..1]).await;
    assert_eq!(scene.counts(), [1]);
}

#[tokio::test]
async fn what_a_group_reads_anew_was_not_started() {
    let scene = Scene::with(3).await;
    let consumer = scene.join().await;
    let held = take(&*consumer, 3).await;
    start(&*consumer, &held).await;
    ack(&*consumer, &held[1..]).await;
    assert_eq!(scene.runs(), 1);
    scene.command(&["XGROUP", "SETID", "courses", "lms", "0"]);
    // What is new lets the consumer look.
    scene.command(&["XADD", "courses", "*", "ce", "new"]);
    let anew = take(&*consumer, 4).await;
    assert_eq!((scene.runs(), attempts(&anew)), (0, vec![0; 4]));

    start(&*consumer, &anew).await;
    let moved = scene.log.seek(&topic(), &group(), &Start::Earliest).await;
    moved.expect("the server answers");
    let stale = consumer.start(&anew).await;
    assert!(stale.iter().all(Result::is_err), "they are forgotten");
    assert_eq!(scene.runs(), 0);
}

#[tokio::test]
async fn a_start_that_the_server_did_not_hear_of_does_not_count() {
    let mut scene = Scene::with(2).await;
    let consumer = scene.join().await;
    let held = take(&*consumer, 2).await;
    assert_eq!(start(&*consumer, &held[..1]).await, [1]);
    scene.server.stop().await.expect("it stops");
    for _ in 0..3 {
        for started in consumer.start(&held).await {
            assert!(started.expect_err("it is away").is_temporary());
        }
    }
    scene.server.restart().await.expect("it comes back");
    assert_eq!(start(&*consumer, &held).await, [2, 1]);
    assert_eq!(start(&*consumer, &held).await, [3, 2]);
}

fn behind_the_first(delivery: &Arc<Delivery>) -> [Follower; 1] {
    [Follower {
        delivery: Arc::clone(delivery),
        behind: 0,
    }]
}

#[tokio::test]
async fn the_next_is_started_with_the_settlement() {
    let scene = Scene::with(3).await;
    let consumer = scene.join().await;
    let held = take(&*consumer, 3).await;
    start(&*consumer, &held[..1]).await;
    let done = Settlement {
        delivery: Arc::clone(&held[0]),
        outcome: Outcome::Ack,
    };
    let followers = behind_the_first(&held[1]);
    let done = std::slice::from_ref(&done);
    let (settled, started) = consumer.settle_and_start(done, &followers).await;
    settled[0].as_ref().expect("it is in hand");
    assert_eq!(*started[0].as_ref().expect("it is in hand"), 1);
    // What has gone before is out of the way as well when it is settled already.
    let followers = behind_the_first(&held[2]);
    let (settled, started) = consumer.settle_and_start(done, &followers).await;
    assert_eq!(settled[0].as_ref().unwrap_err().kind(), ErrorKind::Stale);
    assert_eq!(*started[0].as_ref().expect("it is in hand"), 1);
    let second = scene.succeed(consumer).await;
    let attempts = take(&*second, 2).await.into_iter().map(|d| d.attempts);
    assert_eq!(attempts.collect::<Vec<_>>(), [1, 1]);
}

#[tokio::test]
async fn what_is_not_settled_is_not_followed() {
    let scene = Scene::with(2).await;
    let consumer = scene.join().await;
    let held = take(&*consumer, 2).await;
    start(&*consumer, &held[..1]).await;
    let failed = Settlement {
        delivery: Arc::clone(&held[0]),
        outcome: Outcome::DeadLetter {
            reason: Reason::new("permanent", "it is wrong"),
        },
    };
    let followers = behind_the_first(&held[1]);
    // The letter needs memory, and a start does not.
    scene.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let (settled, started) = consumer.settle_and_start(&[failed], &followers).await;
    assert_eq!(settled[0].as_ref().unwrap_err().kind(), ErrorKind::Full);
    assert!(started[0].as_ref().unwrap_err().is_temporary());
    scene.command(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(start(&*consumer, &held[1..]).await, [1], "the same number");
}
