//! Holding a payload against its definition.

use std::fmt;

use serde_json::Value;

/// What a definition says of JSON payloads, as code that was compiled once. A catalog implements
/// it; whoever publishes or consumes asks.
pub trait PayloadRules: fmt::Debug + Send + Sync {
    /// What keeps a payload from having the schema of this version; nothing, if it has it.
    fn check(&self, payload: &Value) -> Vec<Mismatch>;

    /// Makes the payload of the previous major version.
    ///
    /// # Errors
    /// The field that cannot be mapped. Without a mapping: that there is none.
    fn to_previous(&self, payload: &Value) -> Result<Value, Mismatch>;
}

/// One place where a payload and its schema differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Where in the payload, as a JSON Pointer (RFC 6901); empty for the whole.
    pub pointer: String,
    /// What is wrong there. Never repeats a value of the payload.
    pub message: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.is_empty() {
            true => f.write_str(&self.message),
            false => write!(f, "{}: {}", self.pointer, self.message),
        }
    }
}
