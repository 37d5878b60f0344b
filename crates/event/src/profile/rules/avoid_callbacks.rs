//! # OEP41-avoid-callbacks
//!
//! ## What it does
//! Warns if the payload is nothing but one id, key or URL. Events that say an entity is gone are
//! exempt: its id is all there is to say.
//!
//! ## Why it matters
//! With only an id, every consumer must call back to the service that emitted the event. A burst
//! of events then becomes a burst of requests: the owner loses control of its load, and consumers
//! fail when it is away.
//!
//! ## Example
//! ```json
//! {"type": "org.openedx.catalog.course.updated.v1", "data": {"course_id": "edX+DemoX"}}
//! ```
//! Write instead what changed:
//! ```json
//! {"type": "org.openedx.catalog.course.schedule.updated.v1",
//!  "data": {"course_id": "edX+DemoX", "start": "2026-09-01T08:00:00Z", "end": null}}
//! ```

use serde_json::Value;

use crate::Data;
use crate::profile::rule::{Check, Finding, Rule, Severity, Subject};
use crate::profile::type_name::action;

pub(in crate::profile) static RULE: Rule = Rule {
    code: "OEP41-avoid-callbacks",
    severity: Severity::Warning,
    statement: "should say what happened, not only where to ask",
    file: include_str!("avoid_callbacks.rs"),
    check: Check::Event(check),
};

/// A payload larger than this says more than one id.
const LARGEST: usize = 4096;

fn check(subject: &Subject<'_>) -> Option<Finding> {
    let json = subject.event.data().and_then(Data::as_json)?;
    if json.len() > LARGEST || tells_of_an_end(subject.event.event_type()) {
        return None;
    }
    let payload = serde_json::from_str(json).ok()?;
    is_callback(&payload).then_some(Finding {
        attribute: "data",
        value: None,
        remedy: "add the data that consumers would otherwise fetch",
    })
}

fn tells_of_an_end(event_type: &str) -> bool {
    let ends = ["deleted", "removed", "destroyed", "purged", "revoked"];
    action(event_type).is_some_and(|action| ends.iter().any(|end| action.ends_with(end)))
}

fn is_callback(payload: &Value) -> bool {
    let mut leaves = Vec::new();
    collect(None, payload, &mut leaves);
    match leaves.as_slice() {
        // A payload without any name is an id if it is a string or a number.
        [(None, value)] => value.is_string() || value.is_number(),
        [(Some(name), value)] => is_reference(name) || value.as_str().is_some_and(is_url),
        _ => false,
    }
}

/// Values that are neither null nor containers, with the nearest name. The
/// parser has bounded the depth.
fn collect<'v>(
    name: Option<&'v str>,
    value: &'v Value,
    leaves: &mut Vec<(Option<&'v str>, &'v Value)>,
) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| collect(name, item, leaves)),
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, value)| collect(Some(name), value, leaves));
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => leaves.push((name, value)),
    }
}

fn is_reference(name: &str) -> bool {
    let word = name.rsplit('_').next().unwrap_or(name);
    let words = [
        "id", "uuid", "guid", "pk", "key", "locator", "url", "uri", "href", "link",
    ];
    let suffixes = [
        "Id", "ID", "Uuid", "UUID", "Key", "Url", "URL", "Uri", "URI",
    ];
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
        || suffixes.iter().any(|suffix| name.ends_with(suffix))
}

fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_callback, tells_of_an_end};

    #[test]
    fn one_reference_alone_is_a_callback() {
        for payload in [
            json!(17),
            json!("edX+DemoX"),
            json!({"course_id": "edX+DemoX"}),
            json!({"course": {"course_key": "edX+DemoX", "title": null}}),
            json!({"courseId": 17, "tags": []}),
            json!({"details": "https://lms.example.org/api/courses/17"}),
        ] {
            assert!(is_callback(&payload), "{payload}");
        }
        for payload in [
            json!(null),
            json!({}),
            json!(true),
            json!({"title": "Demonstration"}),
            json!({"valid": true}),
            json!({"course_id": "edX+DemoX", "start": "2026-09-01"}),
            json!({"ids": {"a": 1, "b": 2}}),
        ] {
            assert!(!is_callback(&payload), "{payload}");
        }
    }

    #[test]
    fn the_end_of_an_entity_needs_no_more_than_its_id() {
        assert!(tells_of_an_end("org.openedx.catalog.course.deleted.v1"));
        assert!(!tells_of_an_end("org.openedx.catalog.course.updated.v1"));
    }
}
