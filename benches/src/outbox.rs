//! What a row of the outbox costs its transaction, on PostgreSQL: against `pgbench`, which inserts the
//! same row, and does nothing else.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use sqlx::{Connection as _, PgConnection};
use tempfile::NamedTempFile;
use tidings::event::{Event, NoDefinitions};
use tidings::outbox::{Database, Outbox};
use tidings_conformance::servers::PostgresServer;
use tokio::runtime::Runtime;

use crate::contest::{Row, Unit, contest, rate};
use crate::samples::{document, key};

/// Transactions of a run, each with one event.
const EVENTS: usize = 5_000;
const TOPIC: &str = "courses";

struct Stage {
    runtime: Runtime,
    postgres: PostgresServer,
    events: Vec<Event>,
}

impl Stage {
    fn set() -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let postgres = runtime.block_on(PostgresServer::start(&["synchronous_commit=off"]));
        let postgres = postgres.expect("postgres starts");
        let database = Database::new(&postgres.url("postgres")).expect("the URL is good");
        let migrated = runtime.block_on(database.migrate());
        migrated.expect("the tables are made");
        let event = |n| Event::from_json(document(n).as_bytes()).expect("a good document");
        Self {
            runtime,
            postgres,
            events: (0..EVENTS).map(event).collect(),
        }
    }

    fn sql(&self, sql: &str) -> String {
        self.postgres.sql("postgres", sql).expect("it is done")
    }

    fn ours(&self) -> f64 {
        self.sql("TRUNCATE tidings_outbox");
        let outbox = Outbox::builder(Arc::new(NoDefinitions))
            .build()
            .expect("good settings");
        let figure = self.runtime.block_on(async {
            let connection = PgConnection::connect(&self.postgres.url("postgres")).await;
            let mut connection = connection.expect("it connects");
            // As in a service: events are made before they are enqueued.
            let events = self.events.clone();
            let began = Instant::now();
            for event in events {
                let mut transaction = connection.begin().await.expect("it begins");
                let enqueued = outbox.enqueue_to(&mut transaction, TOPIC, [event]).await;
                enqueued.expect("it is enqueued");
                transaction.commit().await.expect("it commits");
            }
            rate(EVENTS, began.elapsed())
        });
        self.check();
        figure
    }

    /// One client, unnamed statements, as ours, which may run through a pooler.
    fn pgbench(&self) -> f64 {
        self.sql("TRUNCATE tidings_outbox");
        let script = NamedTempFile::new().expect("a temporary file");
        let transaction = "\\set n random(0, 999999999999)\n\
            BEGIN;\n\
            INSERT INTO tidings_outbox (id, topic, event_key, event) \
            VALUES ('8353e8ea-e784-11f1-8511-' || lpad(:n::text, 12, '0'), :topic, :key, :event);\n\
            COMMIT;\n";
        fs::write(script.path(), transaction).expect("it is written");
        let define = |name: &str, value: &str| ["-D".to_owned(), format!("{name}={value}")];
        let address = self.postgres.address();
        let output = Command::new(self.postgres.program("pgbench"))
            .args(["-n", "-M", "extended", "-c", "1", "-t"])
            .arg(EVENTS.to_string())
            .args(["-h", &address.ip().to_string(), "-U", "tidings", "-p"])
            .arg(address.port().to_string())
            .args(define("topic", TOPIC))
            .args(define("key", &key(0)))
            .args(define("event", &document(0)))
            .arg("-f")
            .arg(script.path())
            .arg("postgres")
            .output()
            .expect("pgbench runs; it comes with PostgreSQL");
        let said = String::from_utf8_lossy(&output.stdout);
        self.check();
        said.lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
            .unwrap_or_else(|| {
                let errors = String::from_utf8_lossy(&output.stderr);
                panic!("pgbench: {}: {said}{errors}", output.status)
            })
    }

    fn check(&self) {
        let rows = self.sql("SELECT count(*) FROM tidings_outbox");
        assert_eq!(rows, EVENTS.to_string(), "all are there");
    }
}

/// An event a transaction.
pub fn one_by_one() -> Row {
    let stage = Stage::set();
    contest(
        "outbox, an event a transaction",
        "pgbench, INSERT of the same row, unnamed too",
        Unit::Rate,
        0.5,
        || stage.ours(),
        || stage.pgbench(),
    )
}
