//! Personal data.

use crate::payload::FieldPath;

/// A field that holds personal data, and why it must.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Personal {
    /// The field; what is in it is personal too.
    pub field: FieldPath,
    /// Which kind: `name`, `email`, `username`, `id`, `ip`, `location`, `phone`, …
    pub kind: String,
    /// Why the event has to carry it.
    pub reason: String,
}
