//! # one-owner
//!
//! ## What it does
//! Checks that all major versions of an event, and all catalogs that define it, name one owner.
//!
//! ## Why it matters
//! One service owns the data that an event speaks of. Where two emit one type, consumers hear two
//! truths, and nobody can change or end it alone.
//!
//! ## Example
//! ```yaml
//! type: org.example.catalog.course.created.v1
//! owner: {service: catalog, subdomain: catalog}
//! ---
//! type: org.example.catalog.course.created.v2
//! owner: {service: studio, subdomain: catalog}
//! ```
//! Name the one service that emits both, or another event.

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "one-owner",
    level: Level::Error,
    file: include_str!("one_owner.rs"),
    settings: &[],
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let Some(owner) = &subject.event.owner else {
        return Vec::new();
    };
    let others = subject.index.majors(subject.event).iter().copied();
    let replaced = subject.catalog.replaced().iter();
    let replaced = replaced.filter(|other| other.event_type == subject.event.event_type);
    let other = others.chain(replaced).find(|other| {
        let theirs = other.owner.as_ref().map(|owner| &owner.service);
        theirs.is_some_and(|service| *service != owner.service)
    });
    other.map_or_else(Vec::new, |other| {
        let theirs = other.owner.as_ref().map_or("", |owner| &owner.service);
        vec![Draft::new(
            subject.event.locate(&["owner", "service"]),
            format!(
                "`{}` emits it, and {} says of {} that `{theirs}` does",
                owner.service,
                other.path().display(),
                other.event_type,
            ),
            "one service owns an event in all its versions",
        )]
    })
}
