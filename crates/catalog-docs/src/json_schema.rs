//! JSON Schemas for validators and code generators.

use serde_json::{Value, json};
use tidings_catalog::{Catalog, EventDefinition};

use crate::name::file_name;
use crate::schema;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The payload of an event as JSON Schema 2020-12. It says what Avro says of payloads in JSON
/// where that is the event's own schema, and has what the definition says of its fields;
/// personal data is marked by `x-personal-data`.
pub fn json_schema(event: &EventDefinition) -> Value {
    let mut schema = schema::of(event);
    if schema.is_boolean() {
        schema = json!({"allOf": [schema]});
    }
    if let Some(keywords) = schema.as_object_mut() {
        keywords.insert("$schema".into(), DIALECT.into());
        keywords.insert("$id".into(), id(event).into());
        for (keyword, text) in [("title", &event.title), ("description", &event.description)] {
            if let (false, Some(text)) = (keywords.contains_key(keyword), text) {
                keywords.insert(keyword.into(), text.trim().into());
            }
        }
        if event.deprecation.is_some() {
            keywords.insert("deprecated".into(), true.into());
        }
    }
    schema
}

/// One JSON Schema 2020-12 for every event of a catalog: it holds a CloudEvents document against
/// the payload's schema of its `type`, and refuses a type that the catalog does not have. Each
/// payload has its own schema in `$defs`.
pub fn json_schema_bundle(catalog: &Catalog, title: &str) -> Value {
    let types: Vec<&str> = catalog.events().map(|event| &*event.event_type).collect();
    let cases = catalog.events().map(|event| {
        json!({
            "if": {"properties": {"type": {"const": event.event_type}}},
            "then": {"properties": {"data": {"$ref": id(event)}}},
        })
    });
    let definitions = catalog
        .events()
        .map(|event| (event.event_type.clone(), json_schema(event)));
    json!({
        "$schema": DIALECT,
        "$id": "urn:tidings:catalog",
        "title": title,
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {"type": {"enum": types}},
        "allOf": cases.collect::<Vec<_>>(),
        "$defs": definitions.collect::<serde_json::Map<_, _>>(),
    })
}

fn id(event: &EventDefinition) -> String {
    format!("urn:tidings:event:{}", file_name(&event.event_type))
}
