//! Numbers and texts at the edges of what schemas allow.

use serde_json::{Number, Value, json};

/// Texts of each format, one that has it first.
const FORMATS: [(&str, &str); 12] = [
    ("date-time", "2026-11-26T12:00:00Z"),
    ("date", "2026-11-26"),
    ("time", "12:00:00Z"),
    ("duration", "P1D"),
    ("email", "ada@example.org"),
    ("hostname", "example.org"),
    ("uri", "https://example.org/"),
    ("uri-reference", "/course"),
    ("uuid", "8353e8ea-e784-11f1-8511-02fc00000001"),
    ("ipv4", "192.0.2.1"),
    ("ipv6", "2001:db8::1"),
    ("regex", "^a$"),
];

/// Texts for trying patterns: what identifiers look like.
const WORDS: [&str; 18] = [
    "text",
    "a",
    "A",
    "1",
    "a1",
    "abc",
    "ABC",
    "Abc",
    "a-b",
    "a_b",
    "AB-12",
    "123",
    "12345",
    "a.b",
    "a b",
    "course-v1:edX+DemoX+2026",
    "edX+DemoX",
    "+1-202-555-0100",
];

/// Numbers at and beside every bound that either schema has.
pub(super) fn numbers(one: &Value, other: &Value, integer: bool) -> Vec<Value> {
    let bounds = [
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
    ];
    let mut found: Vec<f64> = vec![1.0, 0.0];
    for schema in [one, other] {
        for bound in bounds.iter().filter_map(|key| schema.get(*key)?.as_f64()) {
            found.extend([bound, bound + 1.0, bound - 1.0, 2.0 * bound]);
            if !integer {
                found.extend([bound + 0.5, bound - 0.5]);
            }
        }
    }
    found.extend([-1.0, 7.0, 1_000_000_007.0]);
    if !integer {
        found.extend([0.5, 1.25]);
    }
    let mut numbers: Vec<Value> = Vec::new();
    for number in found.into_iter().filter(|n| !integer || n.fract() == 0.0) {
        let value = match number.fract() == 0.0 && number.abs() < 9e15 {
            true => json!(number as i64),
            false => Number::from_f64(number).map_or(Value::Null, Value::Number),
        };
        if !numbers.contains(&value) {
            numbers.push(value);
        }
    }
    numbers
}

/// Texts of every format and length that either schema speaks of, and some others.
pub(super) fn texts(one: &Value, other: &Value) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for schema in [one, other] {
        let format = schema.get("format").and_then(Value::as_str);
        let known = FORMATS.iter().filter(|(name, _)| Some(*name) == format);
        found.extend(known.map(|(_, text)| (*text).to_owned()));
    }
    found.extend(WORDS.iter().map(|text| (*text).to_owned()));
    found.push(String::new());
    for schema in [one, other] {
        for key in ["minLength", "maxLength"] {
            let Some(length) = schema
                .get(key)
                .and_then(Value::as_u64)
                .filter(|n| *n < 100_000)
            else {
                continue;
            };
            for length in [length, length + 1, length.saturating_sub(1)] {
                found.extend(["a", "A", "1"].iter().map(|c| c.repeat(length as usize)));
            }
        }
    }
    found.extend(FORMATS.iter().map(|(_, text)| (*text).to_owned()));
    found
}
