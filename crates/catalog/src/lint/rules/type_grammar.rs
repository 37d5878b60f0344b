//! # type-grammar
//!
//! ## What it does
//! Checks that the type has the form `{reverse DNS}.{subdomain}.{subject}.{action}.v{major}`: lower
//! case, underscores inside a word, the major version from 1.
//!
//! ## Why it matters
//! Consumers subscribe by type, and route by its parts. A name that breaks the form is spelled
//! differently in every place that has to guess it.
//!
//! ## Example
//! ```yaml
//! type: org.example.Catalog.courseCreated
//! ```
//! Write instead:
//! ```yaml
//! type: org.example.catalog.course.created.v1
//! ```

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;
use tidings_event::profile::follows_grammar;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "type-grammar",
    level: Level::Error,
    file: include_str!("type_grammar.rs"),
    settings: &[],
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    if follows_grammar(&subject.event.event_type) {
        return Vec::new();
    }
    vec![Draft::new(
        subject.event.locate(&["type"]),
        format!(
            "the type `{}` has not the form of OEP-41",
            subject.event.event_type
        ),
        "write {reverse DNS}.{subdomain}.{subject}.{action}.v{major} in lower case",
    )]
}
