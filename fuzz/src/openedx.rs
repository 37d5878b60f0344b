//! Avro payloads, Avro schemas, and entries of the Open edX wire.

use std::sync::{Arc, OnceLock};

use tidings_event::avro::{ErrorKind, Schema, decode_to_json, encode_from_json};
use tidings_event::openedx::{KafkaMessage, KafkaSchemas, UnknownSchema, decode, encode, to_kafka};
use tidings_event::{Definition, Definitions};

/// Real schemas with every type that Open edX uses, and one with the rest.
const SCHEMAS: [&str; 5] = [
    include_str!(
        "../../catalog/openedx/org.openedx.learning.course.persistent_grade_summary.changed.v1.avsc"
    ),
    include_str!(
        "../../catalog/openedx/org.openedx.enterprise.learner_credit_course_enrollment.revoked.v1.avsc"
    ),
    include_str!("../../catalog/openedx/org.openedx.learning.xblock.skill.verified.v1.avsc"),
    include_str!("../../catalog/openedx/org.openedx.analytics.tracking.event.emitted.v1.avsc"),
    r#"{"type": "record", "name": "Rest", "fields": [
        {"name": "tree", "type": ["null", "Rest"]},
        {"name": "list", "type": {"type": "array", "items": ["null", "float", "double", "long", "int"]}},
        {"name": "nothing", "type": {"type": "array", "items": "null"}},
        {"name": "map", "type": {"type": "map", "values": "bytes"}},
        {"name": "fixed", "type": {"type": "fixed", "name": "Two", "size": 2}},
        {"name": "mode", "type": ["string", {"type": "enum", "name": "E", "symbols": ["a", "b"]}]}]}"#,
];

fn schemas() -> &'static [Arc<Schema>] {
    static PARSED: OnceLock<Vec<Arc<Schema>>> = OnceLock::new();
    PARSED.get_or_init(|| {
        let parse = |text: &&str| Arc::new(Schema::parse(text).unwrap());
        SCHEMAS.iter().map(parse).collect()
    })
}

/// The first byte chooses the schema, the rest is the payload. What decodes can be encoded, and
/// then decodes to the same; or it is so much of nothing that readers would refuse it.
pub fn payload(input: &[u8]) {
    let Some((first, bytes)) = input.split_first() else {
        return;
    };
    let schema = &schemas()[usize::from(*first) % SCHEMAS.len()];
    if let Ok(json) = decode_to_json(schema, bytes) {
        match encode_from_json(schema, &json) {
            Ok(encoded) => {
                let again = decode_to_json(schema, &encoded).unwrap();
                // Where a union has both, a float comes back as a double, and is the same number
                // in another notation.
                assert!(again == json || Arc::ptr_eq(schema, &schemas()[4]));
                assert_eq!(encode_from_json(schema, &again).unwrap(), encoded);
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::TooLarge),
        }
    }
    // The same input as JSON.
    if let Ok(encoded) = encode_from_json(schema, bytes) {
        let json = decode_to_json(schema, &encoded).unwrap();
        assert_eq!(encode_from_json(schema, &json).unwrap(), encoded);
    }
}

/// The input is a schema up to its first line break, and what follows a payload or JSON.
pub fn schema(input: &[u8]) {
    let line = input
        .iter()
        .position(|b| *b == b'\n')
        .unwrap_or(input.len());
    let (text, rest) = input.split_at(line);
    let Ok(schema) = std::str::from_utf8(text).map(Schema::parse) else {
        return;
    };
    if let Ok(schema) = schema {
        assert_eq!(schema.fingerprint().len(), 64);
        // Schemas can make these large, never endless.
        let _ = decode_to_json(&schema, rest.get(1..).unwrap_or_default());
        let _ = encode_from_json(&schema, rest.get(1..).unwrap_or_default());
        let _ = encode_from_json(&schema, b"{}");
    }
}

/// Names and values of fields between zero bytes; the last value is the payload. What becomes an
/// event can be written, or its id is no UUID, and reads back as the same event.
pub fn entry(input: &[u8]) {
    let (head, data) = match input.iter().rposition(|b| *b == 0xfe) {
        Some(at) => (&input[..at], &input[at + 1..]),
        None => (input, &[0, 0][..]),
    };
    let mut parts = head.split(|b| *b == 0);
    let mut fields = vec![("type", &b"org.example.made.v1"[..]), ("event_data", data)];
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        if let Ok(name) = std::str::from_utf8(name) {
            fields.push((name, value));
        }
    }
    let Ok(event) = decode(fields, &One, UnknownSchema::Declared) else {
        return;
    };
    if let Ok(encoded) = encode(&event, &One) {
        let fields = encoded
            .fields
            .iter()
            .map(|(name, value)| (&**name, &**value));
        let again = decode(fields, &One, UnknownSchema::Refuse).unwrap();
        assert_eq!(again.id(), event.id());
        assert_eq!(again.source(), event.source());
        assert_eq!(again.time(), event.time());
        assert_eq!(again.data().is_some(), event.data().is_some());
        // Not the text of the payload: a float may have another notation (see `payload`).
        assert_eq!(encode(&again, &One).unwrap(), encoded);
        let fields = encoded
            .fields
            .iter()
            .map(|(name, value)| (&**name, &**value));
        let schemas = KafkaSchemas { value: 1, key: 2 };
        let sent = to_kafka(fields, None, schemas).unwrap();
        let headers = sent.headers.iter().map(|(name, value)| (&**name, &**value));
        let value = sent.value.as_deref().unwrap();
        let message = KafkaMessage::parse(headers, sent.key.as_deref(), value).unwrap();
        let again = message.decode(&encoded.schema).unwrap();
        assert_eq!(encode(&again, &One).unwrap(), encoded);
    }
}

/// Headers as in `entry`; what follows 0xfe is the value, and all of the input a key.
pub fn message(input: &[u8]) {
    let (head, value) = match input.iter().rposition(|b| *b == 0xfe) {
        Some(at) => (&input[..at], &input[at + 1..]),
        None => (input, &[0, 0, 0, 0, 1, 0, 0][..]),
    };
    let mut parts = head.split(|b| *b == 0);
    let mut headers = vec![("ce_type", &b"org.example.made.v1"[..]), ("ce_id", b"1")];
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        if let Ok(name) = std::str::from_utf8(name) {
            headers.push((name, value));
        }
    }
    if let Ok(message) = KafkaMessage::parse(headers, Some(input), value) {
        let _ = message.decode(&schemas()[4]);
    }
}

/// Knows every type at every version by one schema.
struct One;

impl Definitions for One {
    fn definition(&self, event_type: &str, minor: Option<i32>) -> Option<Arc<Definition>> {
        let definition = Definition::new(event_type, minor.unwrap_or(0));
        Some(Arc::new(definition.with_schema(schemas()[4].clone())))
    }

    fn schema(&self, fingerprint: &str) -> Option<Arc<Schema>> {
        let one = &schemas()[4];
        (one.fingerprint() == fingerprint).then(|| one.clone())
    }
}
