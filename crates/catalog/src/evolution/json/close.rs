//! What a writer writes: the fields that its schema declares, and no others.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::payload::resolve;

/// How deep the names of one object are looked for.
const MAX_DEPTH: usize = 8;

/// The schema with every object that names fields closed to others. An object that names none,
/// or that says what else it may hold, is left as it is.
pub(super) fn declared(schema: &Value) -> Value {
    close(schema, schema, true)
}

/// Closes an object and what is in it. A part of another object is closed with that one, since by
/// itself it would refuse the other parts' fields.
fn close(root: &Value, schema: &Value, whole: bool) -> Value {
    let Some(keywords) = schema.as_object() else {
        return schema.clone();
    };
    let mut closed = Map::new();
    for (keyword, value) in keywords {
        closed.insert(keyword.clone(), close_keyword(root, keyword, value));
    }
    let open = match keywords.get("additionalProperties") {
        None => true,
        Some(value) => value == &Value::Bool(true),
    };
    let follows = keywords.contains_key("$ref");
    if whole && open && !follows && !keywords.contains_key("unevaluatedProperties") {
        let mut names = BTreeSet::new();
        let simple = names_of(root, schema, &mut names, 0);
        if simple && !names.is_empty() {
            let compound = ["allOf", "anyOf", "oneOf", "if", "dependentSchemas"]
                .iter()
                .any(|keyword| keywords.contains_key(*keyword));
            match compound {
                false => closed.insert("additionalProperties".into(), Value::Bool(false)),
                true => closed.insert("propertyNames".into(), json!({"enum": names})),
            };
        }
    }
    Value::Object(closed)
}

fn close_keyword(root: &Value, keyword: &str, value: &Value) -> Value {
    let each = |value: &Value, whole: bool| match value {
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, schema)| (name.clone(), close(root, schema, whole)))
                .collect()
        }
        other => other.clone(),
    };
    match keyword {
        "properties" | "$defs" | "patternProperties" => each(value, true),
        "items" | "additionalProperties" | "contains" => close(root, value, true),
        "prefixItems" => match value {
            Value::Array(items) => items.iter().map(|item| close(root, item, true)).collect(),
            other => other.clone(),
        },
        "allOf" | "anyOf" | "oneOf" => match value {
            Value::Array(parts) => parts.iter().map(|part| close(root, part, false)).collect(),
            other => other.clone(),
        },
        // What is under these is asked, not written.
        _ => value.clone(),
    }
}

/// Gathers the names of an object's fields; says whether they are all.
fn names_of(root: &Value, schema: &Value, names: &mut BTreeSet<String>, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    let schema = resolve(root, schema);
    let Some(keywords) = schema.as_object() else {
        return true;
    };
    if keywords.contains_key("patternProperties")
        || keywords
            .get("additionalProperties")
            .is_some_and(Value::is_object)
        || keywords.contains_key("unevaluatedProperties")
    {
        return false;
    }
    if let Some(members) = keywords.get("properties").and_then(Value::as_object) {
        names.extend(members.keys().cloned());
    }
    let mut all = true;
    for part in ["allOf", "anyOf", "oneOf"] {
        for part in keywords
            .get(part)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            all &= names_of(root, part, names, depth + 1);
        }
    }
    for part in ["if", "then", "else"] {
        if let Some(part) = keywords.get(part) {
            all &= names_of(root, part, names, depth + 1);
        }
    }
    for (_, part) in keywords
        .get("dependentSchemas")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        all &= names_of(root, part, names, depth + 1);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::declared;
    use serde_json::json;

    #[test]
    fn objects_that_name_fields_are_closed() {
        let open = json!({"type": "object", "properties": {
            "a": {"type": "object", "properties": {"b": {}}},
            "free": {"type": "object"},
            "map": {"additionalProperties": {"type": "string"}, "properties": {"x": {}}},
        }});
        let closed = declared(&open);
        assert_eq!(closed["additionalProperties"], json!(false));
        assert_eq!(
            closed["properties"]["a"]["additionalProperties"],
            json!(false)
        );
        assert_eq!(closed["properties"]["free"], open["properties"]["free"]);
        assert_eq!(
            closed["properties"]["map"]["additionalProperties"],
            json!({"type": "string"})
        );
        let parts = json!({"allOf": [{"properties": {"a": {}}}], "properties": {"b": {}}});
        assert_eq!(
            declared(&parts)["propertyNames"],
            json!({"enum": ["a", "b"]})
        );
    }
}
