//! The start of the site.

use maud::html;

use super::layout::{Page, event_list};
use super::model::{Model, counted};
use super::path;

pub(super) fn page(model: &Model<'_>) -> String {
    let title = &model.options.title;
    let description = format!(
        "{}: what happened, who says so, and how to hear of it",
        counted(model.events.len(), "event")
    );
    let page = Page {
        model,
        path: "index.html",
        title,
        description: &description,
        trail: Vec::new(),
    };
    let emitting = model
        .services
        .values()
        .filter(|service| !service.emits.is_empty())
        .count();
    let personal = model
        .events
        .iter()
        .filter(|event| !event.personal.is_empty())
        .count();
    let deprecated = model
        .events
        .iter()
        .filter(|event| event.deprecation.is_some())
        .count();
    page.render(&html! {
        article.start {
            header {
                h1 { (title) }
                p.lead {
                    "A service says what it just did, once; every interested service hears of it. \
                     These are the events that there are: what each means, what is in it, who sends it, and how \
                     to subscribe."
                }
                ul.numbers {
                    li { strong { (model.events.len()) } " events" }
                    li { strong { (model.subdomains.len()) } @if model.subdomains.len() == 1 { " subdomain" } @else { " subdomains" } }
                    li { strong { (emitting) } @if emitting == 1 { " service emits" } @else { " services emit" } }
                    @if personal > 0 { li { strong { (personal) } " with personal data" } }
                    @if deprecated > 0 { li { strong { (deprecated) } " deprecated" } }
                }
            }
            @for (name, events) in &model.subdomains {
                section class={ "subdomain s" (model.hue(name)) } {
                    h2 { a href=(page.to(&path::subdomain(name))) { (name) } " " span.count { (events.len()) } }
                    (event_list(&page, events, true))
                }
            }
            section {
                h2 { "What every event has" }
                p {
                    "Events are " a href="https://cloudevents.io" rel="noreferrer" { "CloudEvents 1.0" }
                    " documents in JSON, under the conventions of OEP-41. Beside its payload, " code { "data" }
                    ", each has:"
                }
                dl.plain {
                    dt { code { "type" } } dd { "what happened, with the major version at the end" }
                    dt { code { "id" } } dd { "unique; an event that comes twice has the same" }
                    dt { code { "time" } } dd { "when it happened, in UTC" }
                    dt { code { "minorversion" } } dd { "rises when fields come; what was there stays" }
                    dt { code { "source" } ", " code { "sourcehost" } } dd { "who says so; nobody may decide by them" }
                    dt { code { "partitionkey" } } dd { "what it is about; events of one key stay in order" }
                }
            }
        }
    })
}
