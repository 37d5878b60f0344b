//! What the catalog costs a producer.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use tidings::{Catalog, Definitions, Draft, Emitter, Event, Preparation, Role};

use crate::contest::{Row, Unit, alone, contest};
use crate::samples::{DEFINITION, TYPE, payload};

const EVENTS: usize = 100_000;
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
