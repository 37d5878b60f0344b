//! Values of a schema.

use serde_json::{Map, Value, json};

use super::flatten::flatten;
use super::values::{numbers, texts};
use jsonschema::Validator;

/// How deep a value nests.
const MAX_DEPTH: usize = 10;
/// How many values of one schema are tried.
const MAX_VARIANTS: usize = 24;

pub(super) const TYPES: [&str; 7] = [
    "object", "array", "string", "integer", "number", "boolean", "null",
];

/// The types that a flat schema allows; all, if it does not say.
pub(super) fn types(flat: &Value) -> Vec<&str> {
    match flat.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ if flat.get("properties").is_some() => vec!["object"],
        _ => TYPES.to_vec(),
    }
}

/// One value of a schema, as small as it may be. It is not certain to fit: who uses it checks.
pub(super) fn sample(root: &Value, schema: &Value, depth: usize) -> Option<Value> {
    variants_to(root, schema, depth, 1).into_iter().next()
}

/// Several values of a schema, as different as they may be.
pub(super) fn variants(root: &Value, schema: &Value) -> Vec<Value> {
    variants_to(root, schema, 0, MAX_VARIANTS)
}

fn variants_to(root: &Value, schema: &Value, depth: usize, most: usize) -> Vec<Value> {
    if depth > MAX_DEPTH || schema == &Value::Bool(false) {
        return Vec::new();
    }
    let flat = flatten(root, schema);
    let mut found: Vec<Value> = Vec::new();
    if let Some(value) = flat.get("const") {
        return vec![value.clone()];
    }
    if let Some(values) = flat.get("enum").and_then(Value::as_array) {
        return values.iter().take(most).cloned().collect();
    }
    for key in ["anyOf", "oneOf"] {
        let Some(parts) = flat.get(key).and_then(Value::as_array) else {
            continue;
        };
        let mut base = flat.clone();
        if let Some(base) = base.as_object_mut() {
            base.remove(key);
        }
        for part in parts {
            let both = json!({"allOf": [base, part]});
            found.extend(variants_to(root, &both, depth + 1, most.div_ceil(2)));
        }
        found.truncate(most);
        return found;
    }
    for ty in types(&flat) {
        found.extend(of_type(root, &flat, ty, depth, most));
    }
    found.truncate(most);
    found
}

/// Values of one type.
pub(super) fn of_type(
    root: &Value,
    flat: &Value,
    ty: &str,
    depth: usize,
    most: usize,
) -> Vec<Value> {
    let fits = bounds(flat);
    let fits = |value: &Value| {
        fits.as_ref()
            .is_none_or(|validator| validator.is_valid(value))
    };
    match ty {
        "null" => vec![Value::Null],
        "boolean" => vec![json!(true), json!(false)],
        "integer" | "number" => numbers(flat, &Value::Null, ty == "integer")
            .into_iter()
            .filter(fits)
            .take(most)
            .collect(),
        "string" => texts(flat, &Value::Null)
            .into_iter()
            .map(Value::from)
            .filter(fits)
            .take(most)
            .collect(),
        "array" => arrays(root, flat, depth, most),
        _ => objects(root, flat, depth, most),
    }
}

/// What a flat schema asks of numbers and texts.
fn bounds(flat: &Value) -> Option<Validator> {
    let keywords = [
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "format",
    ];
    let bounds: Map<String, Value> = keywords
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), flat.get(*key)?.clone())))
        .collect();
    if bounds.is_empty() {
        return None;
    }
    let options = jsonschema::options().should_validate_formats(true);
    options.offline().build(&Value::Object(bounds)).ok()
}

fn arrays(root: &Value, flat: &Value, depth: usize, most: usize) -> Vec<Value> {
    let count = |key: &str| flat.get(key).and_then(Value::as_u64);
    let least = count("minItems").unwrap_or(0).min(64) as usize;
    let items = flat.get("items").cloned().unwrap_or(Value::Bool(true));
    let mut pool = variants_to(root, &items, depth + 1, 8);
    if pool.is_empty() {
        return match least {
            0 => vec![json!([])],
            _ => Vec::new(),
        };
    }
    if flat.get("uniqueItems") == Some(&Value::Bool(true)) {
        let mut seen = Vec::new();
        pool.retain(|value| {
            !seen.contains(value) && {
                seen.push(value.clone());
                true
            }
        });
    }
    let prefix: Vec<Value> = flat
        .get("prefixItems")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|item| sample(root, item, depth + 1))
        .collect();
    let of_length = |length: usize| {
        let rest = pool
            .iter()
            .cycle()
            .take(length.saturating_sub(prefix.len()));
        Value::Array(prefix.iter().chain(rest).take(length).cloned().collect())
    };
    let mut found = vec![of_length(least)];
    for length in [1, prefix.len(), least + 1] {
        let allowed = count("maxItems").is_none_or(|max| length as u64 <= max);
        let array = of_length(length);
        if most > 1 && length >= least && allowed && !found.contains(&array) {
            found.push(array);
        }
    }
    found
}

fn objects(root: &Value, flat: &Value, depth: usize, most: usize) -> Vec<Value> {
    let properties = flat.get("properties").and_then(Value::as_object);
    let required = flat.get("required").and_then(Value::as_array);
    let required: Vec<&str> = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut least = Map::new();
    for name in &required {
        let schema = properties.and_then(|members| members.get(*name));
        let schema = schema.cloned().unwrap_or(Value::Bool(true));
        let Some(value) = sample(root, &schema, depth + 1) else {
            return Vec::new();
        };
        least.insert((*name).to_owned(), value);
    }
    let mut found = vec![Value::Object(least.clone())];
    if most == 1 {
        return found;
    }
    let mut full = least.clone();
    for (name, schema) in properties.into_iter().flatten() {
        if let Some(value) = sample(root, schema, depth + 1) {
            full.entry(name.clone()).or_insert(value);
        }
        for value in variants_to(root, schema, depth + 2, 3) {
            let mut one = least.clone();
            one.insert(name.clone(), value);
            found.push(Value::Object(one));
        }
    }
    found.insert(1, Value::Object(full));
    if let Some(values) = flat.get("additionalProperties").filter(|v| v.is_object())
        && let Some(value) = sample(root, values, depth + 1)
    {
        let mut one = least;
        one.insert("key".into(), value);
        found.push(Value::Object(one));
    }
    found.truncate(most);
    found
}
