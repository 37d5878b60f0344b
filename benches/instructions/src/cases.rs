//! What is counted. Everything runs on one thread, so that counts repeat.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tidings_catalog::Catalog;
use tidings_event::avro::{self, Schema};
use tidings_event::openedx::{self, UnknownSchema};
use tidings_event::{Definitions, Emitter, Event, Role, profile};
use tidings_runtime::{ConsumerBuilder, Draft, Message, Preparation, ProducerBuilder, Route};
use tidings_transport::{Memory, Ordering, Start};

use crate::samples;

/// A part of Tidings at work.
pub struct Case {
    /// What a person calls it.
    pub name: &'static str,
    /// How many events tell the count.
    pub events: usize,
    /// Does it with so many events.
    pub run: fn(usize),
}

/// All of them.
pub const CASES: &[Case] = &[
    case("json: decode", 2_000, json_decode),
    case("json: encode", 2_000, json_encode),
    case("profile: check", 2_000, profile_check),
    case("openedx entry: decode", 1_000, openedx_decode),
    case("openedx entry: encode", 1_000, openedx_encode),
    case("avro: decode", 2_000, avro_decode),
    case("avro: encode", 2_000, avro_encode),
    case("catalog: validate 1 KB", 500, catalog_validate),
    case("producer: prepare 1 KB", 500, producer_prepare),
    case("producer: route among 100", 1_000, producer_route),
    case("memory: publish", 2_000, publish),
    case("memory: publish and consume", 2_000, publish_and_consume),
    case(
        "memory: publish and consume, one lane",
        2_000,
        consume_one_lane,
    ),
    case(
        "memory: publish and consume, no lanes",
        2_000,
        consume_no_lanes,
    ),
];

const fn case(name: &'static str, events: usize, run: fn(usize)) -> Case {
    Case { name, events, run }
}

/// So many different events are enough: what a case makes beforehand must not grow with its events.
const SAMPLES: usize = 50;

fn documents() -> Vec<String> {
    (0..SAMPLES).map(samples::document).collect()
}

fn event(document: &str) -> Event {
    Event::from_json(document.as_bytes()).expect("the sample is an event")
}

fn json_decode(events: usize) {
    let documents = documents();
    for document in documents.iter().cycle().take(events) {
        black_box(event(document));
    }
}

fn json_encode(events: usize) {
    let samples: Vec<Event> = documents().iter().map(|d| event(d)).collect();
    for event in samples.iter().cycle().take(events) {
        black_box(event.to_json());
    }
}

fn profile_check(events: usize) {
    let documents = documents();
    let samples: Vec<(Event, usize)> = documents.iter().map(|d| (event(d), d.len())).collect();
    for (event, len) in samples.iter().cycle().take(events) {
        assert!(profile::check(black_box(event), *len).is_empty());
    }
}

/// An entry as edx-event-bus-redis wrote it.
#[derive(Deserialize)]
struct Recorded {
    field_order: Vec<String>,
    fields_b64: BTreeMap<String, String>,
}

/// The first of each type: small, median and large ones.
fn entries() -> Vec<Vec<(String, Vec<u8>)>> {
    let recorded = include_str!("../../../crates/event/tests/fixtures/openedx-redis-entries.jsonl");
    let entry = |line| {
        let entry: Recorded = serde_json::from_str(line).expect("the fixture is JSON");
        let decode = |name: &String| STANDARD.decode(&entry.fields_b64[name]);
        let fields = entry.field_order.iter();
        fields
            .map(|name| (name.clone(), decode(name).expect("the fixture is base64")))
            .collect()
    };
    recorded.lines().take(9).map(entry).collect()
}

fn decoded(entry: &[(String, Vec<u8>)], definitions: &dyn Definitions) -> Event {
    let fields = entry.iter().map(|(name, value)| (&**name, &**value));
    let event = openedx::decode(fields, definitions, UnknownSchema::Declared);
    event.expect("the entry is good")
}

fn openedx_decode(events: usize) {
    let (catalog, entries) = (Catalog::openedx(), entries());
    for entry in entries.iter().cycle().take(events) {
        black_box(decoded(entry, &catalog));
    }
}

fn openedx_encode(events: usize) {
    let catalog = Catalog::openedx();
    let samples: Vec<Event> = entries().iter().map(|e| decoded(e, &catalog)).collect();
    for event in samples.iter().cycle().take(events) {
        black_box(openedx::encode(event, &catalog).expect("the event is good"));
    }
}

/// The payload of an enrolment, in Avro.
fn avro_sample() -> (Arc<Schema>, Vec<u8>) {
    let entry = entries().swap_remove(0);
    let field = |name: &str| {
        entry
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, v)| v)
    };
    let event_type = field("type").expect("it has a type").clone();
    let event_type = String::from_utf8(event_type).expect("it is text");
    let definition = Catalog::openedx().definition(&event_type, None);
    let schema = definition.and_then(|definition| definition.schema.clone());
    let data = field("event_data").expect("it has data").clone();
    (schema.expect("it is defined"), data)
}

fn avro_decode(events: usize) {
    let (schema, bytes) = avro_sample();
    for _ in 0..events {
        black_box(avro::decode_to_json(&schema, black_box(&bytes)).expect("the bytes are good"));
    }
}

fn avro_encode(events: usize) {
    let (schema, bytes) = avro_sample();
    let json = avro::decode_to_json(&schema, &bytes).expect("the bytes are good");
    for _ in 0..events {
        black_box(avro::encode_from_json(&schema, black_box(&json)).expect("the data is good"));
    }
}

fn catalog() -> Arc<Catalog> {
    let texts = [(format!("{}.yaml", samples::TYPE), samples::DEFINITION)];
    Arc::new(Catalog::from_texts(texts).expect("the definition is good"))
}

fn catalog_validate(events: usize) {
    let definition = catalog().definition(samples::TYPE, None).expect("defined");
    let rules = definition.payload.clone().expect("it has a schema");
    let payload = samples::payload();
    for _ in 0..events {
        let value = serde_json::from_str(black_box(&payload)).expect("it is JSON");
        assert!(rules.check(&value).is_empty());
    }
}

fn emitter() -> Emitter {
    Emitter::new("example", "catalog", Role::Web).expect("good names")
}

fn producer_prepare(events: usize) {
    let definitions = catalog();
    let preparation = Preparation::new(definitions.clone())
        .with_emitter(emitter())
        .with_catalog(definitions);
    let payload = samples::payload();
    let event = preparation.event(samples::TYPE).data_json(payload).build();
    let event = event.expect("the event is good");
    for _ in 0..events {
        let prepared = preparation.to("courses", Draft::from(event.clone()));
        black_box(prepared.expect("the event is good"));
    }
}

/// Finding the topics of an event and its key, and what else a producer does without a catalog.
fn producer_route(events: usize) {
    let definitions = Arc::new(Catalog::openedx());
    let sample = event(&samples::document(0));
    let route = |topic: &str| {
        let route = Route::to(topic).key_path("catalog_info.course_key");
        route.expect("a good path")
    };
    let others = (0..99).map(|n| format!("org.example.catalog.n{n}.v1"));
    let preparation = Preparation::new(definitions).with_emitter(emitter());
    let preparation = others.fold(preparation, |preparation, event_type| {
        preparation.with_routes(event_type, [route("others")])
    });
    let preparation = preparation.with_routes(sample.event_type(), [route("courses")]);
    for _ in 0..events {
        let prepared = preparation.route(Draft::from(sample.clone()));
        black_box(prepared.expect("the event is good"));
    }
}

fn publish(events: usize) {
    block_on(async {
        published(events, SAMPLES).await;
    });
}

/// Beyond publishing: reading, decoding, a lane for each key, starting, settling.
fn publish_and_consume(events: usize) {
    consume(events, SAMPLES, Ordering::default());
}

/// The same where all wait for each other.
fn consume_one_lane(events: usize) {
    consume(events, 1, Ordering::default());
}

/// The same where nobody does.
fn consume_no_lanes(events: usize) {
    consume(events, SAMPLES, Ordering::None);
}

fn consume(events: usize, keys: usize, ordering: Ordering) {
    block_on(async {
        let log = published(events, keys).await;
        let definitions = Arc::new(Catalog::openedx());
        let consumer = ConsumerBuilder::new(log, definitions, "group")
            .topic("courses")
            .from(Start::Earliest)
            .ordering(ordering)
            .max_events(events as u64)
            .handler(async |message: Message| {
                black_box(message);
                Ok(())
            });
        let summary = consumer.run(std::future::pending()).await;
        let counts = summary.expect("the memory is there").counts;
        assert_eq!(counts.delivered, events as u64);
    });
}

/// Events of so many keys.
async fn published(events: usize, keys: usize) -> Arc<Memory> {
    let log = Arc::new(Memory::new());
    let event_type = event(&samples::document(0)).event_type().to_owned();
    let producer = ProducerBuilder::new(log.clone(), Arc::new(Catalog::openedx()))
        .emitter(Emitter::new("openedx", "cms", Role::Web).expect("good names"))
        .route(event_type, Route::to("courses"))
        .build()
        .expect("a good producer");
    let samples: Vec<Event> = documents().iter().take(keys).map(|d| event(d)).collect();
    let mut batch = Vec::with_capacity(SAMPLES);
    for event in samples.iter().cycle().take(events) {
        batch.push(Draft::from(event.clone()));
        if batch.len() == SAMPLES {
            for published in producer.publish_all(batch.drain(..)).await {
                published.expect("the memory takes it");
            }
        }
    }
    log
}

fn block_on(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(work);
}
