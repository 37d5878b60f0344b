//! # subject-meaning
//!
//! ## What it does
//! Checks that the events of one subject in one subdomain have the same key.
//!
//! ## Why it matters
//! `course.created` that is keyed by the course and `course.published` that is keyed by its author
//! speak of two things by one name. They lose their order to each other, and consumers join what
//! does not belong together.
//!
//! ## Example
//! ```yaml
//! type: org.example.catalog.course.created.v1
//! key: course.course_key
//! ---
//! type: org.example.catalog.course.published.v1
//! key: author.username
//! ```
//! Use one key for one subject, or another word for the other subject.

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;
use tidings_event::KeyPath;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "subject-meaning",
    level: Level::Warning,
    file: include_str!("subject_meaning.rs"),
    settings: &[],
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let Some(key) = &subject.event.key else {
        return Vec::new();
    };
    let name = |key: &KeyPath| key.segments().last().map(str::to_owned);
    let other = subject.index.siblings(subject.event).iter().find(|other| {
        // The first of them is the one that is right.
        other.event_type < subject.event.event_type
            && other
                .key
                .as_ref()
                .is_some_and(|other| name(other) != name(key))
    });
    other.map_or_else(Vec::new, |other| {
        vec![Draft::new(
            subject.event.locate(&["key"]),
            format!(
                "the key `{key}` is not that of {}, which speaks of the same subject (`{}`)",
                other.event_type,
                other.key.as_ref().map_or("", KeyPath::as_str),
            ),
            "give events of one subject one key, or name the other subject differently",
        )]
    })
}
