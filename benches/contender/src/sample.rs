//! The events: what real Open edX services wrote, as CloudEvents documents.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use crate::job::{Keys, Payload};

const RECORDED: &str =
    include_str!("../../../crates/event/tests/fixtures/openedx-redis-entries.jsonl");

/// How many different events a contender holds: as many as there are keys.
const DIFFERENT: usize = 1_000;

/// Where the number of an event begins in a document: the last twelve digits of its id.
const NUMBER: usize = r#"{"specversion":"1.0","id":"8353e8ea-e784-11f1-8511-"#.len();

/// An event as a service publishes it.
#[derive(Debug, Clone)]
pub struct Sample {
    /// What it is about.
    pub key: String,
    /// The whole CloudEvent, in JSON.
    pub document: Bytes,
}

impl Sample {
    /// The same event under the id of this number.
    pub fn numbered(&self, number: usize) -> Self {
        let mut document = self.document.to_vec();
        document[NUMBER..NUMBER + 12].copy_from_slice(format!("{number:012x}").as_bytes());
        Self {
            key: self.key.clone(),
            document: document.into(),
        }
    }
}

/// The number in an id, or in a document.
pub(crate) fn number(text: &[u8]) -> Option<usize> {
    let digits = match text.first() {
        Some(b'{') => text.get(NUMBER..NUMBER + 12)?,
        _ => text.get(text.len().checked_sub(12)?..)?,
    };
    usize::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

/// One of the events that `edx-event-bus-redis` was recorded to write.
#[derive(Debug, Deserialize)]
pub struct Recorded {
    event_type: String,
    fields_b64: BTreeMap<String, String>,
    avro_record_json: serde_json::Value,
}

impl Recorded {
    /// The first event of this size.
    pub fn of(payload: Payload) -> Self {
        let name = match payload {
            Payload::Small => ".registration.completed.",
            Payload::Median => ".enrollment.created.",
            Payload::Large => ".subsidy_ledger_transaction.committed.",
            Payload::Huge => ".tracking.event.emitted.",
        };
        let line = RECORDED.lines().find(|line| line.contains(name));
        serde_json::from_str(line.expect("it was recorded")).expect("the fixture is JSON")
    }

    /// The type, as CloudEvents calls it.
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// The data, in Avro, as recorded.
    pub fn avro(&self) -> Vec<u8> {
        let data = STANDARD.decode(&self.fields_b64["event_data"]);
        data.expect("the fixture is base64")
    }

    /// The data, in JSON. The tracking event is given 60,000 bytes, since it carries whatever a page
    /// reports.
    pub fn data(&self, payload: Payload) -> String {
        let mut data = self.avro_record_json.clone();
        if payload == Payload::Huge {
            data["tracking_log"]["data"] = "x".repeat(60_000).into();
        }
        data.to_string()
    }
}

/// A thousand events (fifty of the huge ones) whose keys are spread as asked.
pub fn samples(payload: Payload, keys: Keys) -> Vec<Sample> {
    let recorded = Recorded::of(payload);
    let data = recorded.data(payload);
    let different = match payload {
        Payload::Huge => 50,
        _ => DIFFERENT,
    };
    let sample = |n: usize| {
        let hot = match keys {
            Keys::Uniform => false,
            Keys::Hot => n.is_multiple_of(2),
            Keys::One => true,
        };
        let key = format!("learner_{:06}", if hot { 0 } else { n });
        let document = format!(
            concat!(
                r#"{{"specversion":"1.0","id":"8353e8ea-e784-11f1-8511-{:012x}","#,
                r#""source":"/openedx/lms/web","type":"{}","#,
                r#""time":"2026-11-23T21:26:15.021067Z","minorversion":0,"sourcehost":"lms-1","#,
                r#""partitionkey":"{}","datacontenttype":"application/json","data":{}}}"#
            ),
            n, recorded.event_type, key, data
        );
        Sample {
            key,
            document: document.into(),
        }
    };
    (0..different).map(sample).collect()
}
