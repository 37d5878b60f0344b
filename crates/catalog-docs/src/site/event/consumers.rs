//! Who reads what of an event.

use maud::{Markup, html};
use serde_json::Value;
use tidings_catalog::{Consumer, EventDefinition};

use crate::site::layout::{Page, breakable};
use crate::site::{path, prose};

pub(super) fn table(page: &Page<'_>, event: &EventDefinition) -> Markup {
    if event.consumers.is_empty() {
        return html! {
            p {
                "None has declared itself. Who consumes it writes into the definition what it reads; then a change \
                 that would break it is refused:"
            }
            (crate::site::code::block("a contract", &contract(event)))
        };
    }
    html! {
        ul.contracts {
            @for consumer in &event.consumers {
                li {
                    h3 {
                        a href=(page.to(&path::service(&consumer.service))) { (consumer.service) }
                        @if let Some(team) = &consumer.team { " " span.faint { (team) } }
                    }
                    @if let Some(purpose) = &consumer.purpose { (prose::blocks(purpose)) }
                    (reads(consumer))
                }
            }
        }
    }
}

/// What a consumer reads.
pub(crate) fn reads(consumer: &Consumer) -> Markup {
    html! {
        ul.reads {
            @for field in &consumer.reads { li { code { (breakable(field.as_str())) } } }
            @for accepted in &consumer.accepts {
                li {
                    code { (breakable(accepted.field.as_str())) } " knows "
                    @for (index, value) in accepted.values.iter().enumerate() {
                        @if index > 0 { ", " }
                        code { (plain(value)) }
                    }
                }
            }
            @for attribute in &consumer.attributes { li { "attribute " code { (attribute) } } }
            @if consumer.minorversion > 0 { li.faint { "from minor version " (consumer.minorversion) } }
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What a consumer would write.
fn contract(event: &EventDefinition) -> String {
    let fields = event.fields();
    let key = event.key.as_ref().map(|key| key.as_str().to_owned());
    let field = key.or_else(|| fields.first().map(|field| field.path.as_str().to_owned()));
    let field = Value::from(field.unwrap_or_default());
    format!(
        "consumers:\n  - service: my-service\n    team: my-team\n    purpose: What it is for\n    reads: [{field}]\n"
    )
}
