//! Entries of the package in our codec, and entries of our codec in the package, without anything
//! of ours between.

use std::collections::BTreeMap;

use redis::aio::MultiplexedConnection;
use redis::streams::{StreamId, StreamRangeReply};
use serde_json::{Value, json};
use tidings_catalog::Catalog;
use tidings_conformance::servers::{RedisOptions, RedisServer};
use tidings_event::openedx::{UnknownSchema, decode, encode};
use tidings_event::{Event, new_id};

use crate::site;

#[tokio::test]
async fn entries_of_the_package_are_read_and_written_again_byte_for_byte() {
    let Some(python) = site::python() else { return };
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let sent = site::lines(
        &python,
        "produce.py",
        &[&server.url(), "dev-all"],
        String::new(),
    )
    .await;
    let catalog = Catalog::openedx();
    let stored = entries(&mut connect(&server).await, "dev-all").await;
    // Each of the 64 types that this openedx-events can serialize, with every field set, and with as
    // few as it takes.
    assert_eq!((sent.len(), stored.len()), (128, 128));
    for (sent, fields) in sent.iter().zip(&stored) {
        let given = fields.iter().map(|(name, value)| (&**name, &**value));
        let event = decode(given, &catalog, UnknownSchema::Declared).unwrap();
        let document: Value = serde_json::from_slice(&event.to_json()).unwrap();
        for name in [
            "type",
            "id",
            "time",
            "minorversion",
            "sourcehost",
            "sourcelib",
            "data",
        ] {
            assert_eq!(document[name], sent[name], "{name} of {}", sent["type"]);
        }
        let source = sent["source"].as_str().unwrap();
        assert_eq!(document["source"], json!(format!("/{source}")));

        let encoded = encode(&event, &catalog).unwrap();
        let mut rest = fields.clone();
        for (name, value) in &encoded.fields {
            if let Some(theirs) = rest.remove(&**name) {
                assert_eq!(*value, theirs, "{name} of {}", sent["type"]);
            }
        }
        assert!(rest.is_empty(), "not written again: {:?}", rest.keys());
    }
}

#[tokio::test]
async fn entries_of_ours_reach_the_receivers_of_the_package() {
    let Some(python) = site::python() else { return };
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let url = server.url();
    // The package knows best what its receivers take.
    let sent = site::lines(&python, "produce.py", &[&url, "theirs"], String::new()).await;
    let catalog = Catalog::openedx();
    let mut redis = connect(&server).await;
    let mut ids = Vec::new();
    for sent in &sent {
        // Everything that Open edX writes in another way: the slash of the source, a time with
        // an offset and without microseconds, attributes that it has no field for.
        let event = Event::builder(sent["type"].as_str().unwrap())
            .id(new_id())
            .source("/openedx/discovery/worker")
            .time_text("2026-11-23T22:57:12.5+02:00")
            .minorversion(0)
            .extension("sourcehost", "host-1")
            .extension("sourcelib", "1.2.3")
            .extension(
                "traceparent",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            )
            .subject("anything")
            .partition_key("a key")
            .data_json(sent["data"].to_string())
            .build()
            .unwrap();
        let mut add = redis::cmd("XADD");
        add.arg("ours").arg("*");
        for (name, value) in &encode(&event, &catalog).unwrap().fields {
            add.arg(&**name).arg(value);
        }
        add.exec_async(&mut redis).await.unwrap();
        ids.push(event.id().to_owned());
    }
    let count = sent.len().to_string();
    let received = site::lines(
        &python,
        "consume.py",
        &[&url, "ours", "a-group", &count],
        String::new(),
    )
    .await;
    assert_eq!(received.len(), sent.len());
    for ((sent, id), received) in sent.iter().zip(&ids).zip(&received) {
        let expected = json!({
            "type": sent["type"],
            "id": id,
            "source": "openedx/discovery/worker",
            "time": "2026-11-23T20:57:12.500000+00:00",
            "minorversion": 0,
            "sourcehost": "host-1",
            "sourcelib": "1.2.3",
            "data": sent["data"],
        });
        assert_eq!(*received, expected);
    }
}

async fn connect(server: &RedisServer) -> MultiplexedConnection {
    let client = redis::Client::open(server.url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

/// The entries of a stream: names and values of their fields.
async fn entries(
    redis: &mut MultiplexedConnection,
    stream: &str,
) -> Vec<BTreeMap<String, Vec<u8>>> {
    let mut range = redis::cmd("XRANGE");
    let reply: StreamRangeReply = range
        .arg(&[stream, "-", "+"])
        .query_async(redis)
        .await
        .unwrap();
    let fields = |entry: StreamId| {
        let value = |value| redis::from_redis_value(value).unwrap();
        let fields = entry.map.into_iter();
        fields.map(|(name, v)| (name, value(v))).collect()
    };
    reply.ids.into_iter().map(fields).collect()
}
