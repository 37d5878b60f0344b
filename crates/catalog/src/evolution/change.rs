//! One change of one definition.

use std::fmt;

use crate::{FieldPath, Location};

/// How much a change matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing that anybody relies on is different.
    Compatible,
    /// Nothing breaks, and people have to know of it.
    Notice,
    /// It has to be looked at: neither compatibility nor a payload that breaks could be proven.
    Undecided,
    /// It breaks what was promised.
    Breaking,
}

impl Severity {
    /// `compatible`, `notice`, `undecided` or `breaking`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::Notice => "notice",
            Self::Undecided => "undecided",
            Self::Breaking => "breaking",
        }
    }
}

/// What kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeKind {
    /// A definition came.
    Added,
    /// A definition went.
    Removed,
    /// The newer schema does not read what the older wrote.
    Backward,
    /// The older schema does not read what the newer writes.
    Forward,
    /// A field went.
    FieldRemoved,
    /// A field came.
    FieldAdded,
    /// The minor version has to rise and does not, or falls.
    MinorVersion,
    /// Events have another key, or have one now.
    Key,
    /// Another service owns it.
    Owner,
    /// It is published to other topics.
    Topics,
    /// Its end was announced, moved or called off.
    Deprecation,
    /// A consumer came or went.
    Consumers,
    /// The version before it no longer comes along, or is made in another way.
    Majors,
    /// What is tagged as personal data.
    Personal,
}

impl ChangeKind {
    /// A stable word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Backward => "backward",
            Self::Forward => "forward",
            Self::FieldRemoved => "field-removed",
            Self::FieldAdded => "field-added",
            Self::MinorVersion => "minorversion",
            Self::Key => "key",
            Self::Owner => "owner",
            Self::Topics => "topics",
            Self::Deprecation => "deprecation",
            Self::Consumers => "consumers",
            Self::Majors => "majors",
            Self::Personal => "pii",
        }
    }
}

/// One change of one definition.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Change {
    /// The type.
    pub event_type: String,
    /// What kind.
    pub kind: ChangeKind,
    /// How much it matters.
    pub severity: Severity,
    /// The field, if it is about one.
    pub path: Option<FieldPath>,
    /// What is different, in words.
    pub message: String,
    /// What to do, where something has to be done.
    pub help: Option<String>,
    /// A payload that breaks.
    pub witness: Option<serde_json::Value>,
    /// The consumers whose contract it breaks.
    pub consumers: Vec<String>,
    /// Where, in the newer state, or in the older one for what is no longer there.
    pub location: Location,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}: {}",
            self.event_type,
            self.severity.as_str(),
            self.message
        )
    }
}
