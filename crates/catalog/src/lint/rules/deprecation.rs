//! # deprecation
//!
//! ## What it does
//! Checks that the last day is not before the first, that what comes instead is in the catalog, and
//! that it is not itself deprecated.
//!
//! ## Why it matters
//! Who reads that an event goes away goes where it points to.
//!
//! ## Example
//! ```yaml
//! deprecation: {since: 2026-11-01, until: 2026-10-01}
//! ```
//! Write the day on which the event is emitted for the last time.

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "deprecation",
    level: Level::Warning,
    file: include_str!("deprecation.rs"),
    settings: &[],
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let Some(deprecation) = &subject.event.deprecation else {
        return Vec::new();
    };
    let mut drafts = Vec::new();
    if deprecation
        .until
        .is_some_and(|until| until < deprecation.since)
    {
        drafts.push(Draft::new(
            subject.event.locate(&["deprecation", "until"]),
            "the last day is before the deprecation",
            "write the day on which the event is emitted for the last time",
        ));
    }
    if let Some(successor) = &deprecation.replaced_by {
        let at = subject.event.locate(&["deprecation", "replaced_by"]);
        match subject.catalog.event(successor) {
            None => drafts.push(Draft::new(
                at,
                format!("the catalog has no event `{successor}`"),
                "add its definition, or the catalog that has it",
            )),
            Some(other) if other.deprecation.is_some() => drafts.push(Draft::new(
                at,
                format!("`{successor}` is deprecated itself"),
                "name the event that stays",
            )),
            Some(_) => {}
        }
    }
    drafts
}
