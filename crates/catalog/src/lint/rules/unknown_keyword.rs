//! # unknown-keyword
//!
//! ## What it does
//! Checks that every keyword of a JSON Schema is one of JSON Schema 2020-12, or begins with `x-`. In
//! an Avro schema, where anything may be added, it looks for attributes that are nearly those of the
//! specification.
//!
//! ## Why it matters
//! A validator skips a keyword that it does not know. A schema with `requird` or `nullable` looks
//! strict, asks for nothing, and nobody sees it until an event without the field arrives.
//!
//! ## Example
//! ```yaml
//! schema:
//!   type: object
//!   requird: [title]
//!   properties:
//!     title: {type: string, nullable: true}
//! ```
//! Write instead:
//! ```yaml
//! schema:
//!   type: object
//!   required: [title]
//!   properties:
//!     title: {type: [string, "null"]}
//! ```

use serde_json::Value;

use crate::Payload;
use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule, Setting};
use crate::lint::subject::Subject;
use crate::source::nearest;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "unknown-keyword",
    level: Level::Error,
    file: include_str!("unknown_keyword.rs"),
    settings: &[Setting {
        name: "keywords",
        about: "further keywords that your own tools read",
    }],
    check,
};

/// What stands under a keyword.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Under {
    /// Nothing that is a schema.
    Value,
    /// A schema.
    Schema,
    /// A list of schemas.
    List,
    /// Schemas by name.
    Map,
}

/// The vocabularies of 2020-12; `definitions` is what `$defs` was called before, and references
/// into it lead there.
const KEYWORDS: &[(&str, Under)] = &[
    ("$schema", Under::Value),
    ("$id", Under::Value),
    ("$ref", Under::Value),
    ("$anchor", Under::Value),
    ("$dynamicRef", Under::Value),
    ("$dynamicAnchor", Under::Value),
    ("$vocabulary", Under::Value),
    ("$comment", Under::Value),
    ("$defs", Under::Map),
    ("definitions", Under::Map),
    ("type", Under::Value),
    ("enum", Under::Value),
    ("const", Under::Value),
    ("title", Under::Value),
    ("description", Under::Value),
    ("default", Under::Value),
    ("deprecated", Under::Value),
    ("readOnly", Under::Value),
    ("writeOnly", Under::Value),
    ("examples", Under::Value),
    ("format", Under::Value),
    ("properties", Under::Map),
    ("patternProperties", Under::Map),
    ("additionalProperties", Under::Schema),
    ("unevaluatedProperties", Under::Schema),
    ("propertyNames", Under::Schema),
    ("required", Under::Value),
    ("dependentRequired", Under::Value),
    ("dependentSchemas", Under::Map),
    ("minProperties", Under::Value),
    ("maxProperties", Under::Value),
    ("items", Under::Schema),
    ("prefixItems", Under::List),
    ("unevaluatedItems", Under::Schema),
    ("contains", Under::Schema),
    ("minContains", Under::Value),
    ("maxContains", Under::Value),
    ("minItems", Under::Value),
    ("maxItems", Under::Value),
    ("uniqueItems", Under::Value),
    ("minLength", Under::Value),
    ("maxLength", Under::Value),
    ("pattern", Under::Value),
    ("contentEncoding", Under::Value),
    ("contentMediaType", Under::Value),
    ("contentSchema", Under::Schema),
    ("minimum", Under::Value),
    ("maximum", Under::Value),
    ("exclusiveMinimum", Under::Value),
    ("exclusiveMaximum", Under::Value),
    ("multipleOf", Under::Value),
    ("allOf", Under::List),
    ("anyOf", Under::List),
    ("oneOf", Under::List),
    ("not", Under::Schema),
    ("if", Under::Schema),
    ("then", Under::Schema),
    ("else", Under::Schema),
];

/// Keywords of other dialects, with what says the same here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("nullable", "write type: [string, \"null\"]"),
    ("optional", "leave the field out of `required`"),
    ("example", "write examples: [...]"),
    ("discriminator", "write `oneOf` with a `const` in each"),
    ("additionalItems", "write `items` beside `prefixItems`"),
    (
        "dependencies",
        "write `dependentRequired` or `dependentSchemas`",
    ),
    ("id", "write `$id`"),
    ("$recursiveRef", "write `$dynamicRef`"),
    ("$recursiveAnchor", "write `$dynamicAnchor`"),
];

const AVRO: &[&str] = &[
    "type",
    "name",
    "namespace",
    "doc",
    "aliases",
    "fields",
    "order",
    "default",
    "symbols",
    "items",
    "values",
    "size",
    "logicalType",
    "precision",
    "scale",
];
/// How like an attribute of Avro something has to be, to be taken for it.
const LIKENESS: f64 = 0.9;

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let mut walk = Walk {
        subject,
        drafts: Vec::new(),
    };
    match &subject.event.payload {
        Payload::Json(json) => walk.json(json.schema(), ""),
        Payload::Avro(_) => walk.avro(&subject.event.payload.to_json()),
    }
    walk.drafts
}

struct Walk<'w, 's> {
    subject: &'w Subject<'s>,
    drafts: Vec<Draft>,
}

impl Walk<'_, '_> {
    fn json(&mut self, schema: &Value, pointer: &str) {
        let Some(members) = schema.as_object() else {
            return;
        };
        for (name, value) in members {
            let here = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            let known = KEYWORDS.iter().find(|(known, _)| known == name);
            match (known, value) {
                (None, _) => self.keyword(name, &here),
                (Some((_, Under::Schema)), schema) => self.json(schema, &here),
                (Some((_, Under::List)), Value::Array(schemas)) => {
                    for (at, schema) in schemas.iter().enumerate() {
                        self.json(schema, &format!("{here}/{at}"));
                    }
                }
                (Some((_, Under::Map)), Value::Object(schemas)) => {
                    for (name, schema) in schemas {
                        let name = name.replace('~', "~0").replace('/', "~1");
                        self.json(schema, &format!("{here}/{name}"));
                    }
                }
                (Some(_), _) => {}
            }
        }
    }

    fn keyword(&mut self, name: &str, pointer: &str) {
        if name.starts_with("x-") || self.subject.lists("keywords", name) {
            return;
        }
        let help = match ELSEWHERE.iter().find(|(other, _)| *other == name) {
            Some((_, instead)) => (*instead).to_owned(),
            None => {
                let known: Vec<&str> = KEYWORDS.iter().map(|(known, _)| *known).collect();
                let near = nearest(name, &known);
                match near.starts_with("did you mean") {
                    true => near,
                    false => {
                        format!("take it out, or call it `x-{name}` if your own tools read it")
                    }
                }
            }
        };
        self.drafts.push(Draft::new(
            self.subject.event.locate_in_schema(pointer),
            format!("JSON Schema has no keyword `{name}`, so it has no effect"),
            help,
        ));
    }

    fn avro(&mut self, schema: &Value) {
        match schema {
            Value::Array(branches) => branches.iter().for_each(|branch| self.avro(branch)),
            Value::Object(members) => {
                for name in members.keys().filter(|name| !AVRO.contains(&name.as_str())) {
                    self.attribute(name);
                }
                // What is under `default` is data.
                for key in ["type", "fields", "items", "values"] {
                    members
                        .get(key)
                        .into_iter()
                        .for_each(|under| self.avro(under));
                }
            }
            _ => {}
        }
    }

    fn attribute(&mut self, name: &str) {
        let likeness = |known: &&&str| strsim::jaro_winkler(known, name) > LIKENESS;
        let Some(meant) = AVRO.iter().find(likeness) else {
            return;
        };
        if self.subject.lists("keywords", name) {
            return;
        }
        self.drafts.push(Draft::new(
            self.subject.event.locate(&["avro_file"]),
            format!("Avro has no attribute `{name}`, so it has no effect"),
            format!("did you mean `{meant}`?"),
        ));
    }
}
