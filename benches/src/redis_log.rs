//! Redis: our transport and runtime against the server's own benchmark and bare client loops.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tidings::{Breaker, ConsumerBuilder, OnFailure, RetryPolicy};
use tidings_conformance::servers::{RedisOptions, RedisServer};
use tidings_transport::{Body, Group, Key, Record, Start, Subscription, Topic, Transport};
use tokio::runtime::Runtime;

use crate::conditions::Durability;
use crate::contest::{Row, Unit, contest, rate};
use crate::contract::read_start_settle;
use crate::raw;
use crate::samples::{document, key};

/// Events a batch, callers at once, and the depth of the peer's pipeline.
const DEPTH: usize = 64;
/// Events of a run, and how many stand in the stream that is consumed.
const EVENTS: usize = 2_000 * DEPTH;
/// Entries a read, for both contenders.
const READ: usize = 100;

struct Stage {
    runtime: Runtime,
    server: RedisServer,
    bus: tidings::Bus,
}

impl Stage {
    fn set(durability: Durability) -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let (server, bus) = runtime.block_on(async {
            let server = RedisServer::start(RedisOptions {
                append_only: durability.append_only(),
                ..RedisOptions::default()
            })
            .await
            .expect("redis-server starts");
            let bus = tidings::open(&server.url()).await.expect("it connects");
            (server, bus)
        });
        Self {
            runtime,
            server,
            bus,
        }
    }

    fn transport(&self) -> Arc<dyn Transport> {
        Arc::clone(self.bus.transport())
    }

    fn bare(&self) -> redis::Connection {
        redis::Client::open(self.server.url())
            .and_then(|client| client.get_connection())
            .expect("it connects")
    }

    /// Events with real ids and keys, since lanes are what costs a consumer.
    fn fill(&self) {
        self.runtime.block_on(async {
            let transport = self.transport();
            let topic = topic("courses");
            let records: Vec<Record> = (0..EVENTS).map(|n| record(&topic, n)).collect();
            for batch in records.chunks(1_000) {
                for result in transport.publish(batch).await {
                    result.expect("it is published");
                }
            }
        });
    }

    /// Consumes all, with a handler that does nothing; events a second.
    fn consume(&self, group: &str, set: impl Fn(ConsumerBuilder) -> ConsumerBuilder) -> f64 {
        let began = Instant::now();
        let consumer = self
            .bus
            .consumer(group)
            .topic("courses")
            .from(Start::Earliest)
            .concurrency(64)
            .max_events(EVENTS as u64);
        let consumer = set(consumer).handler(async |_message| Ok(()));
        let summary = self.runtime.block_on(consumer.run(std::future::pending()));
        let summary = summary.expect("it consumes");
        rate(summary.counts.delivered as usize, began.elapsed())
    }

    fn empty(&self) {
        redis::cmd("FLUSHALL")
            .query::<()>(&mut self.bare())
            .expect("the server answers");
    }
}

/// An event as a service publishes it.
pub fn record(topic: &Topic, n: usize) -> Record {
    Record {
        topic: topic.clone(),
        key: Some(Key::new(key(n))),
        body: Body::Document(Bytes::from(document(n))),
    }
}

fn topic(name: &str) -> Topic {
    Topic::new(name).expect("the name is good")
}

/// Batches of 64, one after the other, against the same pipeline depth.
pub fn publish_batches(durability: Durability) -> Row {
    let stage = Stage::set(durability);
    let transport = stage.transport();
    let topic = topic("ours");
    let records: Vec<Record> = (0..DEPTH).map(|n| record(&topic, n)).collect();
    contest(
        "redis publish, batches of 64",
        "redis-benchmark -c 1 -P 64",
        Unit::Rate,
        0.7,
        || {
            stage.empty();
            stage.runtime.block_on(async {
                let began = Instant::now();
                for _ in 0..EVENTS / DEPTH {
                    for result in transport.publish(&records).await {
                        result.expect("it is published");
                    }
                }
                rate(EVENTS, began.elapsed())
            })
        },
        || {
            stage.empty();
            raw::redis_benchmark(stage.server.port(), EVENTS, DEPTH, &document(0))
        },
    )
}

/// 64 callers, each publishing one event at a time; what is concurrent is batched.
pub fn publish_concurrent(durability: Durability) -> Row {
    let stage = Stage::set(durability);
    let topic = topic("ours");
    contest(
        "redis publish, 64 concurrent callers",
        "redis-benchmark -c 1 -P 64",
        Unit::Rate,
        0.7,
        || {
            stage.empty();
            let transport = stage.transport();
            let topic = topic.clone();
            stage.runtime.block_on(async move {
                let began = Instant::now();
                let callers: Vec<_> = (0..DEPTH)
                    .map(|caller| {
                        let (transport, topic) = (Arc::clone(&transport), topic.clone());
                        tokio::spawn(async move {
                            let records = [record(&topic, caller)];
                            for _ in 0..EVENTS / DEPTH {
                                for result in transport.publish(&records).await {
                                    result.expect("it is published");
                                }
                            }
                        })
                    })
                    .collect();
                for caller in callers {
                    caller.await.expect("no caller panics");
                }
                rate(EVENTS, began.elapsed())
            })
        },
        || {
            stage.empty();
            raw::redis_benchmark(stage.server.port(), EVENTS, DEPTH, &document(0))
        },
    )
}

/// One event, then the next: the round trip, in microseconds.
pub fn publish_and_wait(durability: Durability) -> Row {
    const TRIPS: usize = 10_000;
    let stage = Stage::set(durability);
    let transport = stage.transport();
    let topic = topic("ours");
    let records = [record(&topic, 1)];
    contest(
        "redis publish and wait",
        "bare client XADD",
        Unit::Time,
        1.3,
        || {
            stage.runtime.block_on(async {
                let began = Instant::now();
                for _ in 0..TRIPS {
                    for result in transport.publish(&records).await {
                        result.expect("it is published");
                    }
                }
                began.elapsed().as_secs_f64() * 1e6 / TRIPS as f64
            })
        },
        || {
            stage.runtime.block_on(async {
                let mut con = redis::Client::open(stage.server.url())
                    .expect("the URL is good")
                    .get_multiplexed_async_connection()
                    .await
                    .expect("it connects");
                let (document, key) = (document(1), key(1));
                let began = Instant::now();
                for _ in 0..TRIPS {
                    redis::cmd("XADD")
                        .arg(&["bare", "*", "ce", &document, "key", &key])
                        .query_async::<String>(&mut con)
                        .await
                        .expect("it is stored");
                }
                began.elapsed().as_secs_f64() * 1e6 / TRIPS as f64
            })
        },
    )
}

/// The contract alone, by hundreds.
pub fn consume_contract(durability: Durability) -> Row {
    let stage = Stage::set(durability);
    raw::fill(&mut stage.bare(), "courses", EVENTS, &document(0));
    let transport = stage.transport();
    let mut round = 0;
    contest(
        "redis read, start, settle",
        "bare XREADGROUP + XACK loop",
        Unit::Rate,
        0.7,
        || {
            round += 1;
            let group = Group::new(format!("ours-{round}")).expect("the name is good");
            let subscription = Subscription::new(group, topic("courses")).start(&Start::Earliest);
            let reading = read_start_settle(&transport, subscription, EVENTS, READ);
            stage.runtime.block_on(reading)
        },
        || raw::read_and_ack(&mut stage.bare(), "courses", EVENTS, READ),
    )
}

/// The whole consumer: envelope decoded, a lane per key, a handler that does nothing.
pub fn consume_handler(durability: Durability) -> Row {
    let stage = Stage::set(durability);
    stage.fill();
    let mut round = 0;
    contest(
        "redis consumer with a handler",
        "bare XREADGROUP + XACK loop",
        Unit::Rate,
        0.7,
        || {
            round += 1;
            stage.consume(&format!("ours-{round}"), |consumer| consumer)
        },
        || raw::read_and_ack(&mut stage.bare(), "courses", EVENTS, READ),
    )
}

/// The whole consumer with all that the failure policy offers, where nothing fails, against one with
/// as little of it as there is: it cannot be taken out, but be told to try once, without a time
/// limit, with no breaker, and to park nothing.
pub fn consume_with_policy(durability: Durability) -> Row {
    let stage = Stage::set(durability);
    stage.fill();
    let round = Cell::new(0);
    let group = |name: &str| {
        round.set(round.get() + 1);
        format!("{name}-{}", round.get())
    };
    contest(
        "redis consumer, all of the failure policy",
        "the same: one attempt, no limits, no breaker",
        Unit::Rate,
        0.9,
        || {
            stage.consume(&group("all"), |consumer| {
                consumer
                    .retry(
                        RetryPolicy::default()
                            .timeout(Duration::from_secs(30))
                            .max_elapsed(Duration::from_secs(3_600)),
                    )
                    .on_failure(OnFailure::ParkKey)
                    .breaker(Breaker::default())
            })
        },
        || {
            stage.consume(&group("none"), |consumer| {
                consumer
                    .retry(RetryPolicy::default().max_attempts(1))
                    .on_failure(OnFailure::Skip)
                    .breaker(Breaker::off())
            })
        },
    )
}
