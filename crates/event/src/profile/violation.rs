//! What is reported.

use std::fmt;

use super::Severity;
use super::rule::{Finding, Rule};
use super::rules::{CLOUDEVENTS, SIZE, SPECVERSION};
use crate::DecodeError;
use crate::error::bounded;

/// Longest piece of a value that a report repeats, in characters.
const MAX_VALUE_SHOWN: usize = 80;

/// A rule that an event breaks: which attribute, which value, what to do.
///
/// The value is bounded, escaped, and never taken from the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The rule's stable code.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The attribute at fault, or `data`, or `document`.
    pub attribute: String,
    /// Its value, if it has one that may be shown.
    pub value: Option<String>,
    /// What must hold.
    pub rule: String,
    /// What to do about it.
    pub remedy: String,
}

impl Violation {
    /// A violation of a rule that does not stand in this pack, such as one of a catalog. It
    /// matters as an error does.
    pub fn of(
        code: &'static str,
        attribute: impl Into<String>,
        rule: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            attribute: attribute.into(),
            value: None,
            rule: rule.into(),
            remedy: remedy.into(),
        }
    }

    /// The same violation with the value at fault: of an attribute, never of the payload. What is
    /// too long is cut.
    #[must_use]
    pub fn with_value(mut self, value: &str) -> Self {
        self.value = Some(bounded(value, MAX_VALUE_SHOWN));
        self
    }

    pub(super) fn new(rule: &Rule, finding: Finding) -> Self {
        Self {
            code: rule.code,
            severity: rule.severity,
            attribute: finding.attribute.to_owned(),
            value: finding.value.map(|value| bounded(&value, MAX_VALUE_SHOWN)),
            rule: rule.statement.to_owned(),
            remedy: finding.remedy.to_owned(),
        }
    }
}

impl From<&DecodeError> for Violation {
    /// What cannot even be read breaks the profile too.
    fn from(error: &DecodeError) -> Self {
        let rule = match error {
            DecodeError::TooLarge { .. } => &SIZE,
            _ if error.field() == "specversion" => &SPECVERSION,
            _ => &CLOUDEVENTS,
        };
        let problem = match error {
            DecodeError::Syntax { .. } | DecodeError::NotUtf8 { .. } => error.to_string(),
            _ => error.rule().into_owned(),
        };
        Self {
            code: rule.code,
            severity: rule.severity,
            attribute: error.field().to_owned(),
            value: None,
            rule: problem,
            remedy: error.remedy().to_owned(),
        }
    }
}

impl fmt::Display for Violation {
    /// `CODE severity: attribute `value` rule; remedy`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code, self.severity, self.attribute)?;
        if let Some(value) = &self.value {
            write!(f, " `{value}`")?;
        }
        write!(f, " {}; {}", self.rule, self.remedy)
    }
}
