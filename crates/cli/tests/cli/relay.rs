//! `tidings relay` and `tidings outbox` over real databases, killed at any instant.

use std::collections::HashMap;
use std::process::{Child, Stdio};
use std::time::Duration;

use rand::RngExt;
use rusqlite::Connection;
use serde_json::Value;
use tidings_conformance::servers::{MariadbServer, PostgresServer};

use crate::site::{Site, TYPE};

enum Database {
    Postgres(PostgresServer),
    Mariadb(MariadbServer),
    Sqlite(Connection),
}

impl Database {
    fn url(&self) -> String {
        match self {
            Self::Postgres(server) => server.url("postgres"),
            Self::Mariadb(server) => server.url("app"),
            Self::Sqlite(_) => "sqlite:app.db".to_owned(),
        }
    }

    fn sql(&self, sql: &str) {
        match self {
            Self::Postgres(server) => drop(server.sql("postgres", sql).unwrap()),
            Self::Mariadb(server) => drop(server.sql("app", sql).unwrap()),
            Self::Sqlite(file) => file.execute_batch(sql).unwrap(),
        }
    }

    /// Rows of one transaction, three keys in turn.
    fn insert(&self, numbers: std::ops::Range<usize>, end: &str) {
        let rows: Vec<String> = numbers
            .map(|n| {
                let key = n % 3;
                let document = document(n, key);
                format!(
                    "('{}', 'courses', 'c-{key}', '{document}', CURRENT_TIMESTAMP)",
                    id(n)
                )
            })
            .collect();
        let begin = "BEGIN; INSERT INTO tidings_outbox (id, topic, event_key, event, created_at)";
        self.sql(&format!("{begin} VALUES {}; {end};", rows.join(", ")));
    }
}

fn id(n: usize) -> String {
    format!("8353e8ea-e784-11f1-8511-{n:012x}")
}

fn document(n: usize, key: usize) -> String {
    let id = id(n);
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"/example/catalog/web","type":"{TYPE}","time":"2026-11-23T21:26:15.021067Z","minorversion":0,"sourcehost":"vm","partitionkey":"c-{key}","datacontenttype":"application/json","data":{{"n":{n}}}}}"#
    )
}

fn relay(site: &Site, url: &str) -> Child {
    site.command(&["relay", "--batch", "20"])
        .env("TIDINGS_DATABASE", url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Two relays at a time, killed one after the other: everything that was committed is on the bus,
/// nothing that was rolled back is, and first occurrences are in order.
fn kills(site: &Site, database: &Database) {
    let url = database.url();
    site.run(&["outbox", "migrate", "--database", &url]).ok();
    const ROUNDS: usize = 8;
    const ROWS: usize = 150;
    let mut relays = vec![relay(site, &url), relay(site, &url)];
    for round in 0..ROUNDS {
        let first = round * ROWS;
        database.insert(first..first + ROWS, "COMMIT");
        database.insert(900_000 + first..900_000 + first + 10, "ROLLBACK");
        std::thread::sleep(Duration::from_millis(rand::rng().random_range(0..400)));
        // The older one, which is the active one where nothing went wrong.
        let mut victim = relays.remove(0);
        victim.kill().unwrap();
        victim.wait().unwrap();
        relays.push(relay(site, &url));
    }
    let end = std::time::Instant::now() + Duration::from_secs(90);
    loop {
        let status = site
            .run(&["outbox", "status", "--json", "--database", &url])
            .ok();
        if status.json()[0]["depth"] == 0 {
            break;
        }
        assert!(std::time::Instant::now() < end, "{}", status.out);
        std::thread::sleep(Duration::from_millis(100));
    }
    for mut relay in relays {
        relay.kill().unwrap();
        relay.wait().unwrap();
    }
    let heard = site.run(&[
        "tail",
        "--topic",
        "courses",
        "--no-follow",
        "--from",
        "earliest",
    ]);
    let heard = heard.ok();
    let mut first: HashMap<String, Vec<u64>> = HashMap::new();
    for event in heard.json() {
        let key = event["partitionkey"].as_str().unwrap().to_owned();
        let n = event["data"]["n"].as_u64().unwrap();
        let seen = first.entry(key).or_default();
        if !seen.contains(&n) {
            seen.push(n);
        }
    }
    for (key, seen) in &first {
        assert!(seen.is_sorted(), "{key} is out of order: {seen:?}");
    }
    let all: usize = first.values().map(Vec::len).sum();
    assert_eq!(all, ROUNDS * ROWS, "lost, or seen after a rollback");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_killed_relay_loses_nothing() {
    let server = PostgresServer::start(&["fsync=off"]).await.unwrap();
    kills(&Site::new(), &Database::Postgres(server));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mariadb_a_killed_relay_loses_nothing() {
    let server = MariadbServer::start(&["--innodb-flush-log-at-trx-commit=2"])
        .await
        .unwrap();
    server.create_database("app").unwrap();
    kills(&Site::new(), &Database::Mariadb(server));
}

#[test]
fn on_sqlite_a_killed_relay_loses_nothing() {
    let site = Site::new();
    site.run(&["outbox", "migrate", "--database", "sqlite:app.db"])
        .ok();
    let file = Connection::open(site.folder().join("app.db")).unwrap();
    file.busy_timeout(Duration::from_secs(30)).unwrap();
    kills(&site, &Database::Sqlite(file));
}

#[test]
fn refused_rows_are_listed_retried_and_discarded() {
    let site = Site::new();
    let database = ["--database", "sqlite:app.db"];
    let outbox = |arguments: &[&str]| site.run(&[&["outbox"], arguments, &database].concat());
    outbox(&["migrate"]).ok();
    let file = Connection::open(site.folder().join("app.db")).unwrap();
    let insert = "INSERT INTO tidings_outbox (id, topic, event_key, event) VALUES (?, ?, ?, ?)";
    for (n, event) in [(1, "{no json".to_owned()), (2, document(2, 0))] {
        file.execute(insert, (id(n), "courses", "c-0", event))
            .unwrap();
    }
    let mut relay = relay(&site, "sqlite:app.db");
    let end = std::time::Instant::now() + Duration::from_secs(60);
    let status = loop {
        let status = outbox(&["status", "--json"]).ok().json().remove(0);
        if status["held"] == 1 {
            break status;
        }
        assert!(std::time::Instant::now() < end, "{status}");
    };
    assert_eq!(
        (&status["depth"], &status["refused"]),
        (&Value::from(0), &Value::from(1))
    );
    let listed = outbox(&["refused", "--json"]).ok().json();
    assert_eq!(
        (&listed[0]["holds"], &listed[0]["seq"]),
        (&Value::from(1), &Value::from(1))
    );
    assert!(
        listed[0]["reason"].as_str().unwrap().contains("JSON"),
        "{listed:?}"
    );
    assert!(outbox(&["refused"]).ok().out.contains("courses"));
    outbox(&["refused", "retry", "--seq", "7", "--yes"]).ends_with(66);
    // Nobody is there to be asked.
    outbox(&["refused", "discard", "--all"]).ends_with(64);
    outbox(&["refused", "discard", "--all", "--dry-run"]).ok();
    let told = outbox(&["refused", "discard", "--topic", "courses", "--yes"]).ok();
    assert_eq!(told.out, "1 row deleted\n");
    while outbox(&["status", "--json"]).ok().json()[0]["held"] != 0 {
        assert!(std::time::Instant::now() < end, "the key does not go on");
    }
    relay.kill().unwrap();
    relay.wait().unwrap();
}

#[test]
fn what_is_wrong_with_a_database_is_said_without_its_password() {
    let site = Site::new();
    for (url, code, says) in [
        (
            "postgres://app:hunter2@127.0.0.1:1/x",
            69,
            "app:***@127.0.0.1",
        ),
        ("mysql://app:hunter2@127.0.0.1:1/x", 69, "app:***@127.0.0.1"),
        ("pg://app:hunter2@db/x", 64, "known are postgres"),
        ("postgres://app:hunter2@db:port/x", 64, "%40"),
        ("sqlite:missing.db", 66, "tidings outbox migrate"),
    ] {
        let at_once = &["relay", "--give-up-after", "1ms"];
        for verb in [&["outbox", "status"][..], at_once] {
            let ran = site
                .run(&[verb, &["--database", url]].concat())
                .ends_with(code);
            assert!(ran.err.contains(says), "{url}: {}", ran.err);
            assert!(!ran.err.contains("hunter2"), "{}", ran.err);
        }
    }
    site.run(&["relay"]).ends_with(78);
    site.write("empty.db", "");
    let ran = site
        .run(&["relay", "--database", "sqlite:empty.db"])
        .ends_with(78);
    assert!(
        ran.err.contains("run `tidings outbox migrate`"),
        "{}",
        ran.err
    );
}
