//! A JSON Schema in words.

use serde_json::Value;

use super::{resolve, types};

/// The type of a schema in words; `root` is where its references lead.
pub(super) fn kind(root: &Value, schema: &Value, depth: usize) -> String {
    let schema = resolve(root, schema);
    if depth > 4 {
        return "any".into();
    }
    let mut kinds: Vec<String> = Vec::new();
    for ty in types(schema) {
        kinds.push(match ty {
            "null" => continue,
            "array" => match schema.get("items") {
                Some(items) if items.is_object() => {
                    format!("list of {}", kind(root, items, depth + 1))
                }
                _ => "list".into(),
            },
            "object" => match schema.get("additionalProperties") {
                Some(values) if values.is_object() && schema.get("properties").is_none() => {
                    format!("map of {}", kind(root, values, depth + 1))
                }
                _ => "object".into(),
            },
            "string" => match schema.get("format").and_then(Value::as_str) {
                Some(format) => format.to_owned(),
                None => "string".into(),
            },
            other => other.to_owned(),
        });
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        for part in schema
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let words = kind(root, part, depth + 1);
            if words != "null" && words != "any" && !kinds.contains(&words) {
                kinds.push(words);
            }
        }
    }
    if kinds.is_empty() {
        let values = schema.get("enum").and_then(Value::as_array);
        let first = schema
            .get("const")
            .or_else(|| values.and_then(|v| v.first()));
        kinds.push(match first {
            Some(value) => type_of(value).into(),
            None if schema.get("properties").is_some() => "object".into(),
            None if types(schema) == ["null"] => "null".into(),
            None => "any".into(),
        });
    }
    kinds.join(" or ")
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// The keywords that bound a value, in words.
pub(super) fn limits(schema: &Value) -> Vec<String> {
    type Words = fn(&Value) -> String;
    let words: [(&str, Words); 11] = [
        ("minLength", |v| format!("at least {v} characters")),
        ("maxLength", |v| format!("at most {v} characters")),
        ("pattern", |v| {
            format!("matches {}", v.as_str().unwrap_or_default())
        }),
        ("minimum", |v| format!("at least {v}")),
        ("maximum", |v| format!("at most {v}")),
        ("exclusiveMinimum", |v| format!("more than {v}")),
        ("exclusiveMaximum", |v| format!("less than {v}")),
        ("multipleOf", |v| format!("a multiple of {v}")),
        ("minItems", |v| format!("at least {v} items")),
        ("maxItems", |v| format!("at most {v} items")),
        ("uniqueItems", |v| match v.as_bool() {
            Some(true) => "no item twice".into(),
            _ => String::new(),
        }),
    ];
    let said = words
        .iter()
        .filter_map(|(key, words)| schema.get(*key).map(words));
    said.filter(|words| !words.is_empty()).collect()
}
