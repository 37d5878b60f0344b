//! What the tests start from: a server, a publisher that tries again, and a consumer that goes on over every
//! temporary error.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tidings_conformance::servers::{RedisOptions, RedisServer};
use tidings_transport::{
    Body, Delivery, Gap, Group, Key, Outcome, Record, Settlement, Start, Subscriber, Subscription,
    Topic, Transport,
};
use tidings_transport_redis::{Redis, RedisConfig};
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) fn topic() -> Topic {
    Topic::new("prod-courses").expect("the name is good")
}

pub(crate) fn group() -> Group {
    Group::new("lms").expect("the name is good")
}

/// A server, and a log on it.
pub(crate) async fn start() -> (RedisServer, Redis) {
    let server = RedisServer::start(RedisOptions::default()).await;
    let server = server.expect("redis-server is installed");
    let mut config = RedisConfig::default();
    config.port = server.port();
    let log = Redis::connect(config).await.expect("the server answers");
    (server, log)
}

/// Settles what is in hand.
pub(crate) async fn ack(subscriber: &dyn Subscriber, deliveries: Vec<Arc<Delivery>>) {
    let done = deliveries.into_iter().map(|delivery| Settlement {
        delivery,
        outcome: Outcome::Ack,
    });
    for settled in subscriber.settle(&done.collect::<Vec<_>>()).await {
        settled.expect("it is ours");
    }
}

/// A record with this number.
pub(crate) fn record(n: u32) -> Record {
    Record {
        topic: topic(),
        key: Some(Key::new("one")),
        body: Body::Document(Bytes::from(n.to_string())),
    }
}

/// Publishes these numbers one by one, each until it is stored.
pub(crate) async fn publish(log: &dyn Transport, numbers: std::ops::Range<u32>) {
    let end = Instant::now() + PATIENCE;
    for n in numbers {
        let record = record(n);
        while let Err(e) = log.publish(std::slice::from_ref(&record)).await.remove(0) {
            assert!(e.is_temporary(), "{e}");
            assert!(Instant::now() < end, "still: {e}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What a consumer has heard so far.
#[derive(Default)]
struct Heard {
    numbers: Vec<u32>,
    gaps: Vec<Gap>,
}

/// Consumes in the background until it is dropped, and acknowledges everything.
pub(crate) struct Listener {
    heard: Arc<Mutex<Heard>>,
    task: JoinHandle<()>,
}

impl Listener {
    pub(crate) async fn start(log: Arc<dyn Transport>) -> Self {
        let subscription = Subscription::new(group(), topic()).start(&Start::Earliest);
        let subscriber = log.subscribe(subscription).await.expect("it subscribes");
        let heard = Arc::new(Mutex::new(Heard::default()));
        let into = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            loop {
                let batch = match subscriber.next(10).await {
                    Ok(batch) => batch,
                    Err(e) => {
                        assert!(e.is_temporary(), "{e}");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        continue;
                    }
                };
                let started = subscriber.start(&batch.deliveries).await;
                let mut done = Vec::new();
                for (delivery, started) in batch.deliveries.into_iter().zip(started) {
                    let Body::Document(document) = &delivery.body else {
                        panic!("a document, as it was published");
                    };
                    if started.is_ok() {
                        let number = String::from_utf8_lossy(document).parse();
                        let mut heard = into.lock().unwrap_or_else(PoisonError::into_inner);
                        heard.numbers.push(number.expect("a number"));
                        done.push(Settlement {
                            delivery,
                            outcome: Outcome::Ack,
                        });
                    }
                }
                into.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .gaps
                    .extend(batch.gaps);
                // What is not settled comes again.
                let _ = subscriber.settle(&done).await;
            }
        });
        Self { heard, task }
    }

    /// Waits until each of these numbers was heard; all that was heard, in order.
    pub(crate) async fn wait_for(&self, numbers: std::ops::Range<u32>) -> Vec<u32> {
        let heard = self.until(|heard| numbers.clone().all(|n| heard.numbers.contains(&n)));
        match heard.await {
            Some(heard) => heard,
            None => panic!("of {numbers:?} was heard: {:?}", self.numbers()),
        }
    }

    /// Waits for a gap.
    pub(crate) async fn wait_for_a_gap(&self) -> Gap {
        let heard = self.until(|heard| !heard.gaps.is_empty()).await;
        assert!(heard.is_some(), "no gap was reported");
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.gaps.remove(0)
    }

    pub(crate) fn numbers(&self) -> Vec<u32> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.numbers.clone()
    }

    async fn until(&self, enough: impl Fn(&Heard) -> bool) -> Option<Vec<u32>> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            assert!(!self.task.is_finished(), "the consumer ended");
            {
                let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
                if enough(&heard) {
                    return Some(heard.numbers.clone());
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Each number at its first occurrence.
pub(crate) fn first_occurrences(numbers: &[u32]) -> Vec<u32> {
    let mut first = Vec::new();
    for n in numbers {
        if !first.contains(n) {
            first.push(*n);
        }
    }
    first
}
