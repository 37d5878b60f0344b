//! One occurrence in two major versions.

use serde_json::{Value, json};
use tidings::{Event, PublishErrorKind};

use crate::site::{GOOD_V2, V1, V2, bus, emitter, producer, read};

fn data(event: &Event) -> Value {
    serde_json::from_str(event.data().unwrap().as_json().unwrap()).unwrap()
}

#[tokio::test]
async fn both_majors_are_emitted_with_one_time_and_the_receipts_tell_both() {
    let bus = bus().await;
    let producer = producer(&bus);
    let event = producer.event(V2).data_json(GOOD_V2).build().unwrap();
    let receipts = producer.publish(event.clone()).await.unwrap();
    let told: Vec<_> = receipts
        .iter()
        .map(|receipt| (receipt.event_type.as_str(), receipt.topic.as_str()))
        .collect();
    assert_eq!(told, [(V2, "courses"), (V1, "courses"), (V1, "archive")]);
    assert_eq!(receipts[0].id, event.id());
    assert_ne!(receipts[1].id, event.id());
    assert_eq!(receipts[1].id, receipts[2].id);

    let both = read(&bus, "courses").await;
    let [(new_key, new), (old_key, old)] = both.as_slice() else {
        panic!("{both:?}");
    };
    assert_eq!((new.event_type(), old.event_type()), (V2, V1));
    assert_eq!(new.time(), old.time());
    assert_eq!(new.source(), old.source());
    // Each has the key of its own definition, which is the same entity.
    assert_eq!(new_key.as_deref(), Some("c-1"));
    assert_eq!(old_key.as_deref(), Some("c-1"));
    assert_eq!(old.minorversion(), Some(2));
    assert_ne!(old.dataschema(), new.dataschema());
    assert_eq!(
        data(old),
        json!({"course": {"id": "c-1", "title": "One", "language": "en"}})
    );

    // Sent again, both have the ids that consumers know already.
    let again = producer.publish(event).await.unwrap();
    assert_eq!(again[1].id, receipts[1].id);
}

#[tokio::test]
async fn a_named_topic_gets_both() {
    let bus = bus().await;
    let producer = producer(&bus);
    let event = producer.event(V2).data_json(GOOD_V2);
    let receipts = producer.publish_to("courses", event).await.unwrap();
    let types: Vec<_> = receipts.iter().map(|r| r.event_type.as_str()).collect();
    assert_eq!(types, [V2, V1]);
    assert_eq!(read(&bus, "courses").await.len(), 2);
    assert!(read(&bus, "archive").await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_told_in_the_older_version_is_not_told_at_all() {
    let bus = bus().await;
    let producer = producer(&bus);
    // The newer schema takes any name, the older one a text.
    let data = r#"{"course": {"key": "c-1", "name": {"en": "One"}}}"#;
    let event = producer.event(V2).data_json(data);
    let error = producer.publish(event).await.unwrap_err();
    let PublishErrorKind::Catalog(violations) = error.kind() else {
        panic!("{error}");
    };
    assert_eq!(violations[0].code, "catalog-mapping");
    assert_eq!(violations[0].attribute, "data/course/title");
    assert!(
        error.to_string().contains(&format!("mapped to {V1}")),
        "{error}"
    );
    assert!(read(&bus, "courses").await.is_empty());
    assert!(read(&bus, "archive").await.is_empty());
}

#[tokio::test]
async fn documents_take_the_older_version_along_unless_they_are_forwarded() {
    let bus = bus().await;
    let emitted = emitter("catalog").event(V2).data_json(GOOD_V2);
    let document = emitted.build().unwrap().to_json();
    let receipts = producer(&bus)
        .publish_document("courses", None, document.clone())
        .await
        .unwrap();
    assert_eq!(receipts.len(), 2);
    let relay = bus.producer().forwarding().build().unwrap();
    let receipts = relay
        .publish_document("courses", None, document)
        .await
        .unwrap();
    assert_eq!(receipts.len(), 1);
}
