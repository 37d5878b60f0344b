//! # size
//!
//! ## What it does
//! Checks that every example, and every payload that the schema allows where it bounds them, fits
//! into the 65,536 bytes that OEP-41 allows for the whole document. 2,048 bytes of these are left
//! to the attributes.
//!
//! ## Why it matters
//! An event that is too large is refused at publish, in production, for the one course that has
//! more of everything than the others.
//!
//! ## Example
//! ```yaml
//! schema:
//!   properties:
//!     outline: {type: string, maxLength: 200000}
//! ```
//! Emit several events that each tell one change, or put large content where consumers can fetch it.

use serde_json::Value;

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;
use crate::payload::{Payload, resolve};

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "size",
    level: Level::Error,
    file: include_str!("size.rs"),
    settings: &[],
    check,
};

/// Bytes of a payload, with room for the attributes.
const LARGEST: usize = 65_536 - 2_048;

/// The most bytes that a value of a schema can have, if it bounds them. A character counts as one
/// byte: what is certainly too large is told, not what might be.
fn bound(root: &Value, schema: &Value, depth: usize) -> Option<u64> {
    if depth > 12 {
        return None;
    }
    let schema = resolve(root, schema);
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values
            .iter()
            .map(|value| value.to_string().len() as u64)
            .max();
    }
    let number = |key: &str| schema.get(key).and_then(Value::as_u64);
    match schema.get("type").and_then(Value::as_str)? {
        "string" => Some(number("maxLength")?.saturating_add(2)),
        "integer" | "number" => Some(24),
        "boolean" => Some(5),
        "array" => {
            let each = bound(root, schema.get("items")?, depth + 1)?.saturating_add(1);
            Some(each.saturating_mul(number("maxItems")?).saturating_add(2))
        }
        "object" => {
            // Others than those that are named may be there; an event has them seldom.
            let members = schema.get("properties")?.as_object()?;
            let mut sum = 2_u64;
            for (name, member) in members {
                let member = bound(root, member, depth + 1)?;
                sum = sum
                    .saturating_add(member)
                    .saturating_add(name.len() as u64 + 4);
            }
            Some(sum)
        }
        _ => None,
    }
}

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (at, example) in subject.event.examples.iter().enumerate() {
        let length = example.data.to_string().len();
        if length > LARGEST {
            let at = at.to_string();
            drafts.push(Draft::new(
                subject.event.locate(&["examples", &at, "data"]),
                format!("the example has {length} bytes; a payload has at most {LARGEST}"),
                "split the event, or leave out what consumers do not need",
            ));
        }
    }
    if let Payload::Json(schema) = &subject.event.payload
        && let Some(bound) = bound(schema.schema(), schema.schema(), 0)
        && bound > LARGEST as u64
    {
        drafts.push(Draft::new(
            subject.event.locate_in_schema(""),
            format!("the schema allows payloads of {bound} bytes; at most {LARGEST} fit"),
            "lower `maxLength` and `maxItems`, or split the event",
        ));
    }
    drafts
}
