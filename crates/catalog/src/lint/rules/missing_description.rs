//! # missing-description
//!
//! ## What it does
//! Checks that an event says what it is: a title and a description.
//!
//! ## Why it matters
//! Third parties integrate from the documentation alone. What is obvious to its author is a
//! question in a chat, later, at night.
//!
//! ## Example
//! ```yaml
//! type: org.example.catalog.course.created.v1
//! title: Course created
//! ```
//! Write also:
//! ```yaml
//! description: A course was created. Sent once its first draft is saved.
//! ```

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "missing-description",
    level: Level::Warning,
    file: include_str!("missing_description.rs"),
    settings: &[],
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let mut missing = |what: &str, help: &str| {
        drafts.push(Draft::new(
            subject.event.locate(&[]),
            format!("{what} is missing"),
            help,
        ));
    };
    if subject.event.title.is_none() {
        missing("`title`", "say what happened in a few words");
    }
    if subject.event.description.is_none() {
        missing(
            "`description`",
            "say what happened, and when the event is sent",
        );
    }
    drafts
}
