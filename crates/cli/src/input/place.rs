use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

/// Where in the input a document stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named, or `standard input`.
    pub source: Arc<str>,
    /// The line, counted from 1, in which the document begins.
    pub line: u64,
    /// In a JSON array: which element, counted from 1.
    pub element: Option<u64>,
}

impl Place {
    /// For programs; `element` only in an array.
    pub fn as_json(&self) -> Value {
        let mut value = json!({"file": &*self.source, "line": self.line});
        if let Some(element) = self.element {
            value["element"] = element.into();
        }
        value
    }
}

impl fmt::Display for Place {
    /// `FILE:LINE`, which editors understand.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source, self.line)?;
        match self.element {
            Some(element) => write!(f, " (element {element})"),
            None => Ok(()),
        }
    }
}
