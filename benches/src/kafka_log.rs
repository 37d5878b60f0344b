//! Kafka: our transport and runtime against loops over the client library that it stands on.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tidings::Start;
use tidings_conformance::servers::KafkaServer;
use tidings_transport::{Group, Record, Subscription, Topic};
use tokio::runtime::Runtime;

use crate::bare_kafka as bare;
use crate::contest::{Row, Unit, contest, excess, rate};
use crate::contract::read_start_settle;
use crate::latency;
use crate::redis_log::record;

/// Partitions of every topic.
const PARTITIONS: usize = 4;
/// Events that one caller publishes at once, and how many callers there are.
const BATCH: usize = 500;
const CALLERS: usize = 4;
/// Callers of one event at a time, which is mostly waiting, and what they publish together.
const TASKS: usize = 64;
const TASKS_EVENTS: usize = 500 * TASKS;
/// Events of a run, and how many stand in the topic that is consumed.
const EVENTS: usize = 256_000;
/// Events a read, and a commit.
const READ: usize = 100;

/// A few lines: server, settings of both contenders.
pub fn describe() -> String {
    let settings: Vec<_> = bare::PRODUCER
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!(
        "kafka       {} (KRaft, one node, heap of 256 MB), {PARTITIONS} partitions\n\
         producers   acks=all, {}\n\
         consumers   fetching as librdkafka {} does unless told otherwise",
        server_version().unwrap_or_else(|| "unknown version".into()),
        settings.join(", "),
        rdkafka::util::get_rdkafka_version().1,
    )
}

/// As the names of the jars say.
fn server_version() -> Option<String> {
    let names = std::fs::read_dir(KafkaServer::jars()?).ok()?;
    let mut names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.find_map(|name| {
        let version = name.strip_prefix("kafka-clients-")?.strip_suffix(".jar")?;
        Some(version.to_owned())
    })
}

struct Stage {
    runtime: Runtime,
    server: KafkaServer,
    bus: tidings::Bus,
    round: Cell<usize>,
}

impl Stage {
    fn set() -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let (server, bus) = runtime.block_on(async {
            let server = KafkaServer::start().await.expect("Kafka starts");
            let url = format!("kafka://{}/?partitions={PARTITIONS}", server.address());
            let bus = tidings::open(&url).await.expect("it connects");
            (server, bus)
        });
        Self {
            runtime,
            server,
            bus,
            round: Cell::new(0),
        }
    }

    /// A name that nothing had before.
    fn fresh(&self, whose: &str) -> String {
        self.round.set(self.round.get() + 1);
        format!("{whose}-{}", self.round.get())
    }

    /// A topic that is there, for either contender.
    fn topic(&self, whose: &str) -> Topic {
        let topic = Topic::new(self.fresh(whose)).expect("the name is good");
        self.publish(&[record(&topic, 0)]);
        topic
    }

    fn publish(&self, records: &[Record]) {
        let publishing = self.bus.transport().publish(records);
        for result in self.runtime.block_on(publishing) {
            result.expect("it is published");
        }
    }

    /// A topic with events, which every round consumes in a new group.
    fn filled(&self) -> Topic {
        let topic = Topic::new("courses").expect("the name is good");
        let records: Vec<Record> = (0..EVENTS).map(|n| record(&topic, n)).collect();
        for batch in records.chunks(10_000) {
            self.publish(batch);
        }
        topic
    }

    /// What `callers` tasks publish, each so many records at once; events a second.
    fn publish_by(&self, callers: usize, batch: usize, events: usize) -> f64 {
        let topic = self.topic("ours");
        let transport = self.bus.transport();
        self.runtime.block_on(async {
            let began = Instant::now();
            let callers: Vec<_> = (0..callers)
                .map(|caller| {
                    let (transport, topic) = (transport.clone(), topic.clone());
                    tokio::spawn(async move {
                        let first = caller * batch;
                        let records: Vec<_> =
                            (first..first + batch).map(|n| record(&topic, n)).collect();
                        for _ in 0..events / callers / batch {
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
            rate(events, began.elapsed())
        })
    }

    fn bare(&self, topic: &Topic) -> f64 {
        let (brokers, group) = (self.server.address(), self.fresh("bare"));
        bare::read_and_commit((&brokers, topic.as_str(), &group), EVENTS, READ)
    }
}

/// Callers with batches of their own, against a loop that has as many events on their way.
pub fn publish_batches() -> Row {
    let stage = Stage::set();
    contest(
        "kafka publish, 4 callers with batches of 500",
        "bare rdkafka loop, 2,000 on their way",
        Unit::Rate,
        0.8,
        || stage.publish_by(CALLERS, BATCH, EVENTS),
        || {
            let topic = stage.topic("bare");
            bare::publish(
                &stage.server.address(),
                topic.as_str(),
                EVENTS,
                CALLERS * BATCH,
            )
        },
    )
}

/// 64 callers, each publishing one event at a time.
pub fn publish_concurrent() -> Row {
    let stage = Stage::set();
    contest(
        "kafka publish, 64 concurrent callers",
        "bare rdkafka, 64 tasks",
        Unit::Rate,
        0.8,
        || stage.publish_by(TASKS, 1, TASKS_EVENTS),
        || {
            let topic = stage.topic("bare");
            let brokers = stage.server.address();
            let running = bare::publish_concurrent(&brokers, topic.as_str(), TASKS_EVENTS, TASKS);
            stage.runtime.block_on(running)
        },
    )
}

/// The contract alone, by hundreds.
pub fn consume_contract() -> Row {
    let stage = Stage::set();
    let topic = stage.filled();
    contest(
        "kafka read, start, settle",
        "bare rdkafka loop, a commit each 100",
        Unit::Rate,
        0.7,
        || {
            let group = Group::new(stage.fresh("ours")).expect("the name is good");
            let subscription = Subscription::new(group, topic.clone()).start(&Start::Earliest);
            let reading = read_start_settle(stage.bus.transport(), subscription, EVENTS, READ);
            stage.runtime.block_on(reading)
        },
        || stage.bare(&topic),
    )
}

/// The whole consumer: envelope decoded, a lane per key, a handler that does nothing.
pub fn consume_handler() -> Row {
    let stage = Stage::set();
    let topic = stage.filled();
    contest(
        "kafka consumer with a handler",
        "bare rdkafka loop, a commit each 100",
        Unit::Rate,
        0.7,
        || {
            let span = Arc::new(Span::default());
            let told = span.clone();
            let consumer = stage
                .bus
                .consumer(stage.fresh("ours"))
                .topic(topic.as_str())
                .from(Start::Earliest)
                .concurrency(64)
                .max_events(EVENTS as u64)
                .handler(move |_message| {
                    told.handled();
                    std::future::ready(Ok(()))
                });
            let summary = stage.runtime.block_on(consumer.run(std::future::pending()));
            summary.expect("it consumes");
            span.rate()
        },
        || stage.bare(&topic),
    )
}

/// From the first handler to the last: joining and leaving a group takes what the group takes.
#[derive(Default)]
struct Span {
    handled: AtomicUsize,
    began: OnceLock<Instant>,
    ended: OnceLock<Instant>,
}

impl Span {
    fn handled(&self) {
        match self.handled.fetch_add(1, Ordering::AcqRel) + 1 {
            1 => drop(self.began.set(Instant::now())),
            EVENTS => drop(self.ended.set(Instant::now())),
            _ => {}
        }
    }

    fn rate(&self) -> f64 {
        let instant = |lock: &OnceLock<Instant>| *lock.get().expect("all came");
        rate(EVENTS, instant(&self.ended) - instant(&self.began))
    }
}

/// How soon events reach their handlers: a percentile, in microseconds.
pub fn publish_to_handler(name: &str, percent: f64) -> Row {
    let stage = Stage::set();
    excess(
        name,
        "bare rdkafka loop, a commit each read",
        2_000.0,
        || {
            let topic = stage.topic("ours");
            let running = latency::tidings(&stage.bus, topic.as_str());
            stage.runtime.block_on(running).percentile(percent)
        },
        || {
            let topic = stage.topic("bare");
            let brokers = stage.server.address();
            let running = bare::latency(&brokers, topic.as_str());
            stage.runtime.block_on(running).percentile(percent)
        },
    )
}
