//! # retirement-date
//!
//! ## What it does
//! Checks that of several majors of an event only the newest has no last day.
//!
//! ## Why it matters
//! Two majors are a transition. Without a day on which the old one ends, its consumers have no
//! reason to move, and the producer keeps making both for ever.
//!
//! ## Example
//! ```yaml
//! type: org.example.catalog.course.created.v1
//! ```
//! Once there is a `v2`, write in the definition of `v1`:
//! ```yaml
//! deprecation: {since: 2026-11-01, replaced_by: org.example.catalog.course.created.v2, until: 2027-06-30}
//! ```

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "retirement-date",
    level: Level::Error,
    file: include_str!("retirement_date.rs"),
    settings: &[],
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let newest = subject
        .index
        .majors(subject.event)
        .iter()
        .max_by_key(|other| other.major());
    let Some(newest) = newest.filter(|newest| newest.major() > subject.event.major()) else {
        return Vec::new();
    };
    match &subject.event.deprecation {
        Some(deprecation) if deprecation.until.is_some() => Vec::new(),
        deprecation => vec![Draft::new(
            match deprecation {
                Some(_) => subject.event.locate(&["deprecation"]),
                None => subject.event.locate(&[]),
            },
            format!(
                "{} lives beside it, and this one has no last day",
                newest.event_type
            ),
            format!(
                "write deprecation: {{since: DAY, replaced_by: {}, until: DAY}}",
                newest.event_type
            ),
        )],
    }
}
