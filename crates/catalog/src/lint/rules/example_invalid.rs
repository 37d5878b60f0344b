//! # example-invalid
//!
//! ## What it does
//! Checks that every example fits the schema, and has a key where the definition says it stands.
//!
//! ## Why it matters
//! An example that is wrong is worse than none: it is copied.
//!
//! ## Example
//! ```yaml
//! schema: {type: object, required: [title], properties: {title: {type: string}}}
//! examples:
//!   - data: {title: 12}
//! ```
//! Mend the example or the schema.

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "example-invalid",
    level: Level::Error,
    file: include_str!("example_invalid.rs"),
    settings: &[],
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (at, example) in subject.event.examples.iter().enumerate() {
        let number = at.to_string();
        for mismatch in subject.event.payload.check(&example.data) {
            let pointer: Vec<String> = mismatch
                .pointer
                .split('/')
                .skip(1)
                .map(|part| part.replace("~1", "/").replace("~0", "~"))
                .collect();
            let mut keys = vec!["examples", &number, "data"];
            keys.extend(pointer.iter().map(String::as_str));
            drafts.push(Draft::new(
                subject.event.locate(&keys),
                format!("the example does not fit the schema: {mismatch}"),
                "mend the example, or the schema",
            ));
        }
        if let Some(key) = &subject.event.key
            && let Err(e) = key.key_in(&example.data.to_string())
        {
            drafts.push(Draft::new(
                subject.event.locate(&["examples", &number, "data"]),
                format!("the example: {e}"),
                "give the example its key",
            ));
        }
    }
    drafts
}
