//! The envelope against serde_json on a hand-written struct with a raw payload.

use std::borrow::Cow;
use std::hint::black_box;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidings_event::Event;

use crate::contest::{Row, Unit, contest};
use crate::samples::document;

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

/// A document to an event, and the event to a document.
pub fn decode_and_encode() -> Row {
    let documents: Vec<String> = (0..1_000).map(document).collect();
    contest(
        "envelope decode and encode",
        "serde_json",
        Unit::Time,
        1.5,
        || {
            micros(|n| {
                let event = Event::from_json(documents[n % 1_000].as_bytes()).expect("it is valid");
                black_box(black_box(event).to_json());
            })
        },
        || {
            micros(|n| {
                let plain: Plain<'_> =
                    serde_json::from_str(&documents[n % 1_000]).expect("it is valid");
                black_box(serde_json::to_vec(&black_box(plain)).expect("it encodes"));
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
