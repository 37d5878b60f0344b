//! A schema with its references and parts in one object.

use serde_json::{Map, Value, json};

use crate::payload::resolve;

/// How often references and parts are followed.
const MAX_DEPTH: usize = 8;

/// The schema that a reference names, and all parts of `allOf`, as one object of keywords. Where
/// two say the same keyword, both are kept if that can be said in one, else the narrower wins by
/// guess: what is made of this is verified against the real schema.
pub(super) fn flatten(root: &Value, schema: &Value) -> Value {
    let mut flat = Map::new();
    gather(root, schema, &mut flat, 0);
    Value::Object(flat)
}

fn gather(root: &Value, schema: &Value, flat: &mut Map<String, Value>, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    let Some(keywords) = schema.as_object() else {
        if schema == &Value::Bool(false) {
            flat.insert("not".into(), json!({}));
        }
        return;
    };
    if keywords.contains_key("$ref") {
        let target = resolve(root, schema);
        if target != schema {
            gather(root, target, flat, depth + 1);
        }
    }
    for part in keywords
        .get("allOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        gather(root, part, flat, depth + 1);
    }
    for (keyword, value) in keywords {
        match (keyword.as_str(), flat.get_mut(keyword)) {
            ("$ref" | "allOf" | "$defs" | "$schema" | "$id", _) => {}
            ("properties" | "patternProperties", Some(Value::Object(known))) => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    let both = match known.get(name) {
                        Some(first) if first != member => json!({"allOf": [first, member]}),
                        _ => member.clone(),
                    };
                    known.insert(name.clone(), both);
                }
            }
            ("required", Some(Value::Array(known))) => {
                for name in value.as_array().into_iter().flatten() {
                    if !known.contains(name) {
                        known.push(name.clone());
                    }
                }
            }
            (_, Some(known)) => *known = narrower(keyword, known, value),
            (_, None) => {
                flat.insert(keyword.clone(), value.clone());
            }
        }
    }
}

fn narrower(keyword: &str, one: &Value, other: &Value) -> Value {
    let less = one
        .as_f64()
        .zip(other.as_f64())
        .is_some_and(|(one, other)| one < other);
    let first = match keyword {
        "maxLength" | "maximum" | "maxItems" | "exclusiveMaximum" | "maxProperties" => less,
        "minLength" | "minimum" | "minItems" | "exclusiveMinimum" | "minProperties" => !less,
        "additionalProperties" => one == &Value::Bool(false),
        "type" => one.is_string(),
        _ => false,
    };
    match first {
        true => one.clone(),
        false => other.clone(),
    }
}
