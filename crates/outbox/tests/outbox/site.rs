//! A database of each kind, and a bus.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tidings_conformance::servers::{MariadbServer, PostgresServer};
use tidings_event::{Emitter, Event, EventBuilder, NoDefinitions, Role};
use tidings_outbox::{
    Database, Enqueued, Inbox, Outbox, Relay, RelayCounters, RelayCounts, Result, Sighting,
};
use tidings_runtime::{Backoff, ProducerBuilder, Route};
use tidings_transport::{Body, Memory, Start, Topic, Transport};
use tokio::sync::OnceCell;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const TYPE: &str = "org.example.catalog.course.created.v1";
const PATIENCE: Duration = Duration::from_secs(60);

/// One server of each kind for all tests of this binary. They end with its process.
static POSTGRES: OnceCell<PostgresServer> = OnceCell::const_new();
static MARIADB: OnceCell<MariadbServer> = OnceCell::const_new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Postgres,
    Mariadb,
    Sqlite,
}

/// Makes one test of each kind of database.
#[macro_export]
macro_rules! on_every_database {
    ($($(#[$note:meta])* async fn $name:ident($kind:ident: Kind) $body:block)+) => {$(
        mod $name {
            use super::*;

            $(#[$note])*
            async fn run($kind: Kind) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                run(Kind::Postgres).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mariadb() {
                run(Kind::Mariadb).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                run(Kind::Sqlite).await;
            }
        }
    )+};
}

/// A database of a test's own, with the tables, and a bus in memory.
pub struct Site {
    pub kind: Kind,
    pub url: String,
    pub bus: Arc<Memory>,
    _folder: TempDir,
}

impl Site {
    pub async fn new(kind: Kind) -> Self {
        let site = Self::bare(kind).await;
        site.database().migrate().await.unwrap();
        site
    }

    /// Without tables.
    pub async fn bare(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("app{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let url = match kind {
            Kind::Postgres => {
                let server = POSTGRES.get_or_init(async || {
                    let counting = "shared_preload_libraries=pg_stat_statements";
                    PostgresServer::start(&["fsync=off", "max_connections=200", counting])
                        .await
                        .unwrap()
                });
                server.await.create_database(&name).unwrap()
            }
            Kind::Mariadb => {
                let server = MARIADB.get_or_init(async || {
                    let fast = "--innodb-flush-log-at-trx-commit=2";
                    MariadbServer::start(&[fast]).await.unwrap()
                });
                server.await.create_database(&name).unwrap()
            }
            Kind::Sqlite => format!("sqlite:{}/app.db", folder.path().display()),
        };
        Self {
            kind,
            url,
            bus: Arc::new(Memory::new()),
            _folder: folder,
        }
    }

    /// Over a database that is there.
    pub fn over(kind: Kind, url: String) -> Self {
        Self {
            kind,
            url,
            bus: Arc::new(Memory::new()),
            _folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn database(&self) -> Database {
        Database::new(&self.url).unwrap()
    }

    pub fn outbox(&self) -> Outbox {
        Outbox::builder(Arc::new(NoDefinitions))
            .emitter(Emitter::new("example", "catalog", Role::Web).unwrap())
            .route(TYPE, Route::to("courses").key_path("course").unwrap())
            .build()
            .unwrap()
    }

    pub async fn connect(&self) -> Session {
        Session::connect(self.kind, &self.url).await
    }

    /// Runs a statement of its own transaction.
    pub async fn sql(&self, sql: &str) {
        self.connect().await.sql(sql).await;
    }

    pub async fn count(&self, sql: &str) -> i64 {
        self.connect().await.number(sql).await
    }

    pub async fn rows(&self) -> i64 {
        self.count("SELECT count(*) FROM tidings_outbox").await
    }

    pub fn producer(&self) -> ProducerBuilder {
        ProducerBuilder::new(self.bus.clone(), Arc::new(NoDefinitions))
    }

    pub fn relay(&self) -> Relay {
        Relay::new(self.database(), self.producer())
            .standby(Duration::from_millis(100))
            .poll(Duration::from_millis(100))
            .backoff(Backoff::new(
                Duration::from_millis(20),
                Duration::from_millis(200),
            ))
    }

    /// What the bus has in a topic, as `(key, n)`.
    pub async fn heard(&self, topic: &str) -> Vec<(String, i64)> {
        heard_of(&*self.bus, topic).await
    }
}

/// What a log has in a topic, as `(key, n)`.
pub async fn heard_of(log: &dyn Transport, topic: &str) -> Vec<(String, i64)> {
    let topic = Topic::new(topic).unwrap();
    let all = log.read(&topic, &Start::Earliest, 1_000_000).await;
    let all = all.unwrap_or_default();
    let tell = |body: &Body| {
        let Body::Document(document) = body else {
            panic!("not a document");
        };
        let event = Event::from_json(document).unwrap();
        let key = event.partition_key().unwrap_or("").to_owned();
        let data: serde_json::Value =
            serde_json::from_str(event.data().unwrap().as_json().unwrap()).unwrap();
        (key, data["n"].as_i64().unwrap())
    };
    all.iter().map(|stored| tell(&stored.body)).collect()
}

/// An event about a course, numbered.
pub fn event(outbox: &Outbox, course: &str, n: i64) -> EventBuilder {
    outbox
        .event(TYPE)
        .data_json(format!(r#"{{"course": "{course}", "n": {n}}}"#))
}

/// An open connection.
pub enum Session {
    Postgres(PgConnection),
    Mariadb(MySqlConnection),
    Sqlite(SqliteConnection),
}

macro_rules! each {
    ($session:expr, $connection:ident => $body:expr) => {
        match $session {
            Session::Postgres($connection) => $body,
            Session::Mariadb($connection) => $body,
            Session::Sqlite($connection) => $body,
        }
    };
}

impl Session {
    pub async fn connect(kind: Kind, url: &str) -> Self {
        Self::try_connect(kind, url).await.unwrap()
    }

    pub async fn try_connect(kind: Kind, url: &str) -> Result<Self, sqlx::Error> {
        Ok(match kind {
            Kind::Postgres => Self::Postgres(PgConnection::connect(url).await?),
            Kind::Mariadb => Self::Mariadb(MySqlConnection::connect(url).await?),
            Kind::Sqlite => {
                let options: sqlx::sqlite::SqliteConnectOptions = url.parse()?;
                let options = options.busy_timeout(Duration::from_secs(20));
                Self::Sqlite(SqliteConnection::connect_with(&options).await?)
            }
        })
    }

    pub async fn sql(&mut self, sql: &str) {
        self.try_sql(sql).await.unwrap();
    }

    pub async fn try_sql(&mut self, sql: &str) -> Result<u64, sqlx::Error> {
        let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        each!(self, c => Ok(query.execute(c).await?.rows_affected()))
    }

    pub async fn number(&mut self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        each!(self, c => sqlx::query_scalar(sql).fetch_one(c).await.unwrap())
    }

    pub async fn begin(&mut self) {
        let begin = match self {
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
            _ => "BEGIN",
        };
        self.sql(begin).await;
    }

    pub async fn commit(&mut self) {
        self.sql("COMMIT").await;
    }

    pub async fn rollback(&mut self) {
        self.sql("ROLLBACK").await;
    }

    pub async fn enqueue(
        &mut self,
        outbox: &Outbox,
        events: Vec<EventBuilder>,
    ) -> Result<Vec<Enqueued>> {
        each!(self, c => outbox.enqueue(c, events).await)
    }

    pub async fn documents(&mut self, outbox: &Outbox, topic: &str, all: Vec<Bytes>) -> Result<()> {
        let documents = all.into_iter().map(|document| (None, document));
        each!(self, c => outbox.enqueue_documents(c, topic, documents).await.map(drop))
    }

    pub async fn once(&mut self, inbox: &Inbox, event: &Event) -> Result<Sighting> {
        each!(self, c => inbox.once(c, event).await)
    }

    pub async fn once_all(&mut self, inbox: &Inbox, events: &[Event]) -> Result<Vec<Sighting>> {
        each!(self, c => inbox.once_all(c, events).await)
    }

    pub async fn prune(&mut self, inbox: &Inbox, age: Duration) -> Result<u64> {
        each!(self, c => inbox.prune(c, age).await)
    }
}

/// A relay at work.
pub struct Running {
    stop: Option<oneshot::Sender<()>>,
    counters: Arc<RelayCounters>,
    task: JoinHandle<Result<RelayCounts>>,
}

impl Running {
    pub fn start(relay: Relay) -> Self {
        let (stop, stopped) = oneshot::channel();
        let counters = relay.counters();
        let task = tokio::spawn(relay.run(async {
            let _ = stopped.await;
        }));
        Self {
            stop: Some(stop),
            counters,
            task,
        }
    }

    pub fn counts(&self) -> RelayCounts {
        self.counters.snapshot()
    }

    pub async fn until(&self, what: &str, is: impl Fn(&RelayCounts) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is(&self.counts()) {
            assert!(!self.task.is_finished(), "the relay ended: {what}");
            assert!(Instant::now() < end, "{what}: {:?}", self.counts());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Asks it to end; what it says.
    pub async fn end(mut self) -> Result<RelayCounts> {
        drop(self.stop.take());
        self.task.await.unwrap()
    }

    /// Drops it where it stands, as far as a task can die.
    pub async fn die(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Waits for a condition.
pub async fn eventually<F: Future<Output = bool>>(what: &str, is: impl Fn() -> F) {
    let end = Instant::now() + PATIENCE;
    while !is().await {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
