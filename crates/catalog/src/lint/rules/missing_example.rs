//! # missing-example
//!
//! ## What it does
//! Checks that a definition has an example of its payload.
//!
//! ## Why it matters
//! An example is what people copy, what consumers test with, and what a change is tried on.
//!
//! ## Example
//! ```yaml
//! examples:
//!   - title: A draft
//!     data: {course: {course_key: course-v1:edX+DemoX+2026, title: Demonstration}}
//! ```

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "missing-example",
    level: Level::Warning,
    file: include_str!("missing_example.rs"),
    settings: &[],
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    if !subject.event.examples.is_empty() {
        return Vec::new();
    }
    vec![Draft::new(
        subject.event.locate(&[]),
        "there is no example of the payload",
        "write one under `examples`, with names and addresses that are invented",
    )]
}
