//! `tidings topics`, `groups`, `tail`, `doctor`.

use rusqlite::Connection;
use serde_json::Value;

use crate::site::{Site, hidden};

#[test]
fn doctor_tells_of_a_group_that_nobody_serves() {
    let site = Site::new();
    site.run(&["groups", "create", "--topic", "courses", "--group", "idle"])
        .ok();
    site.publish(2);
    let findings = site.run(&["doctor", "--json"]).ok().json();
    let found = findings
        .iter()
        .find(|f| f["code"] == "group-without-consumer")
        .unwrap();
    assert!(found["what"].as_str().unwrap().contains("2 events behind"));
    site.run(&["doctor", "--strict"]).ends_with(1);
}

#[test]
fn tables_are_made_to_be_read() {
    let site = Site::new();
    let mut said = String::new();
    let mut show = |site: &Site, arguments: &[&str]| {
        let ran = site.run(arguments);
        said.push_str(&format!(
            "$ tidings {}\n{}\n",
            arguments.join(" "),
            ran.seen()
        ));
    };
    show(&site, &["topics"]);
    show(&site, &["groups"]);
    show(&site, &["doctor"]);
    show(&site, &["dlq", "list"]);
    for group in ["search", "mail"] {
        site.run(&["groups", "create", "--topic", "courses", "--group", group])
            .ok();
    }
    site.publish(3);
    let fails = "test $TIDINGS_KEY = c-0 || exit 3";
    let base = ["consume", "--topic", "courses", "--group", "mail"];
    site.run(&[&base[..], &["--exec", fails, "--until-idle", "700ms"]].concat())
        .ok();
    show(&site, &["topics"]);
    show(&site, &["groups"]);
    show(&site, &["doctor"]);
    show(&site, &["dlq", "list"]);
    hidden().bind(|| insta::assert_snapshot!("tables", said));
}

#[test]
fn doctor_tells_of_an_outbox() {
    let site = Site::new();
    site.publish(1);
    let doctor = |code: i32| {
        let database = ["doctor", "--database", "sqlite:app.db", "--json"];
        site.run(&database).ends_with(code).json()
    };
    let has = |findings: &[Value], code: &str, severity: &str, says: &str| {
        let found = findings.iter().find(|f| f["code"] == code);
        let found = found.unwrap_or_else(|| panic!("no {code} in {findings:?}"));
        assert_eq!(found["severity"], severity, "{found}");
        assert!(found["what"].as_str().unwrap().contains(says), "{found}");
    };
    doctor(66);
    site.write("app.db", "");
    let found = doctor(1);
    has(&found, "outbox-not-migrated", "error", "tidings_outbox");
    site.run(&["outbox", "migrate", "--database", "sqlite:app.db"])
        .ok();
    let found = doctor(0);
    has(&found, "outbox", "info", "nothing waits");
    has(&found, "outbox-without-relay", "warning", "no relay");
    let file = Connection::open(site.folder().join("app.db")).unwrap();
    file.execute_batch(
        "INSERT INTO tidings_outbox (id, topic, event, created_at)
         VALUES ('a', 'courses', '{}', '2026-01-01 00:00:00.000');
         INSERT INTO tidings_outbox (id, topic, event_key, event, refused_at, reason)
         VALUES ('b', 'courses', 'k', '{}', '2026-01-01 00:00:00.000', 'no JSON'),
                ('c', 'courses', 'k', '{}', '2026-01-01 00:00:00.000', NULL);
         INSERT INTO tidings_outbox_schema (version) VALUES (7)",
    )
    .unwrap();
    let found = doctor(1);
    has(&found, "outbox", "info", "1 row waits");
    has(&found, "outbox-without-relay", "error", "no relay");
    has(&found, "outbox-refused", "warning", "1 row held behind");
    has(&found, "outbox-newer-tables", "error", "version 7");
    // As long as a lease may be.
    let until = jiff::Timestamp::now().as_millisecond() + 9_000;
    let lease = "INSERT INTO tidings_outbox_lease VALUES ('relay', 'a', 1, ?)";
    file.execute(lease, [until]).unwrap();
    file.execute_batch("DELETE FROM tidings_outbox_schema WHERE version = 7")
        .unwrap();
    let found = doctor(0);
    has(&found, "outbox-behind", "warning", "1 row waits");
    // Named by the environment, it is looked at as well; with no name nothing is said of it.
    let named = site
        .command(&["doctor"])
        .env("TIDINGS_DATABASE", "sqlite:app.db")
        .output();
    let told = String::from_utf8(named.unwrap().stdout).unwrap();
    assert!(told.contains("tidings outbox refused"), "{told}");
    assert!(!site.run(&["doctor"]).ok().out.contains("outbox"));
}

#[test]
fn doctor_tells_of_one_half_while_the_other_is_away() {
    let site = Site::new();
    let database = ["--database", "sqlite:app.db"];
    site.run(&[&["outbox", "migrate"][..], &database].concat())
        .ok();
    let away = ["--bus", "redis://127.0.0.1:1"];
    let ran = site.run(&[&["doctor"][..], &database, &away].concat());
    let ran = ran.ends_with(69);
    assert!(ran.out.contains("outbox-without-relay"), "{}", ran.out);
    assert!(ran.err.contains("no connection to redis"), "{}", ran.err);
    // And the other way round.
    site.run(&["groups", "create", "--topic", "courses", "--group", "idle"])
        .ok();
    site.publish(2);
    let gone = ["doctor", "--database", "postgres://u@127.0.0.1:1/app"];
    let ran = site.run(&gone).ends_with(69);
    assert!(ran.out.contains("group-without-consumer"), "{}", ran.out);
    assert!(ran.err.contains("127.0.0.1:1"), "{}", ran.err);
}
