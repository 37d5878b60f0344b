//! # specific-action
//!
//! ## What it does
//! Looks for `updated`, `changed` or `modified` where the catalog has events of the same subject
//! that say what was done, or where the payload lists the states that it can have; and for `created`
//! beside an event that says how the subject came to be: `registered`, `issued`, `submitted`.
//!
//! ## Why it matters
//! Who hears *updated* must compare with what was before to learn what happened. *Published*,
//! *archived* or *renamed* say it, and only those who care have to listen.
//!
//! ## Example
//! ```yaml
//! type: org.example.catalog.course.updated.v1
//! schema:
//!   properties:
//!     state: {enum: [draft, published, archived]}
//! ```
//! Write instead an event for each step: `course.published`, `course.archived`.

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "specific-action",
    level: Level::Warning,
    file: include_str!("specific_action.rs"),
    settings: &[],
    check,
};

/// Actions that say little.
const VAGUE: &[&str] = &["changed", "modified", "updated"];

/// Actions of the life of every entity: beside them *updated* is right.
const ENDS: &[&str] = &["created", "deleted"];

/// Actions by which an entity comes to be, and which say more than *created*.
const BEGINNINGS: &[&str] = &[
    "awarded",
    "enrolled",
    "granted",
    "imported",
    "invited",
    "issued",
    "opened",
    "ordered",
    "placed",
    "registered",
    "requested",
    "submitted",
];

/// Names of fields that say how far an entity has come.
const STATES: &[&str] = &["action", "event", "state", "status", "transition"];

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let Some((_, action)) = subject.event.subject_and_action() else {
        return Vec::new();
    };
    let vague = VAGUE.contains(&action);
    if !vague && action != "created" {
        return Vec::new();
    }
    let says_more = |other: &&str| match vague {
        true => !VAGUE.contains(other) && !ENDS.contains(other),
        false => BEGINNINGS.contains(other),
    };
    let mut specific: Vec<&str> = subject
        .index
        .siblings(subject.event)
        .iter()
        .filter_map(|other| other.subject_and_action())
        .map(|(_, other)| other)
        .filter(says_more)
        .collect();
    specific.dedup();
    let mut fields = subject.fields.iter().filter(|_| vague);
    let states = fields.find(|field| field.values.len() > 1 && STATES.contains(&field.path.last()));
    let because = match (specific.as_slice(), states) {
        ([], None) => return Vec::new(),
        ([], Some(field)) => format!("`{}` lists what can have happened", field.path),
        (specific, _) => format!("there is also `{}`", specific.join("`, `")),
    };
    vec![Draft::new(
        subject.event.locate(&["type"]),
        format!("`{action}` says little, and {because}"),
        "emit an event that says what was done, and this one for nothing else",
    )]
}
