//! # mapping
//!
//! ## What it does
//! Checks `to_previous`: the major version before is in the catalog, and every example, mapped, has
//! its schema.
//!
//! ## Why it matters
//! While two majors live, the producer makes the old payload from the new one. A mapping that fails
//! does so for every event, in production.
//!
//! ## Example
//! ```yaml
//! type: org.example.catalog.course.created.v2
//! to_previous:
//!   - rename: {from: course.title, to: course.name}
//! ```
//! where `v1` has no `course.name`: map to what the older schema declares.

use serde_json::Value;

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;
use crate::{FieldPath, Payload};

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "mapping",
    level: Level::Error,
    file: include_str!("mapping.rs"),
    settings: &[],
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let event = subject.event;
    let Some(mapping) = &event.to_previous else {
        return Vec::new();
    };
    let previous = event
        .previous()
        .and_then(|name| subject.catalog.event(&name));
    let Some(previous) = previous else {
        return vec![Draft::new(
            event.locate(&["to_previous"]),
            "the catalog does not have the major version before",
            "add its definition, or take the mapping out",
        )];
    };
    let mut drafts = Vec::new();
    for (at, example) in event.examples.iter().enumerate() {
        let problems = match mapping.apply(&example.data) {
            Err(e) => vec![e.to_string()],
            Ok(mapped) => {
                let strays = strays(&mapped, &previous.payload);
                let mismatches = previous.payload.check(&mapped);
                mismatches
                    .iter()
                    .map(ToString::to_string)
                    .chain(strays)
                    .collect()
            }
        };
        for problem in problems {
            drafts.push(Draft::new(
                event.locate(&["to_previous"]),
                format!(
                    "example {} does not become {}: {problem}",
                    at + 1,
                    previous.event_type
                ),
                "map to what the older schema declares; drop what it does not have",
            ));
        }
    }
    drafts
}

/// Fields that the older schema does not declare: the producer of that version never sent them.
fn strays(mapped: &Value, previous: &Payload) -> Vec<String> {
    let known: Vec<FieldPath> = previous
        .fields()
        .into_iter()
        .map(|field| field.path)
        .collect();
    let mut strays = Vec::new();
    walk(mapped, &FieldPath::root(), &known, &mut strays);
    strays
}

fn walk(value: &Value, path: &FieldPath, known: &[FieldPath], strays: &mut Vec<String>) {
    let Value::Object(members) = value else {
        return;
    };
    // What a schema leaves open may hold anything.
    let declared = known
        .iter()
        .any(|known| known.is_within(path) && known != path);
    if !declared {
        return;
    }
    for (name, member) in members {
        let member_path = path.member(name);
        match known.contains(&member_path) || known.contains(&path.values()) {
            true => walk(member, &member_path, known, strays),
            false => strays.push(format!("`{member_path}` is not in its schema")),
        }
    }
}
