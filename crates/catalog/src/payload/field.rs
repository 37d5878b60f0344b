//! What a table of fields says of one.

use serde_json::Value;

use super::FieldPath;

/// One field of a payload.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Field {
    /// Where it stands.
    pub path: FieldPath,
    /// Its type in words: `string`, `date-time`, `list of string`, `object`, `map of integer`.
    pub kind: String,
    /// Whether every payload has it that has what it stands in.
    pub required: bool,
    /// Whether it may be `null`.
    pub nullable: bool,
    /// What its author says of it.
    pub description: Option<String>,
    /// The values that it can have, where they are listed.
    pub values: Vec<Value>,
    /// The value that a reader assumes when it is absent, as the schema says.
    pub default: Option<Value>,
    /// Further rules in words: `at most 255 characters`, `at least 0`.
    pub limits: Vec<String>,
}

impl Field {
    pub(super) fn new(path: FieldPath, kind: impl Into<String>) -> Self {
        Self {
            path,
            kind: kind.into(),
            required: false,
            nullable: false,
            description: None,
            values: Vec::new(),
            default: None,
            limits: Vec::new(),
        }
    }

    /// Whether it is text, by what the schema says.
    pub fn is_text(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "string" | "date-time" | "date" | "time" | "email" | "uri" | "uuid"
        ) || self.kind.starts_with("string")
    }
}
