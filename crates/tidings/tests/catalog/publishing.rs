//! What a producer refuses, and what it fills in.

use tidings::telemetry::{Metrics, Telemetry};
use tidings::{
    Event, EventBuilder, Key, Mode, PublishError, PublishErrorKind, Route, catalog_violations,
};

use crate::site::{GOOD_V1, V1, bus, catalog, emitter, producer, read};

#[track_caller]
fn codes(error: &PublishError) -> Vec<&'static str> {
    match error.kind() {
        PublishErrorKind::Catalog(violations) => violations.iter().map(|v| v.code).collect(),
        other => panic!("{other:?}: {error}"),
    }
}

#[tokio::test]
async fn topics_key_minorversion_and_dataschema_are_those_of_the_definition() {
    let bus = bus().await;
    let producer = producer(&bus);
    let receipts = producer
        .publish(producer.event(V1).data_json(GOOD_V1))
        .await
        .unwrap();
    let topics: Vec<_> = receipts.iter().map(|r| r.topic.as_str()).collect();
    assert_eq!(topics, ["courses", "archive"]);
    assert!(receipts.iter().all(|receipt| receipt.event_type == V1));
    let (key, event) = read(&bus, "archive").await.pop().unwrap();
    assert_eq!(key.as_deref(), Some("c-1"));
    assert_eq!(event.minorversion(), Some(2));
    let dataschema = bus.definitions().definition(V1, None).unwrap();
    assert_eq!(event.dataschema(), dataschema.dataschema.as_deref());
    assert!(
        event
            .dataschema()
            .unwrap()
            .starts_with("urn:tidings:jsonschema:sha256:")
    );
}

#[tokio::test]
async fn a_route_and_what_the_event_states_win() {
    let bus = bus().await;
    let route = Route::to("elsewhere").key_path("course.title").unwrap();
    let producer = bus.producer().emitter(emitter("catalog")).route(V1, route);
    let producer = producer.build().unwrap();
    let event = producer.event(V1).data_json(GOOD_V1);
    let event = event.minorversion(1).dataschema("https://example.org/own");
    let receipts = producer.publish(event).await.unwrap();
    assert_eq!(receipts.len(), 1);
    let (key, event) = read(&bus, "elsewhere").await.pop().unwrap();
    assert_eq!(key.as_deref(), Some("One"));
    assert_eq!(event.minorversion(), Some(1));
    assert_eq!(event.dataschema(), Some("https://example.org/own"));
}

#[tokio::test]
async fn a_payload_without_its_schema_is_refused_with_the_place_and_without_the_value() {
    let bus = bus().await;
    let producer = producer(&bus);
    let data = r#"{"course": {"id": "c-1", "title": 4711}}"#;
    let error = producer
        .publish(producer.event(V1).data_json(data))
        .await
        .unwrap_err();
    assert_eq!(codes(&error), ["catalog-payload"]);
    let text = error.to_string();
    assert!(
        text.contains(
            "data/course/title does not fit its schema: the value is not of type \"string\"; \
             mend the payload"
        ),
        "{text}"
    );
    assert!(!text.contains("4711"), "{text}");
    assert!(!error.is_temporary());
    assert!(read(&bus, "courses").await.is_empty());

    let none = producer.publish(producer.event(V1)).await.unwrap_err();
    assert!(none.to_string().contains("data is missing"), "{none}");
    let xml = producer.event(V1).data_text("text/xml", "<course/>");
    let xml = producer.publish(xml).await.unwrap_err();
    assert!(xml.to_string().contains("data is not JSON"), "{xml}");
}

#[tokio::test]
async fn an_unknown_type_is_refused_and_the_nearest_named() {
    let bus = bus().await;
    let producer = producer(&bus);
    let event = producer
        .event("org.example.catalog.course.craeted.v1")
        .data_json(GOOD_V1);
    let error = producer.publish_to("courses", event).await.unwrap_err();
    assert_eq!(codes(&error), ["catalog-unknown-type"]);
    let text = error.to_string();
    assert!(
        text.contains("is in no catalog; did you mean org.example.catalog.course.created.v1?"),
        "{text}"
    );
    // A version that there is not is meant to be one that there is.
    let event = producer.event("org.example.catalog.course.created.v7");
    let error = producer.publish_to("courses", event).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("did you mean org.example.catalog.course.created.v"),
        "{error}"
    );
}

#[tokio::test]
async fn only_the_owner_emits_whatever_the_source_says() {
    let bus = bus().await;
    let other = bus.producer().emitter(emitter("search")).build().unwrap();
    // The source claims to be the owner's; the identity is what is configured.
    let event = || emitter("catalog").event(V1).data_json(GOOD_V1);
    let error = other.publish(event()).await.unwrap_err();
    assert_eq!(codes(&error), ["catalog-owner"]);
    let text = error.to_string();
    assert!(
        text.contains("is emitted by `catalog` alone, and this service is `search`"),
        "{text}"
    );
    // And the other way round: whose identity it is may publish what has another source.
    let owner = bus.producer().service("catalog").build().unwrap();
    let foreign = emitter("search").event(V1).data_json(GOOD_V1);
    owner.publish(foreign).await.unwrap();
    // Without an identity there is nothing to check.
    let nobody = bus.producer().build().unwrap();
    nobody.publish(event()).await.unwrap();
}

#[tokio::test]
async fn a_minor_version_that_the_definition_does_not_have_yet_is_refused() {
    let bus = bus().await;
    let producer = producer(&bus);
    let event = producer.event(V1).data_json(GOOD_V1).minorversion(3);
    let error = producer.publish(event).await.unwrap_err();
    assert_eq!(codes(&error), ["catalog-minorversion"]);
}

#[tokio::test]
async fn warn_and_off_let_it_pass_and_failures_are_counted() {
    let metrics = Metrics::new();
    let telemetry = Telemetry::default().with_metrics(metrics.clone());
    let bus = bus().await.with_telemetry(telemetry);
    let bad = r#"{"course": {"id": "c-1"}}"#;
    let with = |mode| {
        let producer = bus.producer().emitter(emitter("catalog")).validation(mode);
        producer.build().unwrap()
    };
    for mode in [Mode::Warn, Mode::Off] {
        let producer = with(mode);
        let event = producer.event(V1).data_json(bad);
        producer.publish(event).await.unwrap();
    }
    assert_eq!(read(&bus, "courses").await.len(), 2);
    let producer = with(Mode::Enforce);
    let event = producer.event(V1).data_json(bad);
    producer.publish(event).await.unwrap_err();
    let page = metrics.encode();
    assert!(
        page.contains("tidings_publish_failures_total{kind=\"catalog\"} 1"),
        "{page}"
    );
}

#[tokio::test]
async fn finished_documents_are_held_to_it_byte_for_byte() {
    let bus = bus().await;
    let producer = producer(&bus);
    let document = |title: &str| {
        let event = Event::builder(V1)
            .source("/example/catalog/web")
            .id("7a2b1c00-c9ab-11f0-8de9-0242ac120002")
            .time_text("2026-11-26T12:00:00Z")
            .minorversion(2)
            .extension("sourcehost", "web-1")
            .data_json(format!(
                r#"{{"course":  {{"id": "c-1", "title": {title}}}}}"#
            ));
        event.build().unwrap().to_json()
    };
    let good = document("\"One\"");
    producer
        .publish_document("courses", None, good.clone())
        .await
        .unwrap();
    assert_eq!(read(&bus, "courses").await[0].1.to_json(), good);
    let error = producer
        .publish_document("courses", None, document("1"))
        .await
        .unwrap_err();
    assert_eq!(codes(&error), ["catalog-payload"]);
}

#[tokio::test]
async fn a_topic_and_a_key_by_hand_are_held_to_the_definition() {
    let bus = bus().await;
    let made = producer(&bus);
    let event = || made.event(V1).data_json(GOOD_V1);
    let error = made.publish_to("elsewhere", event()).await.unwrap_err();
    assert_eq!(codes(&error), ["catalog-topic"]);
    let text = error.to_string();
    assert!(
        text.contains(
            "topic `elsewhere` is none of those that the definition names: `courses`, `archive`"
        ),
        "{text}"
    );
    // One of its topics is as good as all of them.
    assert_eq!(made.publish_to("archive", event()).await.unwrap().len(), 1);

    let error = made
        .publish(event().partition_key("secret"))
        .await
        .unwrap_err();
    assert_eq!(codes(&error), ["catalog-key"]);
    let text = error.to_string();
    assert!(text.contains("`course.id`"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    made.publish(event().partition_key("c-1")).await.unwrap();

    // Of a document, whose key comes beside it or in it.
    let document = emitter("catalog").event(V1).data_json(GOOD_V1);
    let document = document.build().unwrap().to_json();
    for (topic, key, code) in [
        ("elsewhere", None, Some("catalog-topic")),
        ("courses", Some("other"), Some("catalog-key")),
        ("courses", Some("c-1"), None),
    ] {
        let published = made.publish_document(topic, key.map(Key::new), document.clone());
        let found = published.await.err().map(|error| codes(&error));
        assert_eq!(found, code.map(|code| vec![code]), "{topic} {key:?}");
    }

    // What a route says is set up, and not the catalog's to say.
    let route = Route::to("elsewhere").key_path("course.title").unwrap();
    let routed = bus.producer().emitter(emitter("catalog")).route(V1, route);
    let routed = routed.build().unwrap();
    routed.publish_to("elsewhere", event()).await.unwrap();
    let lax = bus.producer().emitter(emitter("catalog"));
    let lax = lax.validation(Mode::Warn).build().unwrap();
    lax.publish_to("elsewhere", event()).await.unwrap();
}

#[test]
fn what_keeps_an_event_from_being_published_is_told_without_a_bus() {
    let catalog = catalog();
    let codes = |service: Option<&str>, event: EventBuilder| -> Vec<&'static str> {
        let event = event.build().unwrap();
        let violations = catalog_violations(&catalog, service, &event);
        violations.iter().map(|violation| violation.code).collect()
    };
    let event = |ty: &str, data: &str| emitter("catalog").event(ty).data_json(data);
    assert_eq!(codes(Some("catalog"), event(V1, GOOD_V1)), [""; 0]);
    assert_eq!(codes(Some("search"), event(V1, GOOD_V1)), ["catalog-owner"]);
    assert_eq!(codes(None, event(V1, GOOD_V1)), [""; 0]);
    assert_eq!(codes(None, event(V1, "{}")), ["catalog-payload"]);
    let keyed = event(V1, GOOD_V1).partition_key("c-2");
    assert_eq!(codes(None, keyed), ["catalog-key"]);
}
