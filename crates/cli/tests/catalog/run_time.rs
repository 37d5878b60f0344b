//! `publish` and `consume` with a catalog.

use serde_json::{Value, json};

use crate::site::Site;

const V1: &str = "org.example.catalog.course.created.v1";
const V2: &str = "org.example.catalog.course.created.v2";

/// A site with an event in two major versions, and a bus.
fn site() -> Site {
    let site = Site::new(&[
        (
            "v1.yaml",
            include_str!("../../../tidings/tests/catalog/created.v1.yaml"),
        ),
        (
            "v2.yaml",
            include_str!("../../../tidings/tests/catalog/created.v2.yaml"),
        ),
    ]);
    site.write(
        "tidings.toml",
        "bus = \"sqlite:bus.db\"\ncatalog = [\"events\"]\nservice = \"catalog\"\n",
    );
    site
}

fn tail(site: &Site, topic: &str) -> Vec<Value> {
    site.run(&["tail", "--topic", topic, "--no-follow"])
        .ok()
        .json()
}

#[test]
fn an_event_goes_where_its_definition_says_in_both_majors() {
    let site = site();
    let data = r#"{"course": {"key": "c-1", "name": "One"}}"#;
    let ran = site.run(&["publish", "--type", V2, "--data", data]).ok();
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.out);
    assert!(
        lines[0].ends_with(&format!(" of courses as {V2}")),
        "{}",
        ran.out
    );
    assert!(
        lines[2].ends_with(&format!(" of archive as {V1}")),
        "{}",
        ran.out
    );

    let ran = site.run(&[
        "consume",
        "--topic",
        "courses",
        "--group",
        "g",
        "--from",
        "earliest",
        "--max",
        "2",
        "--validate",
        "enforce",
    ]);
    let events = ran.ok().json();
    let of = |ty: &str| events.iter().find(|e| e["type"] == ty).unwrap().clone();
    let (new, old) = (of(V2), of(V1));
    assert_eq!(new["time"], old["time"]);
    assert_eq!(new["minorversion"], 0);
    assert_eq!(old["minorversion"], 2);
    assert_eq!(old["partitionkey"], "c-1");
    assert_eq!(
        old["data"],
        json!({"course": {"id": "c-1", "title": "One", "language": "en"}})
    );
}

#[test]
fn what_breaks_the_catalog_is_refused_with_field_rule_and_remedy() {
    let site = site();
    let line = |id: u32, ty: &str, data: &str| {
        format!(
            "{{\"specversion\":\"1.0\",\"id\":\"7a2b1c{id:02}-c9ab-11f0-8de9-0242ac120002\",\
             \"type\":\"{ty}\",\"source\":\"/example/catalog/web\",\"sourcehost\":\"h\",\
             \"time\":\"2026-11-26T12:00:00Z\",\"minorversion\":0,\"data\":{data}}}\n"
        )
    };
    let events = [
        line(1, V1, r#"{"course":{"id":"c-1","title":4711}}"#),
        line(2, "org.example.catalog.course.craeted.v1", "{}"),
        line(3, V1, r#"{"course":{"id":"c-1","title":"One"}}"#),
    ];
    site.write("events.jsonl", &events.concat());
    let ran = site.run(&["publish", "events.jsonl"]).ends_with(65);
    insta::assert_snapshot!(ran.err);
    assert!(!ran.err.contains("4711"));

    let json = site.run(&["publish", "events.jsonl", "--json", "--atomic"]);
    let json = json.ends_with(65);
    let codes: Vec<Value> = json
        .json()
        .iter()
        .map(|l| l["error"]["code"].clone())
        .collect();
    assert_eq!(codes, ["catalog-payload", "catalog-unknown-type"]);

    // Another service does not emit it, whatever the source says.
    let data = r#"{"course":{"id":"c-1","title":"One"}}"#;
    let ran = site.run(&[
        "publish",
        "--type",
        V1,
        "--data",
        data,
        "--service",
        "search",
    ]);
    let ran = ran.ends_with(65);
    assert!(ran.err.contains("error[catalog-owner]"), "{}", ran.err);

    // The good one went out, once, and to both of its topics.
    let ids: Vec<Value> = tail(&site, "archive")
        .iter()
        .map(|e| e["id"].clone())
        .collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    site.run(&[
        "publish",
        "events.jsonl",
        "--validate",
        "off",
        "--topic",
        "free",
    ])
    .ok();
}

#[test]
fn a_consumer_keeps_what_is_not_as_the_catalog_says_from_its_handler() {
    let site = site();
    let data = r#"{"course":{"id":"c-1","title":4711}}"#;
    let publish = [
        "publish",
        "--validate",
        "off",
        "--topic",
        "courses",
        "--type",
        V1,
        "--data",
        data,
    ];
    site.run(&publish).ok();
    let consume = [
        "consume",
        "--topic",
        "courses",
        "--group",
        "search",
        "--from",
        "earliest",
        "--max",
        "1",
        "--validate",
        "enforce",
        "--on-failure",
        "skip",
    ];
    let ran = site.run(&consume).ok();
    assert_eq!(ran.out, "");
    assert!(!ran.err.contains("4711"), "{}", ran.err);
    let dead = site
        .run(&[
            "dlq", "list", "--topic", "courses", "--group", "search", "--json",
        ])
        .ok();
    let dead = dead.json();
    assert_eq!(dead.len(), 1, "{dead:?}");
    let reason = dead[0].to_string();
    assert!(reason.contains("\"invalid\""), "{reason}");
    assert!(
        reason.contains("data/course/title does not fit its schema"),
        "{reason}"
    );
}

#[test]
fn a_service_without_a_contract_is_told() {
    let site = site();
    let data = r#"{"course":{"id":"c-1","title":"One"}}"#;
    let publish = ["publish", "--type", V1, "--data", data];
    site.run(&publish).ok();
    let consume = |group: &str, service: &str| {
        let common = ["consume", "--topic", "courses", "--from", "earliest"];
        let more = ["--group", group, "--max", "1", "--service", service];
        let validate = ["--validate", "enforce"];
        site.run(&[&common[..], &more, &validate].concat()).ok()
    };
    let ran = consume("one", "serch");
    let told = "note: the catalog has no contract with service \"serch\"";
    assert!(ran.err.contains(told), "{}", ran.err);
    assert!(ran.err.contains("search"), "{}", ran.err);
    let ran = consume("two", "search");
    assert!(!ran.err.contains("no contract"), "{}", ran.err);
}

#[test]
fn without_a_topic_and_a_catalog_it_says_what_is_missing() {
    let site = site();
    site.write("tidings.toml", "bus = \"sqlite:bus.db\"\n");
    let ran = site.run(&["publish", "--type", V1]).ends_with(64);
    assert!(
        ran.err.contains("--topic courses, or --catalog events"),
        "{}",
        ran.err
    );
}

#[test]
fn a_topic_and_a_key_by_hand_are_held_to_the_definition() {
    let site = site();
    let data = r#"{"course":{"id":"c-1","title":"One"}}"#;
    let publish = |more: &[&str]| {
        let common = ["publish", "--type", V1, "--data", data];
        site.run(&[&common[..], more].concat())
    };
    for (more, code) in [
        (
            ["--topic", "elsewhere"],
            "error[catalog-topic]: topic `elsewhere`",
        ),
        (["--key", "c-2"], "error[catalog-key]"),
        (["--key-path", "course.title"], "error[catalog-key]"),
    ] {
        let ran = publish(&more).ends_with(65);
        assert!(ran.err.contains(code), "{}", ran.err);
        assert!(!ran.err.contains("c-2"), "{}", ran.err);
    }
    publish(&["--topic", "archive", "--key", "c-1"]).ok();
    publish(&["--topic", "elsewhere", "--validate", "warn"]).ok();
}

#[test]
fn a_file_of_events_is_held_to_a_catalog_without_a_bus() {
    let site = site();
    site.write("tidings.toml", "");
    let event = |id: u32, ty: &str, key: &str, data: &str| {
        format!(
            "{{\"specversion\":\"1.0\",\"id\":\"7a2b1c{id:02}-c9ab-11f0-8de9-0242ac120002\",\
             \"type\":\"{ty}\",\"source\":\"/example/catalog/web\",\"sourcehost\":\"h\",\
             \"time\":\"2026-11-26T12:00:00Z\",\"minorversion\":0,\"partitionkey\":\"{key}\",\
             \"data\":{data}}}\n"
        )
    };
    let good = event(1, V1, "c-1", r#"{"course":{"id":"c-1","title":"One"}}"#);
    let bad = [
        event(2, V1, "c-1", r#"{"course":{"id":"c-1","title":4711}}"#),
        event(3, "org.example.catalog.course.craeted.v1", "c-1", "{}"),
        event(4, V1, "c-2", r#"{"course":{"id":"c-1","title":"One"}}"#),
        // The name is no text in the older version.
        event(
            5,
            V2,
            "c-1",
            r#"{"course":{"key":"c-1","name":{"en":"One"}}}"#,
        ),
    ];
    site.write("sent.jsonl", &format!("{good}{}", bad.concat()));
    // The profile alone has nothing against them.
    site.run(&["check", "sent.jsonl"]).ok();
    let ran = site.run(&["check", "--catalog", "events", "sent.jsonl", "--json"]);
    let ran = ran.ends_with(65);
    let found: Vec<(u64, String)> = ran
        .json()
        .iter()
        .map(|l| {
            (
                l["line"].as_u64().unwrap(),
                l["code"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let expected = [
        (2, "catalog-payload"),
        (3, "catalog-unknown-type"),
        (4, "catalog-key"),
        (5, "catalog-mapping"),
    ];
    let expected: Vec<_> = expected.map(|(line, code)| (line, code.to_owned())).into();
    assert_eq!(found, expected);
    assert!(!ran.out.contains("4711"), "{}", ran.out);

    site.write("good.jsonl", &good);
    site.write("tidings.toml", "catalog = [\"events\"]\n");
    site.run(&["check", "good.jsonl", "--service", "catalog"])
        .ok();
    let other = site.run(&["check", "good.jsonl", "--service", "search"]);
    let other = other.ends_with(65);
    assert!(other.out.contains("error[catalog-owner]"), "{}", other.out);
    for (code, _) in tidings::CATALOG_RULES {
        let ran = site.run(&["check", "--explain", code]).ok();
        assert!(ran.out.starts_with(code), "{}", ran.out);
    }
}
