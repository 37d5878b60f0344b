//! # callbacks
//!
//! ## What it does
//! Warns if the payload is nothing but ids, keys and URLs, so that consumers have to ask for the
//! rest; and if an example holds a presigned URL. Events that say an entity is gone are exempt from
//! the first.
//!
//! ## Why it matters
//! A burst of events becomes a burst of requests to the service that emitted them. A presigned URL
//! is a credential: whoever reads the log can use it, and it ends before a replay.
//!
//! ## Example
//! ```yaml
//! schema:
//!   properties:
//!     course_id: {type: string}
//!     details_url: {type: string, format: uri}
//! ```
//! Write instead what changed:
//! ```yaml
//! schema:
//!   properties:
//!     course_id: {type: string}
//!     start: {type: string, format: date-time}
//! ```

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;
use serde_json::Value;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "callbacks",
    level: Level::Warning,
    file: include_str!("callbacks.rs"),
    settings: &[],
    check,
};

/// Actions after which there is nothing left to fetch.
const ENDS: &[&str] = &["deleted", "removed", "destroyed", "purged", "revoked"];

/// Query parameters by which the stores of objects sign a URL.
const SIGNATURES: &[&str] = &[
    "X-Amz-Signature=",
    "X-Goog-Signature=",
    "&sig=",
    "?sig=",
    "Signature=",
    "&Policy=",
];

fn is_container(kind: &str) -> bool {
    kind.starts_with("object")
        || kind.starts_with("list of object")
        || kind.starts_with("map of object")
}

fn is_reference(name: &str) -> bool {
    let word = name.rsplit('_').next().unwrap_or(name);
    let words = [
        "id", "ids", "uuid", "guid", "pk", "key", "locator", "url", "urls", "uri", "href", "link",
    ];
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}

fn has_presigned(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            text.starts_with("http") && SIGNATURES.iter().any(|mark| text.contains(mark))
        }
        Value::Array(items) => items.iter().any(has_presigned),
        Value::Object(members) => members.values().any(has_presigned),
        _ => false,
    }
}

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (at, example) in subject.event.examples.iter().enumerate() {
        if has_presigned(&example.data) {
            let at = at.to_string();
            drafts.push(Draft::new(
                subject.event.locate(&["examples", &at, "data"]),
                "the example holds a presigned URL",
                "name the object by its key, and let consumers ask for access with their own rights",
            ));
        }
    }
    let leaves = || {
        let fields = subject.fields.iter();
        fields.filter(|field| !is_container(&field.kind))
    };
    let action = subject.event.name().rsplit('.').next().unwrap_or_default();
    let gone = ENDS.iter().any(|end| action.ends_with(end));
    let only_references = leaves().count() > 0
        && leaves().all(|field| field.kind == "uri" || is_reference(field.path.last()));
    if only_references && !gone {
        drafts.push(Draft::new(
            subject.event.locate(&["schema"]),
            "the payload is nothing but ids and URLs",
            "add the data that consumers would otherwise fetch",
        ));
    }
    drafts
}
