//! What an Avro schema says of its values in JSON.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{AvroField, AvroModel, AvroNamed, AvroType};

/// The model as JSON Schema 2020-12. Records stand where they are used; one that holds itself
/// is named in `$defs`.
pub(super) fn of(model: &AvroModel) -> Value {
    let mut writer = Writer {
        model,
        open: Vec::new(),
        recursive: Vec::new(),
    };
    let mut schema = writer.schema(&model.root);
    let mut definitions: BTreeMap<String, Value> = BTreeMap::new();
    // A definition may name further ones.
    while let Some(name) = writer
        .recursive
        .iter()
        .find(|name| !definitions.contains_key(*name))
        .cloned()
    {
        let definition = writer.named(&name);
        definitions.insert(name, definition);
    }
    if let (false, Some(keywords)) = (definitions.is_empty(), schema.as_object_mut()) {
        keywords.insert("$defs".into(), json!(definitions));
    }
    schema
}

struct Writer<'m> {
    model: &'m AvroModel,
    open: Vec<String>,
    recursive: Vec<String>,
}

impl Writer<'_> {
    fn schema(&mut self, ty: &AvroType) -> Value {
        match ty {
            AvroType::Primitive(name) => primitive(name),
            AvroType::Array(items) => json!({"type": "array", "items": self.schema(items)}),
            AvroType::Map(values) => {
                json!({"type": "object", "additionalProperties": self.schema(values)})
            }
            AvroType::Union(branches) => self.union(branches),
            AvroType::Named(name) if self.open.contains(name) => {
                if !self.recursive.contains(name) {
                    self.recursive.push(name.clone());
                }
                json!({"$ref": format!("#/$defs/{}", name.replace('~', "~0").replace('/', "~1"))})
            }
            AvroType::Named(name) => self.named(name),
        }
    }

    fn union(&mut self, branches: &[AvroType]) -> Value {
        if let [AvroType::Primitive(first), AvroType::Primitive(second)] = branches
            && first == "null"
        {
            let mut schema = primitive(second);
            if let Some(ty) = schema.get_mut("type") {
                *ty = json!([ty.take(), "null"]);
            }
            return schema;
        }
        let branches: Vec<Value> = branches.iter().map(|branch| self.schema(branch)).collect();
        match <[Value; 1]>::try_from(branches) {
            Ok([only]) => only,
            Err(branches) => json!({"anyOf": branches}),
        }
    }

    fn named(&mut self, name: &str) -> Value {
        let model = self.model;
        match model.named.get(name) {
            Some(AvroNamed::Enum { symbols, .. }) => json!({"type": "string", "enum": symbols}),
            Some(AvroNamed::Fixed { size, .. }) => {
                json!({"type": "string", "minLength": size, "maxLength": size, "pattern": BYTES})
            }
            Some(AvroNamed::Record { fields, .. }) => {
                self.open.push(name.to_owned());
                let record = self.record(fields);
                self.open.pop();
                record
            }
            None => json!(true),
        }
    }

    fn record(&mut self, fields: &[AvroField]) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in fields {
            let mut schema = self.schema(&field.ty);
            if let Some(keywords) = schema.as_object_mut() {
                if let Some(doc) = &field.doc {
                    keywords.insert("description".into(), json!(doc));
                }
                if let Some(default) = &field.default {
                    keywords.insert("default".into(), default.clone());
                }
            }
            if field.default.is_none() {
                required.push(&*field.name);
            }
            properties.insert(field.name.clone(), schema);
        }
        let mut schema = json!({"type": "object", "properties": properties});
        if let (false, Some(keywords)) = (required.is_empty(), schema.as_object_mut()) {
            keywords.insert("required".into(), json!(required));
        }
        schema
    }
}

/// A character a byte, as Avro 1.12 says in *JSON Encoding*.
const BYTES: &str = "^[\\u0000-\\u00ff]*$";

fn primitive(name: &str) -> Value {
    match name {
        "int" => json!({"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX}),
        "long" => json!({"type": "integer"}),
        "float" | "double" => json!({"type": "number"}),
        "bytes" => json!({"type": "string", "pattern": BYTES}),
        name => json!({"type": name}),
    }
}
