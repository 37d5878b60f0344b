//! A value at its place in a whole payload.

use serde_json::{Map, Value};

use super::flatten::flatten;
use super::sample::sample;
use crate::payload::FieldPath;

/// One step into a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The member of an object.
    Member(String),
    /// An item of a list.
    Item,
    /// A value of a map.
    Value,
}

/// The path of a field, as people write it.
pub(super) fn field_path(steps: &[Step]) -> FieldPath {
    steps
        .iter()
        .fold(FieldPath::root(), |path, step| match step {
            Step::Member(name) => path.member(name),
            Step::Item => path.items(),
            Step::Value => path.values(),
        })
}

/// A payload that has a value at a place, or nothing there; the rest comes from the base, or is
/// as small as the schema allows.
pub(super) fn embed(
    root: &Value,
    base: Option<&Value>,
    path: &[Step],
    leaf: &Option<Value>,
) -> Option<Value> {
    put(root, root, base, path, leaf, 0)
}

fn put(
    root: &Value,
    schema: &Value,
    base: Option<&Value>,
    path: &[Step],
    leaf: &Option<Value>,
    depth: usize,
) -> Option<Value> {
    let Some((step, rest)) = path.split_first() else {
        return leaf.clone();
    };
    let flat = flatten(root, schema);
    let choice = choose(root, &flat, step);
    let flat = choice.as_ref().unwrap_or(&flat);
    let made;
    let base = match base {
        Some(base) => base,
        None => {
            made = container(root, flat, step, depth)?;
            &made
        }
    };
    match step {
        Step::Item => {
            let items = flat.get("items").cloned().unwrap_or(Value::Bool(true));
            let mut array = base.as_array().cloned().unwrap_or_default();
            let first = array.first().cloned();
            let item = put(root, &items, first.as_ref(), rest, leaf, depth + 1)?;
            match array.first_mut() {
                Some(first) => *first = item,
                None => array.push(item),
            }
            Some(Value::Array(array))
        }
        Step::Member(_) | Step::Value => {
            let name = match step {
                Step::Member(name) => name.as_str(),
                _ => "key",
            };
            let mut object = base.as_object().cloned().unwrap_or_default();
            if rest.is_empty() && leaf.is_none() {
                object.remove(name);
                return Some(Value::Object(object));
            }
            let child = member(flat, name);
            let before = object.get(name).cloned();
            let value = put(root, &child, before.as_ref(), rest, leaf, depth + 1)?;
            object.insert(name.to_owned(), value);
            Some(Value::Object(object))
        }
    }
}

/// The schema of a member.
fn member(flat: &Value, name: &str) -> Value {
    let declared = flat.get("properties").and_then(|members| members.get(name));
    let others = || flat.get("additionalProperties");
    declared
        .or_else(others)
        .cloned()
        .unwrap_or(Value::Bool(true))
}

/// The alternative that has what a step leads to.
fn choose(root: &Value, flat: &Value, step: &Step) -> Option<Value> {
    for key in ["anyOf", "oneOf"] {
        for part in flat
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let part = flatten(
                root,
                &serde_json::json!({"allOf": [without(flat, key), part]}),
            );
            let leads = match step {
                Step::Member(name) => part
                    .get("properties")
                    .is_some_and(|members| members.get(name).is_some()),
                Step::Item => part.get("items").is_some(),
                Step::Value => part
                    .get("additionalProperties")
                    .is_some_and(Value::is_object),
            };
            if leads {
                return Some(part);
            }
        }
    }
    None
}

fn without(flat: &Value, key: &str) -> Value {
    let mut rest = flat.clone();
    if let Some(rest) = rest.as_object_mut() {
        rest.remove(key);
    }
    rest
}

/// The smallest container into which a step can lead.
fn container(root: &Value, flat: &Value, step: &Step, depth: usize) -> Option<Value> {
    let wanted = match step {
        Step::Item => "array",
        Step::Member(_) | Step::Value => "object",
    };
    let typed = match flat.clone() {
        Value::Object(mut keywords) => {
            keywords.insert("type".into(), wanted.into());
            Value::Object(keywords)
        }
        _ => Value::Object(Map::new()),
    };
    sample(root, &typed, depth)
}
