//! The page of an event.

mod consumers;
mod fields;
mod history;
mod subscribe;
mod versions;

pub(super) use self::consumers::reads;

use maud::{Markup, html};
use tidings_catalog::{Deprecation, EventDefinition, Field, Payload};

use super::layout::{Page, breakable, marks};
use super::model::{Model, subdomain_of, title};
use super::{code, path, prose};
use crate::{example, json};

/// A part of the page: its anchor, its heading, and what stands in it.
struct Section {
    id: &'static str,
    heading: &'static str,
    body: Markup,
}

pub(super) fn page(model: &Model<'_>, event: &EventDefinition) -> String {
    let subdomain = subdomain_of(event);
    let title = title(event);
    let description = prose::plain(event.description.as_deref().unwrap_or(&title));
    // Versions of one event are told apart where only the title is seen.
    let tab = match (model.majors(event).len(), event.major()) {
        (2.., Some(major)) => format!("{title}, version {major}"),
        _ => title.clone(),
    };
    let page = Page {
        model,
        path: &path::event(&event.event_type),
        title: &tab,
        description: &description,
        trail: vec![
            ("Events".into(), "index.html".into()),
            (subdomain.to_owned(), path::subdomain(subdomain)),
        ],
    };
    let fields = event.fields();
    let sections = sections(&page, event, &fields);
    page.render(&html! {
        div.columns {
            article class={ "event s" (model.hue(subdomain)) } {
                header {
                    h1 { (title) }
                    p.type {
                        code #type { (breakable(&event.event_type)) }
                        button.copy type="button" hidden data-copies="type" aria-label="Copy: the type" { "Copy" }
                    }
                    p.marks { (marks(event)) }
                }
                @if let Some(deprecation) = &event.deprecation { (ending(&page, deprecation)) }
                @if let Some(description) = &event.description {
                    div.lead { (prose::blocks(description)) }
                }
                (facts(&page, event))
                @for section in &sections {
                    section aria-labelledby=(section.id) {
                        h2 #(section.id) { (section.heading) }
                        (section.body)
                    }
                }
            }
            nav.contents aria-label="On this page" {
                p { "On this page" }
                ul {
                    @for section in &sections {
                        li { a href={ "#" (section.id) } { (section.heading) } }
                    }
                }
            }
        }
    })
}

fn sections(page: &Page<'_>, event: &EventDefinition, fields: &[Field]) -> Vec<Section> {
    let mut sections = vec![Section {
        id: "fields",
        heading: "Fields",
        body: fields::table(event, fields),
    }];
    let mut add = |id, heading, body: Option<Markup>| {
        sections.extend(body.map(|body| Section { id, heading, body }));
    };
    add("examples", "Examples", examples(event, fields));
    add("subscribe", "Subscribe", Some(subscribe::blocks(event)));
    add(
        "consumers",
        "Consumers",
        Some(consumers::table(page, event)),
    );
    add("versions", "Versions", Some(versions::list(page, event)));
    add("changes", "Changes", history::list(page, event));
    add("exceptions", "Exceptions from the rules", exceptions(event));
    add("schema", "Schema", Some(schema(page, event)));
    sections
}

fn ending(page: &Page<'_>, deprecation: &Deprecation) -> Markup {
    html! {
        div.notice role="note" {
            p {
                strong { "Deprecated since " (deprecation.since) "." }
                @if let Some(until) = deprecation.until { " It is emitted until " (until) "." }
                @else { " No last day is set." }
                @if let Some(by) = &deprecation.replaced_by {
                    " It is replaced by "
                    @if page.model.has(by) { a href=(page.to(&path::event(by))) { code { (breakable(by)) } } }
                    @else { code { (breakable(by)) } }
                    "."
                }
            }
            @if let Some(reason) = &deprecation.reason { (prose::blocks(reason)) }
        }
    }
}

fn facts(page: &Page<'_>, event: &EventDefinition) -> Markup {
    let subdomain = subdomain_of(event);
    html! {
        dl.facts {
            div {
                dt { "Emitted by" }
                dd {
                    @match &event.owner {
                        Some(owner) => { a href=(page.to(&path::service(&owner.service))) { (owner.service) } }
                        None => span.faint { "the definition does not say" },
                    }
                }
            }
            @if let Some(team) = event.owner.as_ref().and_then(|owner| owner.team.as_ref()) {
                div { dt { "Ask" } dd { (team) } }
            }
            div { dt { "Subdomain" } dd { a href=(page.to(&path::subdomain(subdomain))) { (subdomain) } } }
            div {
                dt { "Key" }
                dd {
                    @match &event.key {
                        Some(key) => { code { (breakable(key.as_str())) } p.faint { "Events with the same key stay in order." } }
                        None => span.faint { "none: these events have no order" },
                    }
                }
            }
            div {
                dt { "Topics" }
                dd {
                    @if event.topics.is_empty() { span.faint { "each site chooses" } }
                    @for (index, topic) in event.topics.iter().enumerate() {
                        @if index > 0 { ", " }
                        code { (breakable(topic)) }
                    }
                }
            }
            div {
                dt { "Consumers" }
                dd {
                    @match event.consumers.len() {
                        0 => span.faint { "none has declared itself" },
                        n => a href="#consumers" { (n) },
                    }
                }
            }
        }
    }
}

fn examples(event: &EventDefinition, fields: &[Field]) -> Option<Markup> {
    if event.examples.is_empty() {
        return None;
    }
    Some(html! {
        @for example in &event.examples {
            @if let Some(title) = &example.title { h3 { (title) } }
            (code::block("the payload", &json::pretty(&example.data, fields)))
            details {
                summary { "As a whole event" }
                (code::block("the whole event", &example::document(event, &example.data, fields)))
            }
        }
    })
}

fn exceptions(event: &EventDefinition) -> Option<Markup> {
    if event.allowances.is_empty() {
        return None;
    }
    Some(html! {
        dl.plain {
            @for allowance in &event.allowances {
                dt { code { (allowance.rule) } }
                dd { (prose::inline(&allowance.reason)) }
            }
        }
    })
}

fn schema(page: &Page<'_>, event: &EventDefinition) -> Markup {
    let ending = match &event.payload {
        Payload::Json(_) => "schema.json",
        Payload::Avro(_) => "avsc",
    };
    let file = path::schema(&event.event_type, ending);
    let name = file.rsplit('/').next().unwrap_or_default();
    html! {
        p {
            (event.payload.language()) ": "
            a href=(page.to(&file)) download { (breakable(name)) }
        }
        details {
            summary { "Show it" }
            (code::block("the schema", &format!("{:#}", event.payload.to_json())))
        }
    }
}
