//! The envelope against serde_json on a hand-written struct with a raw payload.

use std::borrow::Cow;
use std::hint::black_box;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidings_event::Event;

use crate::conditions::document;
use crate::contest::{Row, Unit, contest};

const EVENTS: usize = 200_000;

/// What somebody would write who knows the attributes beforehand.
#[derive(Serialize, Deserialize)]
struct Plain<'a> {
    specversion: Cow<'a, str>,
    id: String,
    source: String,
    r#type: String,
    time: String,
    minorversion: i32,
    sourcehost: String,
    partitionkey: String,
    datacontenttype: String,
    data: Box<RawValue>,
}

/// Documents to events.
pub fn decode() -> Row {
    let documents: Vec<String> = (0..1_000).map(document).collect();
    contest(
        "envelope decode",
        "serde_json",
        Unit::Time,
        1.5,
        || {
            micros(|n| {
                black_box(Event::from_json(documents[n % 1_000].as_bytes()).expect("it is valid"));
            })
        },
        || {
            micros(|n| {
                black_box(
                    serde_json::from_str::<Plain<'_>>(&documents[n % 1_000]).expect("it is valid"),
                );
            })
        },
    )
}

/// Events to documents.
pub fn encode() -> Row {
    let texts: Vec<String> = (0..1_000).map(document).collect();
    let events: Vec<Event> = texts
        .iter()
        .map(|t| Event::from_json(t.as_bytes()).expect("it is valid"))
        .collect();
    let plain: Vec<Plain<'_>> = texts
        .iter()
        .map(|t| serde_json::from_str(t).expect("it is valid"))
        .collect();
    contest(
        "envelope encode",
        "serde_json",
        Unit::Time,
        1.5,
        || {
            micros(|n| {
                black_box(events[n % 1_000].to_json());
            })
        },
        || {
            micros(|n| {
                black_box(serde_json::to_vec(&plain[n % 1_000]).expect("it encodes"));
            })
        },
    )
}

/// Microseconds a call.
fn micros(mut call: impl FnMut(usize)) -> f64 {
    let began = Instant::now();
    for n in 0..EVENTS {
        call(n);
    }
    began.elapsed().as_secs_f64() * 1e6 / EVENTS as f64
}
