//! A log whose records are messages with headers, as on Kafka, and its schema registry.

use std::collections::HashMap;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tidings_event::avro::Schema;
use tidings_event::kafka::frame;
use tidings_event::{Definition, Definitions, Emitter, Role};
use tidings_runtime::{
    ConsumerBuilder, Message, Producer, ProducerBuilder, PublishRetry, Route, Wire,
};
use tidings_transport::{
    Body, Capability, Error, ErrorKind, Field, Memory, Part, Result, SchemaRegistry, Start, Stored,
    Topic, Transport,
};

use crate::faulty::{Faults, Faulty};
use crate::support::{CREATED, Handled, TOPIC};

const SCHEMA: &str = r#"{"type": "record", "name": "CloudEvent", "namespace": "org.openedx.catalog.course.created.v1",
    "fields": [{"name": "course_key", "type": "string"}, {"name": "n", "type": "long"}]}"#;
const OTHER: &str = "org.openedx.catalog.course.renamed.v1";

/// A registry in memory that can be away.
#[derive(Default)]
struct Numbers {
    schemas: Mutex<Vec<String>>,
    ids: Mutex<HashMap<String, u32>>,
    away: AtomicBool,
}

impl Numbers {
    fn answer(&self) -> Result<()> {
        match self.away.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorKind::Unavailable, "put_schema", "away")),
            false => Ok(()),
        }
    }

    fn subjects(&self) -> Vec<String> {
        let mut subjects: Vec<_> = self.ids.lock().unwrap().keys().cloned().collect();
        subjects.sort_unstable();
        subjects
    }
}

#[async_trait]
impl SchemaRegistry for Numbers {
    async fn register(&self, topic: &Topic, part: Part, name: &str, schema: &str) -> Result<u32> {
        let subject = format!("{topic} {part:?} {name}");
        // As the real client does: what is known needs no answer.
        if let Some(id) = self.ids.lock().unwrap().get(&subject) {
            return Ok(*id);
        }
        self.answer()?;
        let mut schemas = self.schemas.lock().unwrap();
        schemas.push(schema.to_owned());
        let id = u32::try_from(schemas.len()).unwrap();
        self.ids.lock().unwrap().insert(subject, id);
        Ok(id)
    }

    async fn schema(&self, id: u32) -> Result<Option<String>> {
        self.answer()?;
        let schemas = self.schemas.lock().unwrap();
        Ok(schemas.get(id as usize - 1).cloned())
    }
}

/// Knows two types by one schema.
struct Two;

impl Definitions for Two {
    fn definition(&self, event_type: &str, minor: Option<i32>) -> Option<Arc<Definition>> {
        let schema = Arc::new(Schema::parse(SCHEMA).unwrap());
        let known = [CREATED, OTHER].contains(&event_type) && minor.unwrap_or(0) == 0;
        known.then(|| Arc::new(Definition::new(event_type, 0).with_schema(schema)))
    }

    fn schema(&self, _: &str) -> Option<Arc<Schema>> {
        None
    }
}

fn log(registry: Option<Arc<dyn SchemaRegistry>>) -> Faulty {
    let faults = Faults {
        headers: true,
        registry,
        ..Faults::default()
    };
    Faulty::new(Memory::new(), faults)
}

fn producing(log: &Faulty, wire: Wire) -> ProducerBuilder {
    ProducerBuilder::new(Arc::new(log.clone()), Arc::new(Two))
        .emitter(Emitter::new("openedx", "discovery", Role::Web).unwrap())
        .retry(PublishRetry::default().deadline(Duration::from_millis(200)))
        .route(CREATED, Route::to(TOPIC).key_path("course_key").unwrap())
        .route(OTHER, Route::to(TOPIC).key_path("course_key").unwrap())
        .wire(wire)
}

fn consuming(log: &Faulty) -> ConsumerBuilder {
    ConsumerBuilder::new(Arc::new(log.clone()), Arc::new(Two), "search")
        .topic(TOPIC)
        .from(Start::Earliest)
}

async fn publish(producer: &Producer, event_type: &str, n: i64) -> std::result::Result<(), String> {
    let data = format!(r#"{{"course_key":"edX+DemoX","n":{n}}}"#);
    let event = producer.event(event_type).data_json(data);
    let published = producer.publish(event).await;
    published
        .map(drop)
        .map_err(|e| format!("{} {e}", e.is_temporary()))
}

async fn stored(log: &Faulty) -> Vec<Stored> {
    let topic = Topic::new(TOPIC).unwrap();
    log.read(&topic, &Start::Earliest, 100).await.unwrap()
}

fn field<'a>(stored: &'a Stored, name: &str) -> Option<&'a [u8]> {
    let Body::Fields(fields) = &stored.body else {
        panic!("a document")
    };
    fields.iter().find(|f| &*f.name == name).map(|f| &*f.value)
}

/// What the group hears until nothing comes: key and payload.
async fn hear(log: &Faulty, idle: Duration) -> Vec<(String, String)> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let handler = {
        let heard = heard.clone();
        move |message: Message| {
            let key = message.key().map_or("", |key| key.as_str()).to_owned();
            let data = message
                .event()
                .data()
                .unwrap()
                .as_json()
                .unwrap()
                .to_owned();
            heard.lock().unwrap().push((key, data));
            async { Handled::Ok(()) }
        }
    };
    let consumer = consuming(log).until_idle(idle).handler(handler);
    consumer.run(pending()).await.unwrap();
    Arc::try_unwrap(heard).unwrap().into_inner().unwrap()
}

#[tokio::test(start_paused = true)]
async fn schemas_are_numbered_before_their_first_message() {
    let numbers = Arc::new(Numbers::default());
    let log = log(Some(numbers.clone()));
    let producer = producing(&log, Wire::OpenEdx).build().unwrap();
    publish(&producer, CREATED, 1).await.unwrap();
    publish(&producer, CREATED, 2).await.unwrap();
    assert_eq!(
        numbers.subjects(),
        [
            "course-catalog Key string",
            "course-catalog Value org.openedx.catalog.course.created.v1.CloudEvent"
        ]
    );
    let stored = stored(&log).await;
    assert_eq!(field(&stored[1], "ce_type"), Some(CREATED.as_bytes()));
    assert_eq!(
        field(&stored[1], "content-type"),
        Some(&b"application/avro"[..])
    );
    assert_eq!(
        field(&stored[1], Field::KEY),
        Some(&b"\0\0\0\0\x01\x12edX+DemoX"[..])
    );
    let avro = b"\x12edX+DemoX\x04";
    assert_eq!(
        field(&stored[1], Field::VALUE),
        Some(&*frame::wrap(2, avro))
    );
    let heard = hear(&log, Duration::from_secs(60)).await;
    let expected = |n| {
        (
            "edX+DemoX".into(),
            format!(r#"{{"course_key":"edX+DemoX","n":{n}}}"#),
        )
    };
    assert_eq!(heard, [expected(1), expected(2)]);
}

#[tokio::test(start_paused = true)]
async fn while_the_registry_is_away_only_what_is_new_waits() {
    let numbers = Arc::new(Numbers::default());
    let log = log(Some(numbers.clone()));
    let producer = producing(&log, Wire::OpenEdx).build().unwrap();
    publish(&producer, CREATED, 1).await.unwrap();
    numbers.away.store(true, Ordering::SeqCst);
    publish(&producer, CREATED, 2).await.unwrap();
    let refused = publish(&producer, OTHER, 3).await;
    // The record of both types has one name, and the subject is known: another topic's is not.
    assert_eq!(refused, Ok(()));
    let elsewhere = producer
        .publish_to(
            "elsewhere",
            producer
                .event(OTHER)
                .data_json(r#"{"course_key":"a","n":1}"#),
        )
        .await;
    assert!(elsewhere.unwrap_err().is_temporary());

    // A reader that knows nothing yet waits until it is back, and then loses nothing.
    let back = async {
        tokio::time::sleep(Duration::from_secs(120)).await;
        numbers.away.store(false, Ordering::SeqCst);
    };
    let (heard, ()) = tokio::join!(hear(&log, Duration::from_secs(600)), back);
    assert_eq!(heard.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_came_before_a_message_that_waits_for_its_schema_is_handled() {
    let numbers = Arc::new(Numbers::default());
    let log = log(Some(numbers.clone()));
    let plain = producing(&log, Wire::Native).build().unwrap();
    publish(&plain, CREATED, 1).await.unwrap();
    let numbered = producing(&log, Wire::OpenEdx).build().unwrap();
    let other = numbered
        .event(CREATED)
        .data_json(r#"{"course_key":"of another key","n":2}"#);
    numbered.publish(other).await.unwrap();
    numbers.away.store(true, Ordering::SeqCst);

    let began = tokio::time::Instant::now();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let handler = {
        let heard = heard.clone();
        move |_: Message| {
            heard.lock().unwrap().push(began.elapsed());
            async { Handled::Ok(()) }
        }
    };
    let back = async {
        tokio::time::sleep(Duration::from_secs(120)).await;
        numbers.away.store(false, Ordering::SeqCst);
    };
    let consumer = consuming(&log).until_idle(Duration::from_secs(600));
    let (summary, ()) = tokio::join!(consumer.handler(handler).run(pending()), back);
    assert_eq!(summary.unwrap().counts.stale, 0, "its lease was kept");
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert!(heard[0] < Duration::from_secs(60), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_registry_it_is_said_what_to_add() {
    let log = log(None);
    let refused = producing(&log, Wire::OpenEdx).build().err().unwrap();
    assert!(refused.to_string().contains("registry=URL"), "{refused}");
    assert!(producing(&log, Wire::Native).build().is_ok());

    let numbered = self::log(Some(Arc::new(Numbers::default())));
    publish(
        &producing(&numbered, Wire::OpenEdx).build().unwrap(),
        CREATED,
        1,
    )
    .await
    .unwrap();
    let without = Faulty::new(
        numbered.log.clone(),
        Faults {
            headers: true,
            ..Faults::default()
        },
    );
    let consumer = consuming(&without).handler(async |_: Message| Handled::Ok(()));
    let error = consumer.run(pending()).await.unwrap_err();
    let mut text = error.to_string();
    if let Some(source) = std::error::Error::source(&error) {
        text.push_str(&source.to_string());
    }
    assert!(text.contains("registry=URL"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn the_binary_mode_keeps_the_payload_as_it_is() {
    let log = log(None);
    let producer = producing(&log, Wire::Binary).build().unwrap();
    publish(&producer, CREATED, 1).await.unwrap();
    let stored = stored(&log).await;
    let payload = br#"{"course_key":"edX+DemoX","n":1}"#;
    assert_eq!(field(&stored[0], Field::VALUE), Some(&payload[..]));
    assert_eq!(
        field(&stored[0], "ce_partitionkey"),
        Some(&b"edX+DemoX"[..])
    );
    assert_eq!(field(&stored[0], Field::KEY), None);
    assert_eq!(stored[0].key.as_ref().unwrap().as_str(), "edX+DemoX");
    assert_eq!(hear(&log, Duration::from_secs(60)).await.len(), 1);

    let other = Faulty::new(Memory::new(), Faults::default());
    assert!(!other.capabilities().has(Capability::Headers));
    let refused = producing(&other, Wire::Binary).build().err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
}

#[tokio::test(start_paused = true)]
async fn each_topic_has_its_wire() {
    let numbers = Arc::new(Numbers::default());
    let log = log(Some(numbers.clone()));
    let producer = producing(&log, Wire::Native)
        .route(CREATED, Route::to("old"))
        .topic_wire("old", Wire::OpenEdx)
        .build()
        .unwrap();
    publish(&producer, CREATED, 1).await.unwrap();
    assert!(matches!(stored(&log).await[0].body, Body::Document(_)));
    let old = Topic::new("old").unwrap();
    let old = log.read(&old, &Start::Earliest, 1).await.unwrap();
    assert!(field(&old[0], Field::VALUE).is_some());
}
