//! What the payload of an event looks like: JSON Schema or Avro.

mod avro;
mod field;
mod json;
mod path;

pub use avro::AvroPayload;
pub use field::Field;
pub use json::JsonPayload;
pub use path::FieldPath;

pub(crate) use avro::{AvroModel, AvroNamed, AvroType};
pub(crate) use json::resolve;

use serde_json::Value;
use tidings_event::Mismatch;

/// The schema of a payload.
#[derive(Debug)]
pub enum Payload {
    /// JSON Schema 2020-12.
    Json(JsonPayload),
    /// Avro 1.12.
    Avro(AvroPayload),
}

impl Payload {
    /// `JSON Schema` or `Avro`.
    pub fn language(&self) -> &'static str {
        match self {
            Self::Json(_) => "JSON Schema",
            Self::Avro(_) => "Avro",
        }
    }

    /// The schema as JSON, as its author wrote it.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Json(schema) => schema.schema().clone(),
            Self::Avro(schema) => {
                serde_json::from_str(schema.schema().json()).unwrap_or(Value::Null)
            }
        }
    }

    /// The payload as JSON Schema 2020-12: as its author wrote it, or what the Avro schema says of
    /// payloads in JSON.
    pub fn json_schema(&self) -> Value {
        match self {
            Self::Json(schema) => schema.schema().clone(),
            Self::Avro(schema) => schema.json_schema(),
        }
    }

    /// Every field, containers before what is in them, in the order of the schema. A recursive
    /// schema is unfolded once.
    pub fn fields(&self) -> Vec<Field> {
        match self {
            Self::Json(schema) => schema.fields(),
            Self::Avro(schema) => schema.fields(),
        }
    }

    /// What keeps a payload from having this schema; nothing, if it has it.
    pub fn check(&self, payload: &Value) -> Vec<Mismatch> {
        match self {
            Self::Json(schema) => schema.check(payload),
            Self::Avro(schema) => schema.check(payload),
        }
    }
}
