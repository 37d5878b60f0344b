//! Where two schemas differ, and a value for each place that may show it.

use serde_json::{Value, json};

use super::embed::Step;
use super::flatten::flatten;
use super::sample::{of_type, sample, types, variants};
use super::values::{numbers, texts};

/// How deep two schemas are compared; one that names itself goes on for ever.
const MAX_DEPTH: usize = 12;
/// How many places are tried.
const MAX_CANDIDATES: usize = 4_000;

/// A value at a place, which the writer may write and the reader perhaps does not read.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) path: Vec<Step>,
    /// What stands there; nothing, if the place is empty.
    pub(super) leaf: Option<Value>,
    pub(super) reason: String,
}

/// Everything worth trying.
pub(super) fn candidates(reader: &Value, writer: &Value) -> Vec<Candidate> {
    let mut walk = Walk {
        reader,
        writer,
        path: Vec::new(),
        found: Vec::new(),
    };
    walk.compare(writer, reader, 0);
    walk.found
}

struct Walk<'s> {
    reader: &'s Value,
    writer: &'s Value,
    path: Vec<Step>,
    found: Vec<Candidate>,
}

impl Walk<'_> {
    fn add(&mut self, leaf: Option<Value>, reason: impl Into<String>) {
        if self.found.len() < MAX_CANDIDATES {
            self.found.push(Candidate {
                path: self.path.clone(),
                leaf,
                reason: reason.into(),
            });
        }
    }

    fn within(&mut self, step: Step, walk: impl FnOnce(&mut Self)) {
        self.path.push(step);
        walk(self);
        self.path.pop();
    }

    fn compare(&mut self, writer: &Value, reader: &Value, depth: usize) {
        if depth > MAX_DEPTH || reader == &Value::Bool(true) || writer == &Value::Bool(false) {
            return;
        }
        let (w, r) = (flatten(self.writer, writer), flatten(self.reader, reader));
        if w == r && depth > 6 {
            return;
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(parts) = w.get(key).and_then(Value::as_array) {
                let rest = without(&w, key);
                for part in parts {
                    let both = json!({"allOf": [rest, part]});
                    self.compare(&both, reader, depth + 1);
                }
                return;
            }
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(parts) = r.get(key).and_then(Value::as_array) {
                self.alternatives(&w, &without(&r, key), parts, depth);
                return;
            }
        }
        if reader == &Value::Bool(false) || r.get("not") == Some(&json!({})) {
            for value in variants(self.writer, &w).into_iter().take(2) {
                self.add(Some(value), "is no longer taken");
            }
            return;
        }
        self.types(&w, &r);
        self.listed(&w, &r);
        for ty in types(&w) {
            match ty {
                "string" => self.texts(&w, &r),
                "integer" | "number" => self.numbers(&w, &r, ty == "integer"),
                "array" => self.arrays(&w, &r, depth),
                "object" => self.objects(&w, &r, depth),
                _ => {}
            }
        }
        let others = [
            "not",
            "if",
            "dependentRequired",
            "dependentSchemas",
            "contains",
            "prefixItems",
            "propertyNames",
            "patternProperties",
            "minProperties",
            "maxProperties",
            "unevaluatedProperties",
        ];
        for keyword in others {
            if r.get(keyword).is_some() && r.get(keyword) != w.get(keyword) {
                for value in variants(self.writer, &w) {
                    self.add(Some(value), format!("`{keyword}` differs"));
                }
            }
        }
    }

    /// The reader has alternatives: one of them has to take what is written.
    fn alternatives(&mut self, w: &Value, rest: &Value, parts: &[Value], depth: usize) {
        // Where one alternative alone has the writer's type, it is the one that has to take it.
        let of_types: Vec<&Value> = parts
            .iter()
            .filter(|part| {
                let part = flatten(self.reader, part);
                types(w).iter().any(|ty| types(&part).contains(ty))
            })
            .collect();
        if let [only] = of_types.as_slice() {
            let both = json!({"allOf": [rest, only]});
            self.compare(w, &both, depth + 1);
        }
        for value in variants(self.writer, w) {
            self.add(Some(value), "no alternative takes it");
        }
    }

    fn types(&mut self, w: &Value, r: &Value) {
        if r.get("type").is_none() {
            return;
        }
        let read = types(r);
        let takes = |ty: &str| read.contains(&ty) || ty == "integer" && read.contains(&"number");
        let listed = w.get("enum").or_else(|| w.get("const"));
        for ty in types(w) {
            if takes(ty) {
                continue;
            }
            let reason = format!("may be {}, and {} was agreed", article(ty), names(&read));
            if listed.is_some() {
                for value in variants(self.writer, w) {
                    self.add(Some(value), reason.clone());
                }
            } else {
                for value in of_type(self.writer, w, ty, 0, 3) {
                    self.add(Some(value), reason.clone());
                }
                // A whole number is an integer too.
                if ty == "number" {
                    self.add(Some(json!(0.5)), reason.clone());
                }
            }
        }
    }

    fn listed(&mut self, w: &Value, r: &Value) {
        let values = match (r.get("const"), r.get("enum")) {
            (Some(value), _) => vec![value.clone()],
            (None, Some(Value::Array(values))) => values.clone(),
            _ => return,
        };
        for value in variants(self.writer, w) {
            if !values.contains(&value) {
                let reason = match value.is_string() || value.is_number() {
                    true if w.get("enum").is_some() || w.get("const").is_some() => {
                        format!("the value {value} is not among those that were agreed")
                    }
                    _ => "other values than those that were agreed are allowed".to_owned(),
                };
                self.add(Some(value), reason);
            }
        }
    }

    fn texts(&mut self, w: &Value, r: &Value) {
        let differing = |key: &&str| r.get(*key).is_some() && r.get(*key) != w.get(*key);
        let keys = ["minLength", "maxLength", "pattern", "format"];
        for key in keys.into_iter().filter(differing) {
            let reason = bound(key, w, r);
            let lengths = json!({key: r[key]});
            for text in texts(&lengths, w) {
                self.add(Some(Value::from(text)), reason.clone());
            }
        }
    }

    fn numbers(&mut self, w: &Value, r: &Value, integer: bool) {
        let differing = |key: &&str| r.get(*key).is_some() && r.get(*key) != w.get(*key);
        let keys = [
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
        ];
        for key in keys.into_iter().filter(differing) {
            let reason = bound(key, w, r);
            for number in numbers(w, &json!({key: r[key]}), integer) {
                self.add(Some(number), reason.clone());
            }
        }
    }

    fn arrays(&mut self, w: &Value, r: &Value, depth: usize) {
        let number = |schema: &Value, key: &str| schema.get(key).and_then(Value::as_u64);
        let items = w.get("items").cloned().unwrap_or(Value::Bool(true));
        let of_length = |walk: &Self, length: u64| {
            let pool = variants(walk.writer, &items);
            let cycle = pool.iter().cycle().take(length.min(10_000) as usize);
            Value::Array(cycle.cloned().collect())
        };
        for (key, lengths) in [
            (
                "minItems",
                [
                    number(w, "minItems").unwrap_or(0),
                    number(r, "minItems").unwrap_or(1).saturating_sub(1),
                ],
            ),
            (
                "maxItems",
                [
                    number(w, "maxItems").unwrap_or(0),
                    number(r, "maxItems").unwrap_or(0).saturating_add(1),
                ],
            ),
        ] {
            if r.get(key).is_some() && r.get(key) != w.get(key) {
                for length in lengths {
                    let array = of_length(self, length);
                    self.add(Some(array), bound(key, w, r));
                }
            }
        }
        if r.get("uniqueItems") == Some(&Value::Bool(true))
            && w.get("uniqueItems") != Some(&Value::Bool(true))
            && let Some(item) = sample(self.writer, &items, 0)
        {
            self.add(Some(json!([item, item])), "may hold an item twice");
        }
        if let Some(read) = r.get("items") {
            self.within(Step::Item, |walk| walk.compare(&items, read, depth + 1));
        }
    }

    fn objects(&mut self, w: &Value, r: &Value, depth: usize) {
        let members = |schema: &Value| {
            schema
                .get("properties")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default()
        };
        let (written, read) = (members(w), members(r));
        let values = |schema: &Value| schema.get("additionalProperties").cloned();
        for name in r
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if let Some(name) = name.as_str() {
                self.within(Step::Member(name.to_owned()), |walk| {
                    let reason = match written.contains_key(name) {
                        true => "may be absent, and is required",
                        false => "is not written, and is required",
                    };
                    walk.add(None, reason);
                });
            }
        }
        for (name, schema) in &written {
            let other = read.get(name).cloned().or_else(|| values(r));
            let is_new = !read.contains_key(name);
            self.within(Step::Member(name.clone()), |walk| match other {
                Some(Value::Bool(false)) if is_new => {
                    for value in variants(walk.writer, schema).into_iter().take(3) {
                        walk.add(
                            Some(value),
                            "is written, and other fields than those that were \
                                               agreed are refused",
                        );
                    }
                }
                Some(other) => walk.compare(schema, &other, depth + 1),
                None => {}
            });
        }
        let Some(others) = values(w).filter(|values| values != &Value::Bool(false)) else {
            return;
        };
        for (name, schema) in &read {
            if !written.contains_key(name) {
                self.within(Step::Member(name.clone()), |walk| {
                    walk.compare(&others, schema, depth + 1);
                });
            }
        }
        if let Some(read) = values(r) {
            self.within(Step::Value, |walk| walk.compare(&others, &read, depth + 1));
        }
    }
}

fn without(flat: &Value, key: &str) -> Value {
    let mut rest = flat.clone();
    if let Some(rest) = rest.as_object_mut() {
        rest.remove(key);
    }
    rest
}

fn bound(key: &str, w: &Value, r: &Value) -> String {
    match w.get(key) {
        Some(before) => format!(
            "`{key}` is {} for who reads and {before} for who writes",
            r[key]
        ),
        None => format!(
            "`{key}` is {} for who reads, and who writes has none",
            r[key]
        ),
    }
}

fn article(ty: &str) -> String {
    match ty {
        "null" => "null".into(),
        "integer" | "array" | "object" => format!("an {ty}"),
        ty => format!("a {ty}"),
    }
}

fn names(types: &[&str]) -> String {
    let named: Vec<String> = types.iter().map(|ty| article(ty)).collect();
    named.join(" or ")
}
