//! The fields of the payload.

use maud::{Markup, html};
use serde_json::Value;
use tidings_catalog::{EventDefinition, Field};

use crate::site::layout::breakable;
use crate::site::prose;

/// The roles are written out: a style that puts the cells of a row below each other, as on a
/// phone, takes them away in some browsers.
pub(super) fn table(event: &EventDefinition, fields: &[Field]) -> Markup {
    if fields.is_empty() {
        return html! { p.faint { "The schema names no fields." } };
    }
    html! {
        table.fields role="table" {
            thead role="rowgroup" {
                tr role="row" {
                    th scope="col" role="columnheader" { "Field" }
                    th scope="col" role="columnheader" { "Type" }
                    th scope="col" role="columnheader" { "Meaning" }
                }
            }
            tbody role="rowgroup" {
                @for field in fields {
                    tr role="row" {
                        th scope="row" role="rowheader" { (name(field)) }
                        td.kind role="cell" { (kind(field)) }
                        td role="cell" { (meaning(event, field)) }
                    }
                }
            }
        }
    }
}

/// The path, with what leads to the field less prominent than its name.
fn name(field: &Field) -> Markup {
    let path = field.path.as_str();
    let (outer, own) = match path.rfind('.') {
        Some(dot) => path.split_at(dot + 1),
        None => ("", path),
    };
    html! { code { span.outer { (breakable(outer)) } (breakable(own)) } }
}

fn kind(field: &Field) -> Markup {
    html! {
        (field.kind) @if field.nullable { " or null" }
        " "
        span.need .required[field.required] { @if field.required { "required" } @else { "optional" } }
    }
}

fn meaning(event: &EventDefinition, field: &Field) -> Markup {
    html! {
        @if let Some(description) = &field.description { (prose::inline(description)) }
        @if event.key.as_ref().is_some_and(|key| key.as_str() == field.path.as_str()) {
            p.note { span.mark { "key" } }
        }
        @if !field.values.is_empty() {
            p.note {
                @if field.values.len() == 1 { "Always " } @else { "One of " }
                @for (index, value) in field.values.iter().enumerate() {
                    @if index > 0 { ", " }
                    code { (plain(value)) }
                }
            }
        }
        @if let Some(default) = field.default.as_ref().filter(|default| !default.is_null()) {
            p.note { "If absent: " code { (plain(default)) } }
        }
        @if !field.limits.is_empty() { p.note { (sentence(&field.limits.join(", "))) } }
        @if let Some(personal) = event.personal_data(&field.path) {
            p.note { span.mark.personal { "personal: " (personal.kind) } " " (prose::inline(&personal.reason)) }
        }
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
