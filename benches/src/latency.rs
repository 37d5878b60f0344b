//! From the moment at which an event is due to its handler, at a rate that does not wait for
//! anybody: an open loop, so that a pause delays what comes after it and shows (no coordinated
//! omission).

use std::cell::Cell;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::streams::StreamReadReply;
use tidings::{Bus, Message, Start};
use tidings_conformance::servers::{RedisOptions, RedisServer};
use tidings_transport::Topic;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::conditions::Durability;
use crate::contest::{Row, Unit, contest};
use crate::redis_log::record;
use crate::samples::{document, key};

/// Events that count. Others come before them, to show that the reader is there.
const EVENTS: usize = 2_000;
/// 1,000 events a second.
const EVERY: Duration = Duration::from_millis(1);

/// When events are due, and how late their handlers began, in microseconds.
#[derive(Clone, Default)]
pub struct Timetable {
    begins: Arc<OnceLock<Instant>>,
    came: Arc<Notify>,
    all: Arc<Notify>,
    late: Arc<Mutex<Vec<f64>>>,
}

impl Timetable {
    /// Publishes an event, and when it has come the others, each when it is due.
    pub async fn run(&self, mut publish: impl FnMut(usize)) {
        publish(EVENTS);
        self.came.notified().await;
        let begins = Instant::now() + Duration::from_millis(200);
        self.begins.set(begins).expect("it runs once");
        for n in 0..EVENTS {
            sleep_until(begins + EVERY * n as u32).await;
            publish(n);
        }
    }

    /// The handler of an event begins.
    pub fn handled(&self, n: usize) {
        let begins = self.begins.get().filter(|_| n < EVENTS);
        let Some(begins) = begins else {
            self.came.notify_one();
            return;
        };
        let late = (*begins + EVERY * n as u32).elapsed().as_secs_f64() * 1e6;
        let mut all = self.late.lock().expect("no panic");
        all.push(late);
        if all.len() == EVENTS {
            self.all.notify_one();
        }
    }

    /// Whether all have been handled.
    pub fn is_over(&self) -> bool {
        self.late.lock().expect("no panic").len() >= EVENTS
    }

    /// A percentile of the time from due to handled, in microseconds.
    pub fn percentile(&self, percent: f64) -> f64 {
        let mut late = self.late.lock().expect("no panic").clone();
        assert_eq!(late.len(), EVENTS, "all came");
        late.sort_by(f64::total_cmp);
        late[((late.len() - 1) as f64 * percent / 100.0).round() as usize]
    }
}

/// A percentile of the time from due to handled, in microseconds.
pub fn publish_to_handler(durability: Durability, name: &str, percent: f64, target: f64) -> Row {
    let runtime = Runtime::new().expect("a runtime starts");
    let options = RedisOptions {
        append_only: durability.append_only(),
        ..RedisOptions::default()
    };
    let server = runtime
        .block_on(RedisServer::start(options))
        .expect("redis-server starts");
    let round = Cell::new(0);
    let stream = |whose: &str| {
        round.set(round.get() + 1);
        format!("{whose}-{}", round.get())
    };
    contest(
        name,
        "bare XADD, XREADGROUP, XACK",
        Unit::Time,
        target,
        || {
            let stream = stream("ours");
            let timetable = runtime.block_on(async {
                let bus = tidings::open(&server.url()).await.expect("it connects");
                tidings(&bus, &stream).await
            });
            timetable.percentile(percent)
        },
        || {
            let stream = stream("bare");
            runtime.block_on(bare(&server, &stream)).percentile(percent)
        },
    )
}

/// From a bus to the handler of a consumer on it.
pub async fn tidings(bus: &Bus, topic: &str) -> Timetable {
    let timetable = Timetable::default();
    let told = timetable.clone();
    let consumer = bus
        .consumer("group")
        .topic(topic)
        .from(Start::Earliest)
        .concurrency(64)
        .handler(move |message: Message| {
            let told = told.clone();
            async move {
                // The last twelve digits of the id are the number of the event.
                let id = message.event().id();
                let n = usize::from_str_radix(&id[id.len() - 12..], 16);
                told.handled(n.expect("a number"));
                Ok(())
            }
        });
    let all = timetable.all.clone();
    let consuming = tokio::spawn(consumer.run(async move { all.notified().await }));
    let (transport, topic) = (bus.transport(), Topic::new(topic).expect("a good name"));
    let publish = |n| {
        let (transport, record) = (transport.clone(), record(&topic, n));
        tokio::spawn(async move {
            for published in transport.publish(&[record]).await {
                published.expect("it is published");
            }
        });
    };
    timetable.run(publish).await;
    consuming.await.expect("no panic").expect("it consumes");
    timetable
}

async fn bare(server: &RedisServer, stream: &str) -> Timetable {
    let client = redis::Client::open(server.url()).expect("a good URL");
    let connect = || async {
        let connection = client.get_multiplexed_async_connection();
        connection.await.expect("it connects")
    };
    let (publisher, mut reader) = (connect().await, connect().await);
    redis::cmd("XGROUP")
        .arg(&["CREATE", stream, "group", "0", "MKSTREAM"])
        .query_async::<()>(&mut reader)
        .await
        .expect("the group is new");
    let timetable = Timetable::default();
    let (told, name) = (timetable.clone(), stream.to_owned());
    let reading = tokio::spawn(async move { read(reader, &name, &told).await });
    let publish = |n| {
        let mut publisher = publisher.clone();
        let mut add = redis::cmd("XADD");
        add.arg(&[stream, "*", "ce", &document(n), "key", &key(n)]);
        add.arg("n").arg(n);
        tokio::spawn(async move {
            let added = add.query_async::<String>(&mut publisher).await;
            added.expect("it is stored");
        });
    };
    timetable.run(publish).await;
    reading.await.expect("no panic");
    timetable
}

async fn read(mut reader: MultiplexedConnection, stream: &str, told: &Timetable) {
    while !told.is_over() {
        // Less than the client's own time limit for an answer.
        let reply: StreamReadReply = redis::cmd("XREADGROUP")
            .arg(&["GROUP", "group", "c1", "COUNT", "100", "BLOCK", "200"])
            .arg(&["STREAMS", stream, ">"])
            .query_async(&mut reader)
            .await
            .expect("the server answers");
        let entries: Vec<_> = reply.keys.iter().flat_map(|key| &key.ids).collect();
        if entries.is_empty() {
            continue;
        }
        for entry in &entries {
            told.handled(entry.get("n").expect("a number"));
        }
        let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
        redis::cmd("XACK")
            .arg(&[stream, "group"])
            .arg(&ids)
            .query_async::<()>(&mut reader)
            .await
            .expect("they are pending");
    }
}
