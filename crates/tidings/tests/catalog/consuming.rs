//! A consumer that holds what it receives to the catalog.

use std::sync::{Arc, Mutex};

use tidings::{Bus, DeadLetter, Group, Message, Mode, OnFailure, Start, shutdown_signal};

use crate::site::{GOOD_V1, V1, bus, catalog, emitter};

/// Publishes to `courses` without being held to anything.
async fn publish(bus: &Bus, events: &[(&str, i32, &str)]) {
    let free = Bus::new(bus.transport().clone(), "memory:");
    let producer = free.producer().emitter(emitter("catalog")).build().unwrap();
    for (event_type, minor, data) in events {
        let event = producer.event(*event_type).minorversion(*minor);
        let event = event.data_json(*data);
        producer.publish_to("courses", event).await.unwrap();
    }
}

/// Consumes as many events as there are; what the handler saw.
async fn consume(bus: &Bus, service: &str, mode: Mode, events: u64) -> Vec<i32> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    let consumer = bus
        .consumer(service)
        .catalog(catalog())
        .service(service)
        .validation(mode)
        .on_failure(OnFailure::Skip)
        .topic("courses")
        .from(Start::Earliest)
        .max_events(events)
        .handler(move |message: Message| {
            let minor = message.event().minorversion().unwrap();
            sink.lock().unwrap().push(minor);
            async { Ok(()) }
        });
    consumer.run(shutdown_signal()).await.unwrap();
    let mut seen = seen.lock().unwrap().clone();
    seen.sort_unstable();
    seen
}

async fn dead(bus: &Bus, group: &str) -> Vec<DeadLetter> {
    let (topic, group) = (bus.topic("courses").unwrap(), Group::new(group).unwrap());
    let transport = bus.transport();
    transport
        .dead_letters(&topic, &group, None, 100)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_invalid_payload_is_a_dead_letter_with_the_place_and_without_the_value() {
    let bus = bus().await;
    let bad = r#"{"course": {"id": "c-1", "title": 4711}}"#;
    publish(&bus, &[(V1, 0, GOOD_V1), (V1, 1, bad)]).await;
    assert_eq!(consume(&bus, "search", Mode::Enforce, 2).await, [0]);
    let dead = dead(&bus, "search").await;
    assert_eq!(dead.len(), 1);
    let reason = dead[0].reason.as_ref().unwrap();
    assert_eq!(reason.class, "invalid");
    assert!(
        reason
            .message
            .contains("data/course/title does not fit its schema"),
        "{reason:?}"
    );
    assert!(!reason.message.contains("4711"), "{reason:?}");
    // The handler of a consumer that does not validate sees both, as that of one that only warns.
    assert_eq!(consume(&bus, "other", Mode::Off, 2).await, [0, 1]);
    assert_eq!(consume(&bus, "third", Mode::Warn, 2).await, [0, 1]);
}

#[tokio::test]
async fn an_event_below_the_minor_version_of_the_contract_is_a_dead_letter() {
    let bus = bus().await;
    publish(&bus, &[(V1, 1, GOOD_V1), (V1, 2, GOOD_V1)]).await;
    assert_eq!(consume(&bus, "mail", Mode::Enforce, 2).await, [2]);
    let dead = dead(&bus, "mail").await;
    let message = &dead[0].reason.as_ref().unwrap().message;
    assert!(
        message.contains("minorversion `1` is below 2, which the contract of `mail`"),
        "{message}"
    );
    // The contract of another service asks for less.
    assert_eq!(consume(&bus, "search", Mode::Enforce, 2).await, [1, 2]);
}

#[tokio::test]
async fn what_the_catalog_does_not_know_passes() {
    let bus = bus().await;
    let newer = r#"{"course": {"id": "c-1", "title": "One", "added": 1}}"#;
    let unknown = "org.example.catalog.course.renamed.v1";
    publish(&bus, &[(unknown, 0, "{}"), (V1, 9, newer)]).await;
    assert_eq!(consume(&bus, "search", Mode::Enforce, 2).await, [0, 9]);
}
