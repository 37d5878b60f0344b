//! The major versions of an event and what lies between them.

use maud::{Markup, html};
use serde_json::Value;
use tidings_catalog::evolution::{Comparison, compare};
use tidings_catalog::{EventDefinition, Step};

use crate::site::layout::{Page, breakable};
use crate::site::model::version;
use crate::site::path;

pub(super) fn list(page: &Page<'_>, event: &EventDefinition) -> Markup {
    let majors = page.model.majors(event);
    let before = majors
        .iter()
        .take_while(|other| other.event_type != event.event_type)
        .last();
    html! {
        ul.majors {
            @for other in majors.iter().rev() {
                li {
                    @if other.event_type == event.event_type { strong { (version(other)) } " this page" }
                    @else { a href=(page.to(&path::event(&other.event_type))) { (version(other)) } }
                    @if let Some(deprecation) = &other.deprecation {
                        span.faint {
                            ", deprecated since " (deprecation.since)
                            @if let Some(until) = deprecation.until { ", emitted until " (until) }
                        }
                    }
                }
            }
        }
        @if let Some(before) = before {
            h3 { "What is different from " (version(before)) }
            (differences(before, event))
        }
    }
}

fn differences(before: &EventDefinition, event: &EventDefinition) -> Markup {
    let data = |event: &EventDefinition| -> Vec<Value> {
        event
            .examples
            .iter()
            .map(|example| example.data.clone())
            .collect()
    };
    let Comparison {
        backward,
        forward,
        removed,
        added,
        identical,
        ..
    } = compare(&before.payload, &event.payload, &data(before), &data(event));
    let mut told: Vec<String> = removed
        .iter()
        .map(|removal| removal.path.as_str().to_owned())
        .chain(added.iter().map(|path| path.as_str().to_owned()))
        .collect();
    let mut changed = Vec::new();
    for breaks in forward.breaks.iter().chain(&backward.breaks) {
        if !told.iter().any(|path| path == breaks.path.as_str()) {
            told.push(breaks.path.as_str().to_owned());
            changed.push(breaks);
        }
    }
    let key = |event: &EventDefinition| event.key.as_ref().map(ToString::to_string);
    html! {
        @if identical { p { "The payload is the same." } }
        ul.differences {
            @for path in &added {
                li { span.mark.good { "added" } " " code { (breakable(path.as_str())) } }
            }
            @for removal in &removed {
                li { span.mark.bad { "removed" } " " code { (breakable(removal.path.as_str())) } }
            }
            @for change in changed {
                li {
                    span.mark.warning { "changed" } " "
                    @if change.path.as_str().is_empty() { "the payload" }
                    @else { code { (breakable(change.path.as_str())) } }
                    " " (change.reason)
                }
            }
            @if key(before) != key(event) {
                li {
                    span.mark.warning { "key" } " was "
                    code { (key(before).unwrap_or_else(|| "none".into())) }
                }
            }
        }
        @if let Some(mapping) = &event.to_previous {
            p { "Who emits this version makes the payload of " (version(before)) " of it, in these steps:" }
            ol.steps { @for step in &mapping.steps { li { (told_step(step)) } } }
        }
    }
}

fn told_step(step: &Step) -> Markup {
    html! {
        @match step {
            Step::Rename { from, to } => { "move " code { (breakable(from)) } " to " code { (breakable(to)) } }
            Step::Copy { from, to } => { "copy " code { (breakable(from)) } " to " code { (breakable(to)) } }
            Step::Drop { field } => { "leave out " code { (breakable(field)) } }
            Step::Default { field, value } => {
                "where " code { (breakable(field)) } " is absent, it is " code { (value) }
            }
            other => { code { (format!("{other:?}")) } }
        }
    }
}
