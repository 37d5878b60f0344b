//! # undeclared-field
//!
//! ## What it does
//! Looks in the examples for fields that the schema does not declare. Where the schema says that
//! further fields may come (`additionalProperties: true` or a schema, `patternProperties`), and in
//! objects for which it declares no field at all, everything may stand.
//!
//! ## Why it matters
//! A JSON object may hold more than its schema says, so that an example with a misspelled or
//! forgotten field is valid. Who copies it sends a field that nobody reads, and that nobody has
//! checked or tagged as personal.
//!
//! ## Example
//! ```yaml
//! schema: {type: object, properties: {title: {type: string}}}
//! examples:
//!   - data: {titel: Demonstration}
//! ```
//! Write `title`, or declare the other field.

use serde_json::Value;

use crate::Payload;
use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;
use crate::payload::resolve;
use crate::source::nearest;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "undeclared-field",
    level: Level::Warning,
    file: include_str!("undeclared_field.rs"),
    settings: &[],
    check,
};

/// How deep parts of a schema stand in each other at most.
const MAX_DEPTH: usize = 16;

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    // An Avro schema refuses what it does not declare by itself.
    let Payload::Json(json) = &subject.event.payload else {
        return Vec::new();
    };
    let mut drafts = Vec::new();
    for (at, example) in subject.event.examples.iter().enumerate() {
        let mut walk = Walk {
            subject,
            root: json.schema(),
            place: vec!["examples".into(), at.to_string(), "data".into()],
            drafts: Vec::new(),
        };
        walk.value(&[json.schema()], &example.data);
        drafts.extend(walk.drafts);
    }
    drafts
}

struct Walk<'w, 's> {
    subject: &'w Subject<'s>,
    root: &'s Value,
    place: Vec<String>,
    drafts: Vec<Draft>,
}

impl<'s> Walk<'_, 's> {
    /// Looks at a value for which all of these schemas speak.
    fn value(&mut self, schemas: &[&'s Value], value: &Value) {
        let mut parts = Vec::new();
        for schema in schemas {
            self.parts(schema, &mut parts, 0);
        }
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    self.place.push(name.clone());
                    self.member(&parts, name, value);
                    self.place.pop();
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    let of = |part: &&'s Value| {
                        let first = part.get("prefixItems").and_then(|first| first.get(at));
                        first.or_else(|| part.get("items"))
                    };
                    let schemas: Vec<&Value> = parts.iter().filter_map(of).collect();
                    self.place.push(at.to_string());
                    self.value(&schemas, item);
                    self.place.pop();
                }
            }
            _ => {}
        }
    }

    fn member(&mut self, parts: &[&'s Value], name: &str, value: &Value) {
        let declared = |part: &&'s Value| part.get("properties")?.get(name);
        let mut schemas: Vec<&Value> = parts.iter().filter_map(declared).collect();
        if schemas.is_empty() {
            for key in ["additionalProperties", "unevaluatedProperties"] {
                let further = parts.iter().filter_map(|part| part.get(key));
                schemas.extend(further.filter(|further| **further != Value::Bool(false)));
            }
            let patterns = parts
                .iter()
                .filter_map(|part| part.get("patternProperties"));
            schemas.extend(
                patterns
                    .filter_map(Value::as_object)
                    .flat_map(|p| p.values()),
            );
        }
        if !schemas.is_empty() {
            return self.value(&schemas, value);
        }
        let names: Vec<&str> = parts
            .iter()
            .filter_map(|part| part.get("properties")?.as_object())
            .flat_map(|properties| properties.keys().map(String::as_str))
            .collect();
        if names.is_empty() {
            return;
        }
        let keys: Vec<&str> = self.place.iter().map(String::as_str).collect();
        let help = nearest(name, &names).replace("the keys are", "declare it; there are");
        self.drafts.push(Draft::new(
            self.subject.event.locate(&keys),
            format!("the example has a field `{name}`, which the schema does not declare"),
            help,
        ));
    }

    /// A schema and the parts that it is put together from.
    fn parts(&self, schema: &'s Value, parts: &mut Vec<&'s Value>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let resolved = resolve(self.root, schema);
        // Beside a reference further keywords may stand.
        let beside = (!std::ptr::eq(resolved, schema)).then_some(schema);
        for schema in beside.into_iter().chain([resolved]) {
            parts.push(schema);
            let listed = ["allOf", "anyOf", "oneOf"].iter();
            let listed = listed.filter_map(|key| schema.get(key)?.as_array());
            let single = ["if", "then", "else"].iter();
            let single = single.filter_map(|key| schema.get(key));
            let dependent = schema.get("dependentSchemas").and_then(Value::as_object);
            let dependent = dependent.into_iter().flat_map(|parts| parts.values());
            for part in listed.flatten().chain(single).chain(dependent) {
                self.parts(part, parts, depth + 1);
            }
        }
    }
}
