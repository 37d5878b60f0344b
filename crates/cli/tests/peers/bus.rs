//! `tidings consume` on what the package publishes, and the package's consumer on what
//! `tidings publish` writes.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value, json};
use tidings_conformance::servers::{RedisOptions, RedisServer};
use tidings_event::new_id;

use crate::site;

/// Runs the command with a text on its standard input; gives its exit code, the JSON lines that
/// it prints, and what it says on standard error.
async fn tidings(arguments: &[&str], input: String) -> (Option<i32>, Vec<Value>, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_tidings"));
    let output = site::run(program, arguments, input).await;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (
        output.status.code(),
        site::json_lines(&output.stdout),
        errors,
    )
}

/// Consumes from topics of a bus until so many entries are settled, also those that become dead
/// letters; gives the events.
async fn consume(bus: &str, topics: &[&str], group: &str, max: usize) -> Vec<Value> {
    let max = max.to_string();
    let mut arguments = vec![
        "consume", "--bus", bus, "--group", group, "--from", "earliest",
    ];
    arguments.extend(["--json", "--until-idle", "20s", "--max", &max]);
    arguments.extend(topics.iter().flat_map(|topic| ["--topic", topic]));
    let (code, events, errors) = tidings(&arguments, String::new()).await;
    assert_eq!(code, Some(0), "{errors}");
    events
}

#[tokio::test]
async fn what_the_package_publishes_is_consumed_as_it_was_sent() {
    let Some(python) = site::python() else { return };
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let url = server.url();
    let mut sent = site::lines(&python, "produce.py", &[&url, "dev-all"], String::new()).await;
    // What stands among them and cannot be read stops nothing.
    let client = redis::Client::open(url.clone()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let unreadable = [
        &["colour", "blue"][..],
        &[
            "type",
            "org.openedx.learning.badge.awarded.v1",
            "event_data",
            "\x02",
        ],
        &["type", "org.example.unheard.of.v1", "event_data", ""],
    ];
    for fields in unreadable {
        let mut add = redis::cmd("XADD");
        add.arg("dev-all").arg("*").arg(fields);
        add.exec_async(&mut redis).await.unwrap();
    }
    sent.extend(site::lines(&python, "produce.py", &[&url, "dev-more"], String::new()).await);
    assert_eq!(sent.len(), 256);

    let bus = format!("{url}?prefix=dev");
    let received = consume(
        &bus,
        &["all", "more"],
        "ours",
        sent.len() + unreadable.len(),
    )
    .await;
    assert_eq!(received.len(), sent.len());
    for sent in &sent {
        let mut same_id = received.iter().filter(|event| event["id"] == sent["id"]);
        let event = same_id.next().unwrap();
        assert!(same_id.next().is_none());
        for name in [
            "type",
            "time",
            "minorversion",
            "sourcehost",
            "sourcelib",
            "data",
        ] {
            assert_eq!(event[name], sent[name], "{name} of {}", sent["type"]);
        }
        assert_eq!(
            event["source"],
            format!("/{}", sent["source"].as_str().unwrap())
        );
        assert_eq!(event["datacontenttype"], "application/json");
    }
    let mut length = redis::cmd("XLEN");
    length.arg("tidings:{dev-all}:dlq:ours");
    let letters: usize = length.query_async(&mut redis).await.unwrap();
    assert_eq!(letters, unreadable.len());
}

#[tokio::test]
async fn what_is_published_for_open_edx_reaches_the_packages_receivers() {
    let Some(python) = site::python() else { return };
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let url = server.url();
    // The package knows best what its receivers take.
    let examples = site::lines(&python, "produce.py", &[&url, "theirs"], String::new()).await;
    let event = |example: &Value| {
        json!({
            "specversion": "1.0",
            "type": example["type"],
            "id": new_id(),
            "source": "/openedx/discovery/worker",
            "time": "2026-11-23T20:57:12.5Z",
            "minorversion": 0,
            "sourcehost": "host-1",
            "sourcelib": "1.2.3",
            "datacontenttype": "application/json",
            "data": example["data"],
        })
    };
    let events: Vec<Value> = examples.iter().map(event).collect();
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    let bus = format!("{url}?wire=openedx&prefix=dev");
    let arguments = ["publish", "--bus", &bus, "--topic", "ours", "--json"];
    let (code, receipts, errors) = tidings(&arguments, lines.join("\n")).await;
    let refused: Vec<&Value> = receipts
        .iter()
        .filter(|r| r["position"].is_null())
        .collect();
    assert_eq!(code, Some(0), "{refused:?} {errors}");
    assert_eq!(receipts.len(), events.len());
    for (receipt, event) in receipts.iter().zip(&events) {
        assert_eq!(receipt["id"], event["id"]);
    }

    let count = events.len().to_string();
    let arguments = [&*url, "dev-ours", "a-group", &count];
    let received = site::lines(&python, "consume.py", &arguments, String::new()).await;
    assert_eq!(received.len(), events.len());
    for (event, received) in events.iter().zip(&received) {
        let expected = json!({
            "type": event["type"],
            "id": event["id"],
            "source": "openedx/discovery/worker",
            "time": "2026-11-23T20:57:12.500000+00:00",
            "minorversion": 0,
            "sourcehost": "host-1",
            "sourcelib": "1.2.3",
            "data": event["data"],
        });
        assert_eq!(*received, expected);
    }
    // Our own readers get the documents back, the time as it was written.
    let bus = format!("{url}?prefix=dev&unknown_schema=refuse");
    let read = consume(&bus, &["ours"], "b-group", events.len()).await;
    assert_eq!(read.len(), events.len());
    let mut keyed = 0;
    // Different keys run in parallel, so that only the ids tell which is which.
    let mut by_id: HashMap<String, Value> = read
        .into_iter()
        .map(|event| (event["id"].as_str().unwrap().to_owned(), event))
        .collect();
    for event in &events {
        let mut read = by_id.remove(event["id"].as_str().unwrap()).unwrap();
        let object = read.as_object_mut().unwrap();
        // Some definitions name a key; the field beside the package's own ones carries it.
        keyed += usize::from(object.remove("partitionkey").is_some());
        let urn = object.remove("dataschema").unwrap();
        assert!(
            urn.as_str()
                .unwrap()
                .starts_with("urn:tidings:avro:sha256:")
        );
        assert_eq!(read, *event);
    }
    assert!(keyed > 0);
}

#[tokio::test]
async fn what_the_package_could_not_read_is_refused_and_the_rest_goes_on() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let bus = format!("{}?wire=openedx", server.url());
    let event = |event_type: &str, id: &str, data: Value| {
        json!({
            "specversion": "1.0", "type": event_type, "id": id, "source": "/openedx/cms/web",
            "minorversion": 0, "data": data,
        })
        .to_string()
    };
    let made = "org.openedx.content_authoring.course.created.v1";
    let good = new_id();
    let input = [
        event(made, &new_id(), json!({ "course": { "course_key": 7 } })),
        event(
            made,
            &new_id(),
            json!({ "course": { "course_key": "k", "colour": "blue" } }),
        ),
        event(made, "42", json!({ "course": { "course_key": "k" } })),
        event("org.openedx.unheard.of.made.v1", &new_id(), json!({})),
        event(made, &good, json!({ "course": { "course_key": "k" } })),
    ];
    let arguments = [
        "publish",
        "--bus",
        &bus,
        "--topic",
        "t",
        "--profile",
        "off",
        "--json",
    ];
    let (code, lines, errors) = tidings(&arguments, input.join("\n")).await;
    assert_eq!(code, Some(65), "{errors}");
    let (bad, published) = lines.split_at(4);
    assert_eq!(published.len(), 1, "{lines:?}");
    assert_eq!(published[0]["id"], good);
    let says = [
        "course.course_key: wants",
        "course.colour: ",
        "must be a UUID",
        "no Avro schema",
    ];
    for (index, (line, says)) in bad.iter().zip(says).enumerate() {
        let (error, message) = (&line["error"], line["error"]["message"].as_str().unwrap());
        assert_eq!(error["line"], index + 1);
        assert!(message.contains(says), "{says} is not in {message}");
        assert!(!message.contains("blue"), "a value in {message}");
    }
}
