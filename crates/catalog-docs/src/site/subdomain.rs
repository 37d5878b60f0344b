//! The page of a subdomain.

use std::collections::BTreeMap;

use maud::html;
use tidings_catalog::EventDefinition;

use super::layout::{Page, breakable, event_list};
use super::model::{Model, counted};
use super::path;

pub(super) fn page(model: &Model<'_>, name: &str, events: &[&EventDefinition]) -> String {
    let description = format!("{} of the subdomain {name}", counted(events.len(), "event"));
    let page = Page {
        model,
        path: &path::subdomain(name),
        title: name,
        description: &description,
        trail: vec![("Events".into(), "index.html".into())],
    };
    let mut subjects: BTreeMap<&str, Vec<&EventDefinition>> = BTreeMap::new();
    let mut services: BTreeMap<&str, usize> = BTreeMap::new();
    let mut topics: BTreeMap<&str, usize> = BTreeMap::new();
    for event in events {
        let subject = event
            .subject_and_action()
            .map_or(&*event.event_type, |(subject, _)| subject);
        subjects.entry(subject).or_default().push(event);
        if let Some(owner) = &event.owner {
            *services.entry(&owner.service).or_default() += 1;
        }
        for topic in &event.topics {
            *topics.entry(topic).or_default() += 1;
        }
    }
    page.render(&html! {
        article class={ "s" (model.hue(name)) } {
            header.tinted {
                h1 { (name) }
                p.lead { (counted(events.len(), "event")) " about " (counted(subjects.len(), "subject")) }
            }
            dl.facts {
                div {
                    dt { "Emitted by" }
                    dd {
                        @for (index, (service, count)) in services.iter().enumerate() {
                            @if index > 0 { ", " }
                            a href=(page.to(&path::service(service))) { (service) } " (" (count) ")"
                        }
                        @if services.is_empty() { span.faint { "the definitions do not say" } }
                    }
                }
                @if !topics.is_empty() {
                    div {
                        dt { "Topics" }
                        dd {
                            @for (index, topic) in topics.keys().enumerate() {
                                @if index > 0 { ", " }
                                code { (breakable(topic)) }
                            }
                        }
                    }
                }
            }
            @for (subject, events) in &subjects {
                section.subject {
                    h2 { (breakable(subject)) }
                    (event_list(&page, events, services.len() > 1))
                }
            }
        }
    })
}
