//! # subdomain-known
//!
//! ## What it does
//! Checks that the subdomain of the owner stands in the type after the reverse DNS, and that it is
//! one of those that the settings list, if they do.
//!
//! ## Why it matters
//! A subdomain is a promise about who is asked when something is wrong. A new one should come from
//! a decision, not from a typing error.
//!
//! ## Example
//! ```yaml
//! type: org.example.catalogue.course.created.v1
//! owner: {service: catalog, subdomain: catalog}
//! ```
//! Write the same word in both places.

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule, Setting};
use crate::lint::subject::Subject;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "subdomain-known",
    level: Level::Error,
    file: include_str!("subdomain_known.rs"),
    settings: &[Setting {
        name: "known",
        about: "the subdomains that there are; any, if it is empty",
    }],
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let Some(owner) = &subject.event.owner else {
        return Vec::new();
    };
    let mut drafts = Vec::new();
    let parts: Vec<&str> = subject.event.event_type.split('.').collect();
    let labels = parts.get(1..).unwrap_or_default();
    if !labels.contains(&&*owner.subdomain) {
        drafts.push(Draft::new(
            subject.event.locate(&["owner", "subdomain"]),
            format!(
                "the type does not stand in the subdomain `{}`",
                owner.subdomain
            ),
            "an event belongs to the subdomain of the service that emits it: mend the type or the \
             subdomain",
        ));
    }
    let known = subject.list("known");
    if !known.is_empty() && !known.contains(&owner.subdomain) {
        drafts.push(Draft::new(
            subject.event.locate(&["owner", "subdomain"]),
            format!(
                "the subdomain `{}` is not among those that are known",
                owner.subdomain
            ),
            format!(
                "known are {}; `known` in tidings.toml lists them",
                known.join(", ")
            ),
        ));
    }
    drafts
}
