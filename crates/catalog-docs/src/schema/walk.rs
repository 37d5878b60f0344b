//! The schemas in a schema. What only looks like one, in `const`, `enum`, `default` or
//! `examples`, is data and stays as it is.

use serde_json::Value;

const ONE: [&str; 12] = [
    "additionalItems",
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
const LISTS: [&str; 5] = ["allOf", "anyOf", "oneOf", "prefixItems", "items"];
const MAPS: [&str; 6] = [
    "properties",
    "patternProperties",
    "$defs",
    "definitions",
    "dependentSchemas",
    "dependencies",
];

/// Hands every schema to the visitor, those within before those around.
pub(super) fn schemas(schema: &mut Value, visit: &mut impl FnMut(&mut Value)) {
    if let Some(keywords) = schema.as_object_mut() {
        for (keyword, value) in keywords.iter_mut() {
            let keyword = keyword.as_str();
            match value {
                Value::Object(members) if MAPS.contains(&keyword) => {
                    members
                        .values_mut()
                        .for_each(|schema| schemas(schema, visit));
                }
                Value::Array(items) if LISTS.contains(&keyword) => {
                    items.iter_mut().for_each(|schema| schemas(schema, visit));
                }
                Value::Object(_) if ONE.contains(&keyword) => schemas(value, visit),
                _ => {}
            }
        }
    }
    visit(schema);
}

/// Replaces references; `None` leaves one as it is.
pub(super) fn references(schema: &mut Value, rewrite: &mut impl FnMut(&str) -> Option<String>) {
    schemas(schema, &mut |schema| {
        for keyword in ["$ref", "$dynamicRef"] {
            if let Some(Value::String(reference)) = schema.get_mut(keyword)
                && let Some(rewritten) = rewrite(reference)
            {
                *reference = rewritten;
            }
        }
    });
}

/// Where a schema with this `$anchor` stands, as a JSON Pointer.
pub(super) fn anchor(schema: &Value, name: &str) -> Option<String> {
    fn find(value: &Value, name: &str, pointer: &mut String) -> bool {
        if value.get("$anchor").and_then(Value::as_str) == Some(name) {
            return true;
        }
        let length = pointer.len();
        let mut enter = |key: String, value: &Value| {
            pointer.push('/');
            pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            let found = find(value, name, pointer);
            if !found {
                pointer.truncate(length);
            }
            found
        };
        match value {
            Value::Object(members) => members.iter().any(|(key, value)| enter(key.clone(), value)),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .any(|(index, value)| enter(index.to_string(), value)),
            _ => false,
        }
    }
    let mut pointer = String::new();
    find(schema, name, &mut pointer).then_some(pointer)
}
