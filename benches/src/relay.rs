//! The relay from PostgreSQL to Redis: against what reading and writing the rows cost alone, and from
//! the commit to the handler.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, PgConnection};
use tidings::outbox::{Database, Outbox, Relay, RelayCounts};
use tidings::{Emitter, Group, Message, Role, Route, Start};
use tidings_conformance::servers::{PostgresServer, RedisOptions, RedisServer};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::conditions::Durability;
use crate::contest::{Row, Unit, alone, contest, rate};
use crate::raw;
use crate::samples::document;

const ROWS: usize = 50_000;
const TYPE: &str = "org.example.catalog.course.renamed.v1";

struct Stage {
    runtime: Runtime,
    postgres: PostgresServer,
    redis: RedisServer,
    bus: tidings::Bus,
}

impl Stage {
    fn set(durability: Durability) -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let (postgres, redis, bus) = runtime.block_on(async {
            let postgres = PostgresServer::start(&["max_wal_size=4GB"]).await;
            let postgres = postgres.expect("postgres starts");
            let redis = RedisServer::start(RedisOptions {
                append_only: durability.append_only(),
                ..RedisOptions::default()
            })
            .await;
            let redis = redis.expect("redis-server starts");
            let bus = tidings::open(&redis.url()).await.expect("it connects");
            (postgres, redis, bus)
        });
        let stage = Self {
            runtime,
            postgres,
            redis,
            bus,
        };
        let migrated = stage.runtime.block_on(stage.database().migrate());
        migrated.expect("the tables are made");
        stage
    }

    fn url(&self) -> String {
        self.postgres.url("postgres")
    }

    fn database(&self) -> Database {
        Database::new(&self.url()).expect("the URL is good")
    }

    fn sql(&self, sql: &str) -> String {
        self.postgres.sql("postgres", sql).expect("it is done")
    }

    fn bare(&self) -> redis::Connection {
        redis::Client::open(self.redis.url())
            .and_then(|client| client.get_connection())
            .expect("it connects")
    }

    /// Rows of a thousand keys, and an empty log.
    fn fill(&self) {
        let document = document(0).replace("000000000000", "NUMBER");
        self.sql(&format!(
            "TRUNCATE tidings_outbox;
             INSERT INTO tidings_outbox (id, topic, event_key, event)
             SELECT '8353e8ea-e784-11f1-8511-' || lpad(n::text, 12, '0'), 'ours',
                    'course-v1:a+b+' || n % 1000,
                    replace('{document}', 'NUMBER', lpad(n::text, 12, '0'))
             FROM generate_series(1, {ROWS}) n"
        ));
        self.sql("VACUUM ANALYZE tidings_outbox");
        redis::cmd("FLUSHALL")
            .query::<()>(&mut self.bare())
            .expect("the server answers");
    }

    /// Runs a relay beside some work.
    async fn relaying<T>(
        &self,
        work: impl AsyncFnOnce(Arc<tidings::outbox::RelayCounters>) -> T,
    ) -> T {
        let relay = Relay::new(self.database(), self.bus.producer());
        let counters = relay.counters();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(relay.run(async {
            let _ = stopped.await;
        }));
        let result = work(counters).await;
        drop(stop);
        let _: RelayCounts = running.await.expect("no panic").expect("it relays");
        result
    }
}

/// All rows of a full outbox, deleted after they are published.
pub fn throughput(durability: Durability) -> Row {
    let stage = Stage::set(durability);
    contest(
        "relay, PostgreSQL to Redis",
        "COPY TO plus bare pipelined XADD",
        Unit::Rate,
        0.5,
        || {
            stage.fill();
            stage.runtime.block_on(stage.relaying(async |counters| {
                let began = Instant::now();
                while counters.snapshot().published < ROWS as u64 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                rate(ROWS, began.elapsed())
            }))
        },
        || {
            stage.fill();
            let began = Instant::now();
            let copied = stage.sql("COPY tidings_outbox TO STDOUT");
            assert_eq!(copied.lines().count(), ROWS, "all are there");
            raw::fill(&mut stage.bare(), "bare", ROWS, &document(0));
            rate(ROWS, began.elapsed())
        },
    )
}

/// From the commit to the handler, at 200 commits a second: the median, in microseconds.
pub fn latency(durability: Durability) -> Row {
    const COMMITS: usize = 600;
    let stage = Stage::set(durability);
    let mut round = 0;
    alone(
        "commit to handler, 200 commits/s (p50)",
        Unit::Time,
        10_000.0,
        || {
            round += 1;
            let topic = format!("round-{round}");
            stage
                .runtime
                .block_on(stage.relaying(async |_| commits(&stage, &topic, COMMITS).await))
        },
    )
}

async fn commits(stage: &Stage, topic: &str, count: usize) -> f64 {
    let outbox = Outbox::builder(stage.bus.definitions().clone())
        .emitter(Emitter::new("example", "catalog", Role::Web).expect("good names"))
        .route(TYPE, Route::to(topic).key_path("course").expect("a path"))
        .build()
        .expect("good names");
    let waits: Arc<Mutex<Vec<f64>>> = Arc::default();
    let (epoch, told) = (Instant::now(), waits.clone());
    let group = Group::new("handlers").expect("a good name");
    let full = stage.bus.topic(topic).expect("a good name");
    let opened = stage
        .bus
        .transport()
        .create_group(&full, &group, &Start::Earliest);
    opened.await.expect("the group is made");
    let consumer = stage
        .bus
        .consumer("handlers")
        .topic(topic)
        .max_events(count as u64)
        .handler(move |message: Message| {
            let told = told.clone();
            async move {
                let data = message.event().data();
                let data = data.and_then(|data| data.as_json().map(str::to_owned));
                let data: serde_json::Value =
                    serde_json::from_str(&data.unwrap_or_default()).unwrap_or_default();
                let sent = data["at"].as_f64().unwrap_or_default();
                let wait = epoch.elapsed().as_secs_f64() * 1e6 - sent;
                told.lock().expect("no panic").push(wait);
                Ok(())
            }
        });
    let consuming = tokio::spawn(consumer.run(std::future::pending()));
    let mut connection = PgConnection::connect(&stage.url())
        .await
        .expect("it connects");
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    for n in 0..count {
        tick.tick().await;
        let mut transaction = connection.begin().await.expect("it begins");
        // Stamped before the commit: the wait that is measured is a little too long.
        let at = epoch.elapsed().as_secs_f64() * 1e6;
        let data = format!(r#"{{"course": "c-{}", "at": {at}}}"#, n % 50);
        let event = outbox.event(TYPE).data_json(data);
        let enqueued = outbox.enqueue(&mut transaction, [event]).await;
        enqueued.expect("it is enqueued");
        transaction.commit().await.expect("it commits");
    }
    consuming.await.expect("no panic").expect("it consumes");
    let mut waits = waits.lock().expect("no panic").clone();
    waits.sort_by(f64::total_cmp);
    waits[waits.len() / 2]
}
