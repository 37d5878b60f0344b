//! Our consumer on what the package publishes, and the package's consumer on what we publish.

use std::time::Duration;

use serde_json::{Value, json};
use tidings::{Message, Start};
use tidings_conformance::servers::{RedisOptions, RedisServer};
use tidings_event::new_id;

use crate::site;

/// Consumes from topics of a bus until so many entries are settled, also those that become dead
/// letters; gives the events as documents.
async fn consume(bus: &str, topics: &[&str], group: &str, max: usize) -> Vec<Value> {
    let bus = tidings::open(bus).await.unwrap();
    let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
    let consumer = bus
        .consumer(group)
        .topics(topics.iter().copied())
        .from(Start::Earliest)
        .max_events(max as u64)
        .until_idle(Duration::from_secs(20))
        .handler(move |message: Message| {
            send.send(message.document()).unwrap();
            std::future::ready(Ok(()))
        });
    consumer.run(tidings::shutdown_signal()).await.unwrap();
    let mut documents = Vec::new();
    while let Ok(document) = receive.try_recv() {
        documents.push(serde_json::from_slice(&document).unwrap());
    }
    documents
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
    let bus = tidings::open(&format!("{url}?wire=openedx&prefix=dev"))
        .await
        .unwrap();
    let producer = bus.producer().build().unwrap();
    let documents = events.iter().map(|event| (None, event.to_string().into()));
    for result in producer.publish_documents("ours", documents).await {
        result.unwrap();
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
    for (event, mut read) in events.iter().zip(read) {
        let urn = read.as_object_mut().unwrap().remove("dataschema").unwrap();
        assert!(
            urn.as_str()
                .unwrap()
                .starts_with("urn:tidings:avro:sha256:")
        );
        assert_eq!(read, *event);
    }
}
