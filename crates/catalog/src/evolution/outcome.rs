//! Whether a reader reads what a writer writes.

use serde_json::Value;

use crate::payload::FieldPath;

/// Whether a reader reads what a writer writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It reads all of it: that is proven.
    Compatible,
    /// There is a payload that it does not read.
    Incompatible,
    /// Neither was proven.
    Undecided,
}

impl Verdict {
    /// `compatible`, `incompatible` or `undecided`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::Incompatible => "incompatible",
            Self::Undecided => "undecided",
        }
    }
}

/// One reason why a reader does not read what a writer writes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Break {
    /// The field.
    pub path: FieldPath,
    /// What is wrong with it, in words.
    pub reason: String,
    /// A payload that the writer may write and the reader does not read.
    pub witness: Value,
}

/// What came of holding a reader's schema against a writer's.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// The reasons, each with a payload that breaks; empty unless the verdict is *incompatible*.
    pub breaks: Vec<Break>,
}

impl Outcome {
    pub(super) fn compatible() -> Self {
        Self {
            verdict: Verdict::Compatible,
            breaks: Vec::new(),
        }
    }

    /// Incompatible, if there is a reason; otherwise what else is known.
    pub(super) fn of(breaks: Vec<Break>, otherwise: Verdict) -> Self {
        Self {
            verdict: match breaks.is_empty() {
                true => otherwise,
                false => Verdict::Incompatible,
            },
            breaks,
        }
    }
}
