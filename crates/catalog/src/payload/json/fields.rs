//! The fields that a JSON Schema declares.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::order::MemberOrder;
use super::words::{kind, limits};
use super::{MAX_DEPTH, resolve, types};
use crate::payload::{Field, FieldPath};

/// Lists the fields of a schema.
pub(super) struct Walk<'s> {
    root: &'s Value,
    order: &'s MemberOrder,
    fields: Vec<Field>,
    seen: BTreeSet<FieldPath>,
}

impl<'s> Walk<'s> {
    /// Every field below the root, in the order of `order`.
    pub(super) fn fields(root: &'s Value, order: &'s MemberOrder) -> Vec<Field> {
        let mut walk = Self {
            root,
            order,
            fields: Vec::new(),
            seen: BTreeSet::new(),
        };
        walk.members(root, &FieldPath::root(), 0);
        walk.fields
    }

    /// The fields in an object, those of its parts and alternatives too.
    fn members(&mut self, schema: &'s Value, path: &FieldPath, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let resolved = resolve(self.root, schema);
        for part in ["allOf", "anyOf", "oneOf"] {
            for part in resolved
                .get(part)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                self.members(part, path, depth + 1);
            }
        }
        for part in ["if", "then", "else"] {
            if let Some(part) = resolved.get(part) {
                self.members(part, path, depth + 1);
            }
        }
        let required = names(resolved, "required");
        let properties = resolved.get("properties").and_then(Value::as_object);
        for (name, member) in properties.into_iter().flat_map(|p| self.order.names(p)) {
            let member_path = path.member(name);
            self.field(
                member,
                member_path,
                required.contains(name.as_str()),
                depth + 1,
            );
        }
        if let Some(values) = resolved
            .get("additionalProperties")
            .filter(|v| v.is_object())
        {
            self.field(values, path.values(), false, depth + 1);
        }
        for (_, values) in object(resolved, "patternProperties") {
            self.field(values, path.values(), false, depth + 1);
        }
        if let Some(items) = resolved.get("items").filter(|items| items.is_object()) {
            self.members(items, &path.items(), depth + 1);
        }
    }

    fn field(&mut self, schema: &'s Value, path: FieldPath, required: bool, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        if self.seen.insert(path.clone()) {
            self.fields.push(self.describe(schema, &path, required));
        } else if required
            && let Some(known) = self.fields.iter_mut().find(|field| field.path == path)
        {
            known.required = true;
        }
        // A schema that names itself goes on for ever; twice the same name in a row is enough.
        let text = path.as_str();
        let last = path.last();
        let repeated = text
            .split('.')
            .filter(|s| s.trim_end_matches("[]") == last)
            .count()
            > 1;
        if !(repeated && schema.get("$ref").is_some()) {
            self.members(schema, &path, depth + 1);
        }
    }

    fn describe(&self, schema: &Value, path: &FieldPath, required: bool) -> Field {
        let resolved = resolve(self.root, schema);
        let mut field = Field::new(path.clone(), kind(self.root, schema, 0));
        field.required = required;
        field.nullable = self.nullable(resolved);
        let described = schema
            .get("description")
            .or_else(|| resolved.get("description"));
        field.description = described
            .and_then(Value::as_str)
            .map(|text| text.trim().to_owned());
        field.default = schema
            .get("default")
            .or_else(|| resolved.get("default"))
            .cloned();
        field.values = match (resolved.get("const"), resolved.get("enum")) {
            (Some(value), _) => vec![value.clone()],
            (None, Some(Value::Array(values))) => values.clone(),
            _ => Vec::new(),
        };
        field.limits = limits(resolved);
        field
    }

    fn nullable(&self, schema: &Value) -> bool {
        let types = types(schema);
        let listed = schema.get("enum").and_then(Value::as_array);
        let alternative = |key| {
            let parts = schema.get(key).and_then(Value::as_array);
            parts.is_some_and(|parts| {
                parts
                    .iter()
                    .any(|part| types_of(resolve(self.root, part)).contains(&"null"))
            })
        };
        types.contains(&"null")
            || listed.is_some_and(|values| values.contains(&Value::Null))
            || alternative("anyOf")
            || alternative("oneOf")
    }
}

fn types_of(schema: &Value) -> Vec<&str> {
    match (schema.get("const"), types(schema)) {
        (Some(Value::Null), _) => vec!["null"],
        (_, types) => types,
    }
}

fn object<'s>(schema: &'s Value, key: &str) -> impl Iterator<Item = (&'s String, &'s Value)> {
    schema
        .get(key)
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::iter)
}

fn names<'s>(schema: &'s Value, key: &str) -> BTreeSet<&'s str> {
    let names = schema.get(key).and_then(Value::as_array);
    names
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}
