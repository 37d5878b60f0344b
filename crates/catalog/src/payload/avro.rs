//! Avro.

mod json_schema;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use tidings_event::avro::{Schema, encode_from_json};

use super::{Field, FieldPath, Mismatch};

/// How deep the fields of a schema are listed.
const MAX_DEPTH: usize = 16;

/// An Avro schema, with all that is not in its canonical form: defaults, aliases, documentation.
#[derive(Debug)]
pub struct AvroPayload {
    schema: Arc<Schema>,
    model: AvroModel,
}

/// A schema as a tree; named types are kept apart, since they may name themselves.
#[derive(Debug, Clone)]
pub(crate) struct AvroModel {
    pub(crate) root: AvroType,
    pub(crate) named: HashMap<String, AvroNamed>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AvroType {
    /// One of the eight primitive types.
    Primitive(String),
    Array(Box<AvroType>),
    Map(Box<AvroType>),
    Union(Vec<AvroType>),
    /// A record, an enum or a fixed, by its full name.
    Named(String),
}

#[derive(Debug, Clone)]
pub(crate) enum AvroNamed {
    Record {
        aliases: Vec<String>,
        fields: Vec<AvroField>,
    },
    Enum {
        aliases: Vec<String>,
        symbols: Vec<String>,
        default: Option<String>,
    },
    Fixed {
        aliases: Vec<String>,
        size: u64,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct AvroField {
    pub(crate) name: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) ty: AvroType,
    pub(crate) default: Option<Value>,
    doc: Option<String>,
}

impl AvroPayload {
    /// Keeps a schema together with its tree.
    pub(crate) fn new(schema: Arc<Schema>) -> Self {
        // The parser of the schema has checked it all; here only more of it is kept.
        let json: Value = serde_json::from_str(schema.json()).unwrap_or_default();
        let mut named = HashMap::new();
        let root = read(&json, "", &mut named);
        let model = AvroModel { root, named };
        Self { schema, model }
    }

    /// The schema that payloads are encoded by.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// What it says of payloads in JSON, as JSON Schema 2020-12. Where Avro refuses a field that
    /// it does not know this does not: a later minor version may bring one.
    pub fn json_schema(&self) -> Value {
        json_schema::of(&self.model)
    }

    pub(crate) fn model(&self) -> &AvroModel {
        &self.model
    }

    /// Whether a payload can be encoded.
    pub(crate) fn check_payload(&self, payload: &Value) -> bool {
        encode_from_json(&self.schema, payload.to_string().as_bytes()).is_ok()
    }

    pub(super) fn check(&self, payload: &Value) -> Vec<Mismatch> {
        match encode_from_json(&self.schema, payload.to_string().as_bytes()) {
            Ok(_) => Vec::new(),
            Err(e) => vec![Mismatch {
                pointer: e.pointer(),
                message: e.message().to_owned(),
            }],
        }
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        let mut open = Vec::new();
        self.model
            .members(&self.model.root, &FieldPath::root(), &mut open, &mut fields);
        fields
    }
}

impl AvroModel {
    fn members(
        &self,
        ty: &AvroType,
        path: &FieldPath,
        open: &mut Vec<String>,
        fields: &mut Vec<Field>,
    ) {
        if open.len() > MAX_DEPTH {
            return;
        }
        match ty {
            AvroType::Primitive(_) => {}
            AvroType::Array(items) => self.members(items, &path.items(), open, fields),
            AvroType::Map(values) => self.members(values, &path.values(), open, fields),
            AvroType::Union(branches) => {
                for branch in branches {
                    self.members(branch, path, open, fields);
                }
            }
            AvroType::Named(name) => {
                let Some(AvroNamed::Record {
                    fields: members, ..
                }) = self.named.get(name)
                else {
                    return;
                };
                if open.contains(name) {
                    return;
                }
                open.push(name.clone());
                for member in members {
                    let path = path.member(&member.name);
                    if !fields.iter().any(|field| field.path == path) {
                        fields.push(self.describe(member, path.clone()));
                    }
                    self.members(&member.ty, &path, open, fields);
                }
                open.pop();
            }
        }
    }

    fn describe(&self, member: &AvroField, path: FieldPath) -> Field {
        let mut field = Field::new(path, self.kind(&member.ty));
        // Encoded, a field is always there; as JSON it may be left out where it has a default.
        field.required = member.default.is_none();
        field.nullable = member.ty.branches().contains(&&AvroType::null());
        field.description.clone_from(&member.doc);
        field.default.clone_from(&member.default);
        for branch in member.ty.branches() {
            if let AvroType::Named(name) = branch
                && let Some(AvroNamed::Enum { symbols, .. }) = self.named.get(name)
            {
                field.values = symbols.iter().cloned().map(Value::from).collect();
            }
        }
        field
    }

    /// The type in words.
    pub(crate) fn kind(&self, ty: &AvroType) -> String {
        match ty {
            AvroType::Primitive(name) => match name.as_str() {
                "int" | "long" => "integer".into(),
                "float" | "double" => "number".into(),
                name => name.to_owned(),
            },
            AvroType::Array(items) => format!("list of {}", self.kind(items)),
            AvroType::Map(values) => format!("map of {}", self.kind(values)),
            AvroType::Named(name) => match self.named.get(name) {
                Some(AvroNamed::Enum { .. }) => "string".into(),
                Some(AvroNamed::Fixed { size, .. }) => format!("{size} bytes"),
                _ => "object".into(),
            },
            AvroType::Union(branches) => {
                let mut kinds: Vec<String> = Vec::new();
                for branch in branches
                    .iter()
                    .filter(|branch| **branch != AvroType::null())
                {
                    let kind = self.kind(branch);
                    if !kinds.contains(&kind) {
                        kinds.push(kind);
                    }
                }
                match kinds.is_empty() {
                    true => "null".into(),
                    false => kinds.join(" or "),
                }
            }
        }
    }
}

impl AvroType {
    pub(crate) fn null() -> Self {
        Self::Primitive("null".into())
    }

    /// The branches of a union, or the type itself.
    pub(crate) fn branches(&self) -> Vec<&Self> {
        match self {
            Self::Union(branches) => branches.iter().collect(),
            other => vec![other],
        }
    }
}

impl AvroNamed {
    pub(crate) fn aliases(&self) -> &[String] {
        match self {
            Self::Record { aliases, .. }
            | Self::Enum { aliases, .. }
            | Self::Fixed { aliases, .. } => aliases,
        }
    }
}

const PRIMITIVES: [&str; 8] = [
    "null", "boolean", "int", "long", "float", "double", "bytes", "string",
];

fn read(json: &Value, namespace: &str, named: &mut HashMap<String, AvroNamed>) -> AvroType {
    match json {
        Value::String(name) if PRIMITIVES.contains(&name.as_str()) => {
            AvroType::Primitive(name.clone())
        }
        Value::String(name) => {
            let full = full_name(name, None, namespace);
            AvroType::Named(match named.contains_key(&full) {
                true => full,
                false => name.clone(),
            })
        }
        Value::Array(branches) => {
            let branches = branches.iter();
            AvroType::Union(branches.map(|b| read(b, namespace, named)).collect())
        }
        Value::Object(members) => read_object(members, namespace, named),
        _ => AvroType::null(),
    }
}

fn read_object(
    members: &Map<String, Value>,
    namespace: &str,
    named: &mut HashMap<String, AvroNamed>,
) -> AvroType {
    let of = members.get("type").unwrap_or(&Value::Null);
    let Some(of_name) = of.as_str() else {
        return read(of, namespace, named);
    };
    let inner = |key: &str, named: &mut HashMap<_, _>| {
        let ty = members.get(key).map(|ty| read(ty, namespace, named));
        Box::new(ty.unwrap_or_else(AvroType::null))
    };
    match of_name {
        "array" => AvroType::Array(inner("items", named)),
        "map" => AvroType::Map(inner("values", named)),
        "record" | "enum" | "fixed" => {
            let own = members.get("namespace").and_then(Value::as_str);
            let name = members
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let full = full_name(name, own, namespace);
            let within = full.rsplit_once('.').map_or("", |(namespace, _)| namespace);
            let aliases = texts(members, "aliases");
            let aliases = aliases.iter().map(|a| full_name(a, None, within)).collect();
            let definition = match of_name {
                "enum" => AvroNamed::Enum {
                    aliases,
                    symbols: texts(members, "symbols"),
                    default: members
                        .get("default")
                        .and_then(Value::as_str)
                        .map(Into::into),
                },
                "fixed" => AvroNamed::Fixed {
                    aliases,
                    size: members
                        .get("size")
                        .and_then(Value::as_u64)
                        .unwrap_or_default(),
                },
                _ => {
                    // A field may name the record that it stands in.
                    let empty = Vec::new();
                    let place = AvroNamed::Record {
                        aliases: Vec::new(),
                        fields: empty,
                    };
                    named.insert(full.clone(), place);
                    let fields = members.get("fields").and_then(Value::as_array);
                    let fields = fields.into_iter().flatten();
                    let fields = fields.map(|f| read_field(f, within, named)).collect();
                    AvroNamed::Record { aliases, fields }
                }
            };
            named.insert(full.clone(), definition);
            AvroType::Named(full)
        }
        name => read(&Value::from(name), namespace, named),
    }
}

fn read_field(json: &Value, namespace: &str, named: &mut HashMap<String, AvroNamed>) -> AvroField {
    let text = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned);
    AvroField {
        name: text("name").unwrap_or_default(),
        aliases: json
            .as_object()
            .map(|f| texts(f, "aliases"))
            .unwrap_or_default(),
        ty: json
            .get("type")
            .map_or_else(AvroType::null, |ty| read(ty, namespace, named)),
        default: json.get("default").cloned(),
        doc: text("doc"),
    }
}

fn texts(members: &Map<String, Value>, key: &str) -> Vec<String> {
    let texts = members.get(key).and_then(Value::as_array);
    let texts = texts.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

fn full_name(name: &str, own: Option<&str>, enclosing: &str) -> String {
    let namespace = own.unwrap_or(enclosing);
    if name.contains('.') {
        name.trim_start_matches('.').to_owned()
    } else if namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}
