//! What a consumer says that it needs.

use serde_json::Value;

use crate::payload::FieldPath;

/// The contract of a consumer: what of the event it reads. A change that leaves all of it as it
/// is does not concern this consumer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Consumer {
    /// The service that consumes.
    pub service: String,
    /// Who to ask.
    pub team: Option<String>,
    /// What it does with the event.
    pub purpose: Option<String>,
    /// The fields of the payload that it reads. What is in them it reads too.
    pub reads: Vec<FieldPath>,
    /// The CloudEvents attributes that it reads. Never `source`: OEP-41 forbids to branch on it.
    pub attributes: Vec<String>,
    /// The values that it knows what to do with.
    pub accepts: Vec<Accepted>,
    /// The minor version from which the event has what it reads.
    pub minorversion: i32,
}

/// The values of a field that a consumer knows what to do with.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Accepted {
    /// The field.
    pub field: FieldPath,
    /// The values.
    pub values: Vec<Value>,
}

impl Consumer {
    /// Whether it reads a field, or something in it, or what it stands in.
    pub fn reads(&self, field: &FieldPath) -> bool {
        let accepts = self.accepts.iter().map(|accepted| &accepted.field);
        self.reads
            .iter()
            .chain(accepts)
            .any(|read| read.concerns(field))
    }
}
