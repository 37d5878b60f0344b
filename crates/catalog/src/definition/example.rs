//! A payload as it may be.

use serde_json::Value;

/// A payload as it may be.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Example {
    /// What it shows.
    pub title: Option<String>,
    /// The payload.
    pub data: Value,
}
