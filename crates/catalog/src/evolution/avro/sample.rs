//! Payloads of an Avro schema.

use serde_json::{Map, Value, json};

use super::resolve::Step;
use crate::payload::{AvroModel, AvroNamed, AvroType, FieldPath};

/// How deep a payload nests.
const MAX_DEPTH: usize = 24;

/// The path of a field, as people write it.
pub(super) fn field_path(steps: &[Step]) -> FieldPath {
    steps
        .iter()
        .fold(FieldPath::root(), |path, step| match step {
            Step::Member(name) => path.member(name),
            Step::Item => path.items(),
            Step::Value => path.values(),
            Step::Branch(_) | Step::Symbol(_) => path,
        })
}

/// A payload that goes through a place; the rest comes from the base, or is as small as can be.
pub(super) fn embed(model: &AvroModel, base: Option<&Value>, path: &[Step]) -> Option<Value> {
    make(model, &model.root, base, path, 0)
}

fn make(
    model: &AvroModel,
    ty: &AvroType,
    base: Option<&Value>,
    path: &[Step],
    depth: usize,
) -> Option<Value> {
    if depth > MAX_DEPTH {
        return None;
    }
    if path.is_empty()
        && let Some(base) = base
    {
        return Some(base.clone());
    }
    let rest = path.get(1..).unwrap_or_default();
    match ty {
        AvroType::Primitive(name) => Some(match name.as_str() {
            "null" => Value::Null,
            "boolean" => json!(true),
            "int" | "long" => json!(1),
            "float" | "double" => json!(1.5),
            _ => json!("text"),
        }),
        AvroType::Array(items) => match path.first() {
            Some(Step::Item) => {
                let first = base.and_then(|base| base.get(0));
                Some(json!([make(model, items, first, rest, depth + 1)?]))
            }
            _ => Some(json!([])),
        },
        AvroType::Map(values) => match path.first() {
            Some(Step::Value) => Some(json!({"key": make(model, values, None, rest, depth + 1)?})),
            _ => Some(json!({})),
        },
        AvroType::Union(branches) => match path.first() {
            Some(Step::Branch(index)) => {
                let branch = branches.get(*index)?;
                // The base may hold another branch.
                let base = base.filter(|base| base.is_object() && !rest.is_empty());
                make(model, branch, base, rest, depth + 1)
            }
            // The first that ends: a recursive one may not.
            _ => branches
                .iter()
                .find_map(|branch| make(model, branch, None, &[], depth + 1)),
        },
        AvroType::Named(name) => match model.named.get(name)? {
            AvroNamed::Enum { symbols, .. } => match path.first() {
                Some(Step::Symbol(symbol)) => Some(json!(symbol)),
                _ => symbols.first().map(|symbol| json!(symbol)),
            },
            AvroNamed::Fixed { size, .. } => Some(json!("0".repeat(*size as usize))),
            AvroNamed::Record { fields, .. } => {
                let mut record = Map::new();
                for field in fields {
                    let before = base.and_then(|base| base.get(&field.name));
                    let path = match path.first() {
                        Some(Step::Member(name)) if *name == field.name => rest,
                        _ => &[],
                    };
                    let value = make(model, &field.ty, before, path, depth + 1)?;
                    record.insert(field.name.clone(), value);
                }
                Some(Value::Object(record))
            }
        },
    }
}
