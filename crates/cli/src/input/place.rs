use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

/// Where in the input a document stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named, `standard input`, or `command line`.
    pub source: Arc<str>,
    /// The line, counted from 1, in which the document begins; `None` if it was not read.
    pub line: Option<u64>,
    /// In a JSON array: which element, counted from 1.
    pub element: Option<u64>,
}

impl Place {
    /// That of an event which was made by the arguments.
    pub fn command_line() -> Self {
        Self {
            source: "command line".into(),
            line: None,
            element: None,
        }
    }

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
        f.write_str(&self.source)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        match self.element {
            Some(element) => write!(f, " (element {element})"),
            None => Ok(()),
        }
    }
}
