//! JSON Schema.

mod fields;
mod order;
mod words;

use jsonschema::{Draft, Validator};
use serde_json::Value;

use self::fields::Walk;
use self::order::MemberOrder;
use super::{Field, Mismatch};
use crate::source::Node;

/// How deep a schema is followed.
const MAX_DEPTH: usize = 16;
/// How many mismatches of one payload are told.
const MAX_MISMATCHES: usize = 20;

/// A JSON Schema of draft 2020-12, compiled.
pub struct JsonPayload {
    schema: Value,
    validator: Validator,
    order: MemberOrder,
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
        Walk::fields(&self.schema, &self.order)
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

/// The types that `type` allows; empty if it does not say.
pub(super) fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
