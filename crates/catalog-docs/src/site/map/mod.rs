//! The map: who sends what to whom.

mod diagram;
mod flow;

use maud::{Markup, html};
use tidings_catalog::EventDefinition;

use self::flow::{Flow, flows};
use super::layout::{Page, breakable, event_link};
use super::model::{Model, counted};
use super::path;

pub(super) fn page(model: &Model<'_>) -> String {
    let page = Page {
        model,
        path: "map.html",
        title: "Map",
        description: "Who sends what to whom",
        trail: vec![("Events".into(), "index.html".into())],
    };
    let flows = flows(model);
    let heard = flows
        .iter()
        .filter(|flow| flow.to.is_some())
        .flat_map(|flow| &flow.events);
    let mut heard: Vec<&str> = heard.map(|event| &*event.event_type).collect();
    heard.sort_unstable();
    heard.dedup();
    page.render(&html! {
        article.map {
            header {
                h1 { "Who sends what to whom" }
                p.lead {
                    "Services that emit stand on the left, services that have declared to consume on the right. \
                     A band is as wide as it has events, and has the colour of their subdomain."
                }
                @if heard.is_empty() {
                    p {
                        "No consumer has declared a contract in this catalog yet, so the map knows who emits, and not \
                         who listens. A consumer declares itself under " code { "consumers" } " in the definition of \
                         the event."
                    }
                }
                @else { p { (heard.len()) " of " (counted(model.events.len(), "event")) @if heard.len() == 1 { " has" } @else { " have" } " a declared consumer." } }
            }
            ul.legend aria-label="Colours" {
                @for name in model.subdomains.keys() {
                    li class={ "s" (model.hue(name)) } { a href=(page.to(&path::subdomain(name))) { (name) } }
                }
            }
            div.picture { (diagram::svg(&page, &flows, &diagram::WIDE)) (diagram::svg(&page, &flows, &diagram::NARROW)) }
            section {
                h2 { "The same as a table" }
                (table(&page, &flows))
            }
        }
    })
}

fn table(page: &Page<'_>, flows: &[Flow<'_>]) -> Markup {
    html! {
        table.flows role="table" {
            thead role="rowgroup" {
                tr role="row" {
                    th scope="col" role="columnheader" { "From" }
                    th scope="col" role="columnheader" { "To" }
                    th scope="col" role="columnheader" { "Subdomain" }
                    th scope="col" role="columnheader" { "Events" }
                }
            }
            tbody role="rowgroup" {
                @for flow in flows {
                    tr role="row" {
                        td role="cell" data-label="From" { (service(page, flow.from)) }
                        td role="cell" data-label="To" { (service(page, flow.to)) }
                        td role="cell" data-label="Subdomain" {
                            a href=(page.to(&path::subdomain(flow.subdomain))) { (breakable(flow.subdomain)) }
                        }
                        td role="cell" data-label="Events" {
                            @match flow.events.as_slice() {
                                [several @ .., last] if several.len() < 6 => {
                                    @for event in several { (link(page, event)) ", " }
                                    (link(page, last))
                                }
                                many => details {
                                    summary { (counted(many.len(), "event")) }
                                    ul { @for event in many { li { (link(page, event)) } } }
                                },
                            }
                        }
                    }
                }
            }
        }
    }
}

fn link(page: &Page<'_>, event: &EventDefinition) -> Markup {
    event_link(page, event)
}

fn service(page: &Page<'_>, name: Option<&str>) -> Markup {
    html! {
        @match name {
            Some(name) => { a href=(page.to(&path::service(name))) { (breakable(name)) } }
            None => span.faint { "no declared consumer" },
        }
    }
}
