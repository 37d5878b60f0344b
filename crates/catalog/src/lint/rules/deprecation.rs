//! # deprecation
//!
//! ## What it does
//! Checks that the last day is not before the first and not over, that what comes instead is in the
//! catalog, and that it is not itself deprecated.
//!
//! ## Why it matters
//! Who reads that an event goes away goes where it points to, and until that day. A definition that
//! outlives it promises what nobody emits, or is still emitted to those who were told that it is not.
//!
//! ## Example
//! ```yaml
//! deprecation: {since: 2026-11-01, until: 2026-10-01}
//! ```
//! Write the day on which the event is emitted for the last time.

use jiff::civil::Date;

use crate::Location;
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
    let at_until = || subject.event.locate(&["deprecation", "until"]);
    match deprecation.until {
        Some(until) if until < deprecation.since => drafts.push(Draft::new(
            at_until(),
            "the last day is before the deprecation",
            "write the day on which the event is emitted for the last time",
        )),
        Some(until) if subject.settings.today().is_some_and(|today| until < today) => {
            drafts.push(over(subject, until, at_until()));
        }
        _ => {}
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

/// That the last day is over, and the definition is still there.
fn over(subject: &Subject<'_>, until: Date, at: Location) -> Draft {
    let consumers = subject.event.consumers.iter();
    let consumers: Vec<String> = consumers.map(|c| format!("`{}`", c.service)).collect();
    let mut message = format!("the last day, {until}, is over");
    if !consumers.is_empty() {
        message.push_str(&format!(
            ", and it is still declared to be consumed by {}",
            consumers.join(", ")
        ));
    }
    let newer = subject.index.majors(subject.event).iter().find(|other| {
        other.to_previous.is_some() && other.previous().as_ref() == Some(&subject.event.event_type)
    });
    let help = match newer {
        Some(newer) => format!(
            "take the definition out, and `to_previous` of {} with it; or write a later day",
            newer.event_type
        ),
        None => "take the definition out, or write a later day".to_owned(),
    };
    Draft::new(at, message, help)
}
