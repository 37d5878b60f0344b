//! Why a payload has not its schema.

use std::fmt;

/// One place where a payload and its schema differ.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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
