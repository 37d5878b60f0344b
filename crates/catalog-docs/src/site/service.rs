//! The page of a service.

use std::collections::BTreeMap;

use maud::html;
use tidings_catalog::EventDefinition;

use super::event::reads;
use super::layout::{Page, event_link, event_list, marks};
use super::model::{Model, Service, counted, subdomain_of};
use super::{path, prose};

pub(super) fn page(model: &Model<'_>, name: &str, service: &Service<'_>) -> String {
    let (emits, consumes) = (service.emits.len(), service.consumes.len());
    let description = format!(
        "The service {name} emits {} and consumes {consumes}",
        counted(emits, "event")
    );
    let page = Page {
        model,
        path: &path::service(name),
        title: name,
        description: &description,
        trail: vec![
            ("Events".into(), "index.html".into()),
            ("Map".into(), "map.html".into()),
        ],
    };
    let mut subdomains: BTreeMap<&str, Vec<&EventDefinition>> = BTreeMap::new();
    for event in &service.emits {
        subdomains
            .entry(subdomain_of(event))
            .or_default()
            .push(event);
    }
    let mut teams: Vec<&str> = Vec::new();
    for team in service
        .emits
        .iter()
        .filter_map(|event| event.owner.as_ref()?.team.as_deref())
    {
        if !teams.contains(&team) {
            teams.push(team);
        }
    }
    page.render(&html! {
        article {
            header {
                h1 { (name) }
                p.lead {
                    "Emits " (counted(emits, "event")) ", and has declared to consume " (consumes) "."
                }
            }
            @if !teams.is_empty() { dl.facts { div { dt { "Ask" } dd { (teams.join(", ")) } } } }
            @if !service.emits.is_empty() {
                section {
                    h2 { "Emits" }
                    @for (subdomain, events) in &subdomains {
                        h3 { a href=(page.to(&path::subdomain(subdomain))) { (subdomain) } " " span.count { (events.len()) } }
                        (event_list(&page, events, false))
                    }
                }
            }
            @if !service.consumes.is_empty() {
                section {
                    h2 { "Consumes" }
                    ul.contracts {
                        @for (event, consumer) in &service.consumes {
                            li {
                                h3 { (event_link(&page, event)) " " (marks(event)) }
                                @if let Some(purpose) = &consumer.purpose { (prose::blocks(purpose)) }
                                (reads(consumer))
                            }
                        }
                    }
                }
            }
        }
    })
}
