//! Payloads as JSON Schema, with all that the definition says of their fields.

mod draft7;
mod walk;

pub(crate) use self::draft7::lower;

use serde_json::{Map, Value, json};
use tidings_catalog::{EventDefinition, FieldPath};

/// The payload as JSON Schema 2020-12 that stands by itself: references lead nowhere else.
pub(crate) fn of(event: &EventDefinition) -> Value {
    let mut schema = event.payload.json_schema();
    let id = schema.get("$id").and_then(Value::as_str).map(str::to_owned);
    if let Some(id) = id {
        // The document that it becomes a part of has its own.
        walk::references(&mut schema, &mut |reference| {
            let rest = reference.strip_prefix(id.trim_end_matches('#'))?;
            match rest {
                "" => Some("#".to_owned()),
                fragment => fragment.starts_with('#').then(|| fragment.to_owned()),
            }
        });
    }
    if let Some(keywords) = schema.as_object_mut() {
        keywords.remove("$id");
        keywords.remove("$schema");
    }
    describe(&mut schema, &FieldPath::root(), event);
    schema
}

/// Puts what the definition says of a field into its schema, where that does not say it itself.
fn describe(schema: &mut Value, path: &FieldPath, event: &EventDefinition) {
    let Some(keywords) = schema.as_object_mut() else {
        return;
    };
    if !path.as_str().is_empty() {
        let said = event.field_descriptions.iter().find(|(of, _)| of == path);
        if let Some((_, text)) = said {
            keywords.insert("description".into(), json!(text));
        }
        let personal = event
            .personal
            .iter()
            .find(|personal| personal.field == *path);
        if let Some(personal) = personal {
            let about = json!({"kind": personal.kind, "reason": personal.reason});
            keywords.insert("x-personal-data".into(), about);
        }
    }
    inner(keywords, path, event);
}

fn inner(keywords: &mut Map<String, Value>, path: &FieldPath, event: &EventDefinition) {
    if let Some(Value::Object(properties)) = keywords.get_mut("properties") {
        for (name, schema) in properties {
            describe(schema, &path.member(name), event);
        }
    }
    if let Some(items) = keywords.get_mut("items") {
        describe_inside(items, &path.items(), event);
    }
    if let Some(values) = keywords.get_mut("additionalProperties") {
        describe(values, &path.values(), event);
    }
    for part in ["anyOf", "oneOf", "allOf"] {
        if let Some(Value::Array(parts)) = keywords.get_mut(part) {
            for part in parts {
                describe_inside(part, path, event);
            }
        }
    }
}

/// The same for what is at the field's own place and has been described already.
fn describe_inside(schema: &mut Value, path: &FieldPath, event: &EventDefinition) {
    if let Some(keywords) = schema.as_object_mut() {
        inner(keywords, path, event);
    }
}
