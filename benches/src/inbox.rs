//! What it costs that an event takes effect once, on PostgreSQL: the inbox against a plain insert of
//! the same rows.

use std::time::Instant;

use sqlx::{Connection as _, PgConnection, QueryBuilder};
use tidings::event::Event;
use tidings::outbox::{Database, Inbox, Sighting};
use tidings_conformance::servers::PostgresServer;
use tidings_transport::Group;
use tokio::runtime::Runtime;

use crate::contest::{Row, Unit, contest, rate};
use crate::samples::document;

/// Events of a run, and of a batch.
const EVENTS: usize = 5_000;
const BATCH: usize = 100;
const GROUP: &str = "search";

struct Stage {
    runtime: Runtime,
    _postgres: PostgresServer,
    url: String,
}

impl Stage {
    fn set() -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let postgres = runtime.block_on(PostgresServer::start(&["synchronous_commit=off"]));
        let postgres = postgres.expect("postgres starts");
        let url = postgres.url("postgres");
        let database = Database::new(&url).expect("the URL is good");
        let migrated = runtime.block_on(database.migrate());
        migrated.expect("the tables are made");
        Self {
            runtime,
            _postgres: postgres,
            url,
        }
    }

    /// Batches, each in a transaction, over an inbox that is empty.
    fn run(&self, batch: usize, mut work: impl AsyncFnMut(&mut PgConnection, &[Event])) -> f64 {
        let events: Vec<Event> = (0..EVENTS)
            .map(|n| Event::from_json(document(n).as_bytes()).expect("a good document"))
            .collect();
        self.runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.url).await;
            let connection = connection.as_mut().expect("it connects");
            let emptied = sqlx::query("TRUNCATE tidings_inbox");
            emptied.execute(&mut *connection).await.expect("it empties");
            let began = Instant::now();
            for events in events.chunks(batch) {
                let mut transaction = connection.begin().await.expect("it begins");
                work(&mut transaction, events).await;
                transaction.commit().await.expect("it commits");
            }
            rate(EVENTS, began.elapsed())
        })
    }

    fn inbox(&self, batch: usize) -> f64 {
        let inbox = Inbox::new(Group::new(GROUP).expect("a good name"));
        self.run(batch, async |connection, events| {
            let fresh = match events {
                [event] => inbox.once(connection, event).await.map(|one| vec![one]),
                many => inbox.once_all(connection, many).await,
            };
            let fresh = fresh.expect("it is recorded");
            assert!(fresh.iter().all(|sighting| *sighting == Sighting::Fresh));
        })
    }

    fn bare(&self, batch: usize) -> f64 {
        self.run(batch, async |connection, events| {
            let mut insert =
                QueryBuilder::new("INSERT INTO tidings_inbox (group_name, source, id, done_at) ");
            insert.push_values(events, |mut row, event| {
                row.push_bind(GROUP)
                    .push_bind(event.source())
                    .push_bind(event.id())
                    .push("now()");
            });
            // Unnamed, like ours, which may run through a pooler.
            let done = insert.build().persistent(false).execute(connection).await;
            done.expect("it is inserted");
        })
    }
}

/// An event a transaction, as a handler does it.
pub fn one_by_one() -> Row {
    let stage = Stage::set();
    contest(
        "inbox, an event a transaction",
        "INSERT of the same row, unnamed too",
        Unit::Rate,
        0.8,
        || stage.inbox(1),
        || stage.bare(1),
    )
}

/// A hundred events a transaction, in one statement.
pub fn batched() -> Row {
    let stage = Stage::set();
    contest(
        "inbox, batches of 100",
        "one INSERT of the same rows, unnamed too",
        Unit::Rate,
        0.8,
        || stage.inbox(BATCH),
        || stage.bare(BATCH),
    )
}
