//! A bus with a catalog of one event in two major versions.

use tidings::{Bus, Catalog, Emitter, Event, Producer, Reading, Role, Start};

pub const V1: &str = "org.example.catalog.course.created.v1";
pub const V2: &str = "org.example.catalog.course.created.v2";

pub const GOOD_V1: &str = r#"{"course": {"id": "c-1", "title": "One"}}"#;
pub const GOOD_V2: &str = r#"{"course": {"key": "c-1", "name": "One", "language": null}}"#;

pub fn catalog() -> Catalog {
    let texts = [
        ("v1.yaml", include_str!("created.v1.yaml")),
        ("v2.yaml", include_str!("created.v2.yaml")),
    ];
    Catalog::from_texts(texts).unwrap()
}

pub async fn bus() -> Bus {
    let bus = tidings::open("memory:").await.unwrap();
    bus.with_catalog(catalog())
}

pub fn emitter(service: &str) -> Emitter {
    Emitter::new("example", service, Role::Web).unwrap()
}

pub fn producer(bus: &Bus) -> Producer {
    bus.producer().emitter(emitter("catalog")).build().unwrap()
}

/// What stands in a topic: keys and events.
pub async fn read(bus: &Bus, topic: &str) -> Vec<(Option<String>, Event)> {
    let topic = bus.topic(topic).unwrap();
    let stored = bus.transport().read(&topic, &Start::Earliest, 100).await;
    let stored = stored.unwrap_or_default();
    let decoder = bus.decoder();
    stored
        .into_iter()
        .map(|stored| match decoder.read(&stored.body) {
            Reading::Event(event) => (stored.key.map(|key| key.as_str().to_owned()), event),
            other => panic!("{other:?}"),
        })
        .collect()
}
