//! JSON Schema.

use std::collections::{BTreeSet, HashMap};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value};

use super::{Field, FieldPath, Mismatch};
use crate::source::{Node, Shape};

/// How deep the fields of a schema are listed.
const MAX_DEPTH: usize = 16;
/// How many mismatches of one payload are told.
const MAX_MISMATCHES: usize = 20;

/// A JSON Schema of draft 2020-12, compiled.
pub struct JsonPayload {
    schema: Value,
    validator: Validator,
    order: MemberOrder,
}

/// The names of each `properties` as its author put them, found by the same names sorted: a JSON
/// value does not keep their order.
#[derive(Default)]
struct MemberOrder(HashMap<Vec<String>, Vec<String>>);

impl MemberOrder {
    fn of(&mut self, node: &Node) {
        match &node.shape {
            Shape::Map(members) => {
                for (key, node) in members {
                    if let ("properties", Shape::Map(properties)) = (&*key.name, &node.shape) {
                        let names = properties.iter().map(|(key, _)| key.name.clone());
                        let names: Vec<String> = names.collect();
                        let mut sorted = names.clone();
                        sorted.sort();
                        self.0.insert(sorted, names);
                    }
                    self.of(node);
                }
            }
            Shape::List(items) => items.iter().for_each(|item| self.of(item)),
            _ => {}
        }
    }

    fn names<'v>(&self, members: &'v Map<String, Value>) -> Vec<(&'v String, &'v Value)> {
        let mut sorted: Vec<String> = members.keys().cloned().collect();
        sorted.sort();
        match self.0.get(&sorted) {
            Some(names) => names
                .iter()
                .filter_map(|name| members.get_key_value(name))
                .collect(),
            None => members.iter().collect(),
        }
    }
}

impl std::fmt::Debug for JsonPayload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsonPayload").finish_non_exhaustive()
    }
}

/// Why a schema was refused.
pub(crate) struct InvalidSchema {
    /// Where in the schema, as a JSON Pointer.
    pub(crate) pointer: String,
    pub(crate) message: String,
}

impl JsonPayload {
    /// Compiles a schema; `written` is how its author wrote it. `format` is asserted; nothing is
    /// fetched.
    pub(crate) fn compile(schema: Value, written: Option<&Node>) -> Result<Self, InvalidSchema> {
        if let Some(dialect) = schema.get("$schema").and_then(Value::as_str)
            && dialect.trim_end_matches('#') != "https://json-schema.org/draft/2020-12/schema"
        {
            return Err(InvalidSchema {
                pointer: "/$schema".into(),
                message: "is not JSON Schema 2020-12: leave `$schema` out, or write \
                          https://json-schema.org/draft/2020-12/schema"
                    .into(),
            });
        }
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .offline()
            .build(&schema)
            .map_err(|e| InvalidSchema {
                pointer: e.instance_path().as_str().to_owned(),
                message: e.to_string(),
            })?;
        let mut order = MemberOrder::default();
        if let Some(written) = written {
            order.of(written);
        }
        Ok(Self {
            schema,
            validator,
            order,
        })
    }

    /// The schema.
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// Whether a payload has this schema.
    pub fn is_valid(&self, payload: &Value) -> bool {
        self.validator.is_valid(payload)
    }

    pub(super) fn check(&self, payload: &Value) -> Vec<Mismatch> {
        if self.validator.is_valid(payload) {
            return Vec::new();
        }
        let errors = self.validator.iter_errors(payload).take(MAX_MISMATCHES);
        let mismatch = |e: jsonschema::ValidationError<'_>| Mismatch {
            pointer: e.instance_path().as_str().to_owned(),
            message: e.masked_with("the value").to_string(),
        };
        errors.map(mismatch).collect()
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        let mut walk = Walk {
            root: &self.schema,
            order: &self.order,
            fields: Vec::new(),
            seen: BTreeSet::new(),
        };
        walk.members(&self.schema, &FieldPath::root(), 0);
        walk.fields
    }
}

/// The schema that a local `$ref` names, as long as one names another.
pub(crate) fn resolve<'s>(root: &'s Value, mut schema: &'s Value) -> &'s Value {
    for _ in 0..MAX_DEPTH {
        let Some(pointer) = schema.get("$ref").and_then(Value::as_str) else {
            break;
        };
        let Some(found) = local(root, pointer) else {
            break;
        };
        schema = found;
    }
    schema
}

fn local<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    let fragment = reference.strip_prefix('#')?;
    if fragment.is_empty() || fragment.starts_with('/') {
        return root.pointer(fragment);
    }
    let definitions = root.get("$defs")?.as_object()?;
    let named = |schema: &&Value| schema.get("$anchor").and_then(Value::as_str) == Some(fragment);
    definitions.values().find(named)
}

struct Walk<'s> {
    root: &'s Value,
    order: &'s MemberOrder,
    fields: Vec<Field>,
    seen: BTreeSet<FieldPath>,
}

impl<'s> Walk<'s> {
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
        let mut field = Field::new(path.clone(), self.kind(schema, 0));
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

    /// The type in words.
    fn kind(&self, schema: &Value, depth: usize) -> String {
        let schema = resolve(self.root, schema);
        if depth > 4 {
            return "any".into();
        }
        let mut kinds: Vec<String> = Vec::new();
        for ty in types(schema) {
            kinds.push(match ty {
                "null" => continue,
                "array" => match schema.get("items") {
                    Some(items) if items.is_object() => {
                        format!("list of {}", self.kind(items, depth + 1))
                    }
                    _ => "list".into(),
                },
                "object" => match schema.get("additionalProperties") {
                    Some(values) if values.is_object() && schema.get("properties").is_none() => {
                        format!("map of {}", self.kind(values, depth + 1))
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
                let kind = self.kind(part, depth + 1);
                if kind != "null" && kind != "any" && !kinds.contains(&kind) {
                    kinds.push(kind);
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
}

/// The types that `type` allows; empty if it does not say.
pub(super) fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn types_of(schema: &Value) -> Vec<&str> {
    match (schema.get("const"), types(schema)) {
        (Some(Value::Null), _) => vec!["null"],
        (_, types) => types,
    }
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

/// The keywords that bound a value, in words.
fn limits(schema: &Value) -> Vec<String> {
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
