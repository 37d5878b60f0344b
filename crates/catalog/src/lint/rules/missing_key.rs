//! # missing-key
//!
//! ## What it does
//! Checks that the definition names a key, and that the payload always has a text or a number
//! there.
//!
//! ## Why it matters
//! Events of one key stay in order. Without one, *published* may overtake *created*, and a failed
//! event cannot hold back those that depend on it.
//!
//! ## Example
//! ```yaml
//! type: org.example.catalog.course.created.v1
//! ```
//! Write also:
//! ```yaml
//! key: course.course_key
//! ```

use crate::FieldPath;
use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "missing-key",
    level: Level::Warning,
    file: include_str!("missing_key.rs"),
    settings: &[],
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    if subject.is_bare() {
        return Vec::new();
    }
    let Some(key) = &subject.event.key else {
        return vec![Draft::new(
            subject.event.locate(&[]),
            "the event has no key",
            "name the field that says what it is about: key: course.course_key",
        )];
    };
    let at = subject.event.locate(&["key"]);
    let path = FieldPath::from(key.as_str());
    let Some(field) = subject.field(&path) else {
        let help = "name a field that the schema declares";
        return vec![Draft::new(
            at,
            format!("the payload has no field `{key}`"),
            help,
        )];
    };
    let mut optional = Vec::new();
    for candidate in subject.fields {
        if path.is_within(&candidate.path) && (!candidate.required || candidate.nullable) {
            optional.push(candidate.path.to_string());
        }
    }
    if ["object", "list", "map"]
        .iter()
        .any(|kind| field.kind.starts_with(kind))
    {
        let message = format!(
            "the key `{key}` is no text and no number, but {}",
            field.kind
        );
        return vec![Draft::new(at, message, "name a field in it")];
    }
    if optional.is_empty() {
        return Vec::new();
    }
    vec![Draft::new(
        at,
        format!(
            "the key may be absent: `{}` is optional or may be null",
            optional.join("`, `")
        ),
        "make it required, or name a field that is always there",
    )]
}
