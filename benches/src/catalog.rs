//! What the catalog costs a producer.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use tidings::{Catalog, Definitions, Draft, Emitter, Event, Preparation, Role};

use crate::contest::{Row, Unit, alone, contest};

const EVENTS: usize = 100_000;
const TYPE: &str = "org.example.catalog.course.changed.v1";

/// A definition as people write them: nested objects, a list, formats, an enum.
const DEFINITION: &str = "
type: org.example.catalog.course.changed.v1
title: Course changed
description: A course was changed.
owner: {service: catalog, subdomain: catalog}
key: course.key
topics: [courses]
schema:
  type: object
  required: [course, changed]
  properties:
    course:
      type: object
      required: [key, title, state]
      properties:
        key: {type: string, maxLength: 255}
        title: {type: string}
        summary: {type: string}
        state: {enum: [draft, published, archived]}
        start: {type: string, format: date-time}
        seats: {type: integer, minimum: 0}
        price: {type: number}
        instructors:
          type: array
          items:
            type: object
            required: [id]
            properties:
              id: {type: string, format: uuid}
              name: {type: string}
    changed: {type: array, items: {type: string}}
";

/// A payload of 1 KB.
fn payload() -> String {
    let instructor = |n: u32| {
        format!(r#"{{"id":"7a2b1c{n:02}-c9ab-11f0-8de9-0242ac120002","name":"Instructor {n}"}}"#)
    };
    let instructors: Vec<String> = (0..6).map(instructor).collect();
    let head = format!(
        r#"{{"course":{{"key":"course-v1:edX+DemoX+2026","title":"Demonstration","state":"published","start":"2026-11-26T12:00:00Z","seats":250,"price":99.5,"instructors":[{}],"summary":""#,
        instructors.join(",")
    );
    let tail = r#""},"changed":["title","seats","instructors"]}"#;
    let text = "x".repeat(1_024 - head.len() - tail.len());
    format!("{head}{text}{tail}")
}

fn catalog() -> Catalog {
    Catalog::from_texts([(format!("{TYPE}.yaml"), DEFINITION)]).expect("the definition is good")
}

/// Parsing a payload of 1 KB and holding it against its JSON Schema.
pub fn validation() -> Row {
    let definition = catalog().definition(TYPE, None).expect("it is defined");
    let rules = definition.payload.clone().expect("it has a schema");
    let payload = payload();
    alone("catalog: validate 1 KB", Unit::Time, 5.0, || {
        micros(|| {
            let value = serde_json::from_str(black_box(&payload)).expect("it is JSON");
            assert!(rules.check(&value).is_empty());
        })
    })
}

/// Preparing an event for its topic, with a catalog that it is held to and with one that it is not.
pub fn preparation() -> Row {
    let definitions: Arc<dyn Definitions> = Arc::new(catalog());
    let emitter = Emitter::new("example", "catalog", Role::Web).expect("good names");
    let free = Preparation::new(definitions.clone()).with_emitter(emitter);
    let emitter = Emitter::new("example", "catalog", Role::Web).expect("good names");
    let held = Preparation::new(definitions.clone()).with_emitter(emitter);
    let held = held.with_catalog(definitions);
    let payload = payload();
    let event = free.event(TYPE).data_json(payload).build();
    let event = event.expect("the event is good");
    let prepare = |preparation: &Preparation, event: &Event| {
        micros(|| {
            let prepared = preparation.to("courses", Draft::from(event.clone()));
            black_box(prepared.expect("the event is good"));
        })
    };
    contest(
        "producer prepares 1 KB, held to a catalog",
        "not held",
        Unit::Time,
        4.0,
        || prepare(&held, &event),
        || prepare(&free, &event),
    )
}

/// Microseconds a call.
fn micros(mut call: impl FnMut()) -> f64 {
    let began = Instant::now();
    for _ in 0..EVENTS {
        call();
    }
    began.elapsed().as_secs_f64() * 1e6 / EVENTS as f64
}
