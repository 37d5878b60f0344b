//! What changed from release to release.

use std::collections::BTreeMap;

use maud::{Markup, html};
use tidings_catalog::evolution::{Change, ChangeKind, Severity};

use super::layout::{Page, breakable};
use super::model::{Model, counted};
use super::{Release, code, path, prose};
use crate::json;

pub(super) fn page(model: &Model<'_>) -> String {
    let page = Page {
        model,
        path: "changelog.html",
        title: "Changes",
        description: "What changed from release to release",
        trail: vec![("Events".into(), "index.html".into())],
    };
    page.render(&html! {
        article.changelog {
            header {
                h1 { "Changes" }
                p.lead { "The newest first. What breaks a consumer is marked, with an event that shows it." }
            }
            @for release in model.options.releases.iter().rev() {
                section {
                    h2 { (release.from) " → " (release.to) }
                    (summary(release))
                    (new_events(&page, release))
                    @for (event_type, changes) in by_event(release) {
                        h3 { (name(&page, event_type)) }
                        ul.differences { @for change in changes { (item(change)) } }
                    }
                }
            }
        }
    })
}

fn name(page: &Page<'_>, event_type: &str) -> Markup {
    html! {
        @if page.model.has(event_type) {
            a href=(page.to(&path::event(event_type))) { code { (breakable(event_type)) } }
        } @else { code { (breakable(event_type)) } }
    }
}

/// There is nothing to say of a new event but that it is there.
fn new_events(page: &Page<'_>, release: &Release) -> Markup {
    let changes = release.report.changes.iter();
    let added = changes.filter(|change| change.kind == ChangeKind::Added);
    let types: Vec<&str> = added.map(|change| &*change.event_type).collect();
    html! {
        @if !types.is_empty() {
            details open[types.len() <= 12] {
                summary { (counted(types.len(), "new event")) }
                ul.differences {
                    @for event_type in types {
                        li { span.mark.good { "new" } " " (name(page, event_type)) }
                    }
                }
            }
        }
    }
}

fn by_event(release: &Release) -> BTreeMap<&str, Vec<&Change>> {
    let mut events: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
    let changes = release.report.changes.iter();
    for change in changes.filter(|change| change.kind != ChangeKind::Added) {
        events.entry(&change.event_type).or_default().push(change);
    }
    events
}

fn summary(release: &Release) -> Markup {
    let of = |kind| {
        release
            .report
            .changes
            .iter()
            .filter(|change| change.kind == kind)
            .count()
    };
    let breaking = release.report.changes.iter();
    let breaking = breaking
        .filter(|change| change.severity == Severity::Breaking)
        .count();
    html! {
        @if release.report.changes.is_empty() { p { "Nothing changed." } }
        @else {
            p {
                (counted(of(ChangeKind::Added), "event")) " added, "
                (of(ChangeKind::Removed)) " removed; "
                (counted(breaking, "breaking change")) "; "
                (release.report.compared) " in both."
            }
        }
    }
}

/// One change, as an item of a list.
pub(super) fn item(change: &Change) -> Markup {
    let (tone, word) = match (change.severity, change.kind) {
        (Severity::Breaking, _) => ("bad", "breaking"),
        (Severity::Undecided, _) => ("warning", "undecided"),
        (_, ChangeKind::Personal) => ("personal", "personal data"),
        (_, ChangeKind::Added) => ("good", "new"),
        (_, ChangeKind::FieldAdded) => ("good", "added"),
        (_, ChangeKind::Removed | ChangeKind::FieldRemoved) => ("quiet", "removed"),
        _ => ("quiet", "changed"),
    };
    html! {
        li {
            span class={ "mark " (tone) } { (word) } " "
            (prose::inline(&change.message))
            @if !change.consumers.is_empty() {
                p.note { "Breaks " strong { (change.consumers.join(", ")) } }
            }
            @if let Some(witness) = &change.witness {
                details {
                    summary { "An event that shows it" }
                    (code::block("an event that breaks", &json::pretty(witness, &[])))
                }
            }
        }
    }
}
