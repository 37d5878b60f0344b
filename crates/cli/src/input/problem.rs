//! What is wrong with an event of the input.

use serde_json::{Value, json};
use tidings_event::DecodeError;
use tidings_event::profile::{Severity, Violation};

use super::{MAX_DOCUMENT, Place, Unreadable};
use crate::failure::with_remedy;
use crate::output::{Output, Tone};

/// What is wrong with an event of the input: which rule, at what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A stable code: of a rule of the profile, or of what the bus said.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// The attribute at fault.
    pub attribute: Option<String>,
    /// Its value, bounded; never a piece of the payload.
    pub value: Option<String>,
    /// What must hold, or what happened.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Problem {
    /// For people: `PLACE: error[CODE]: …` and the remedy on a line of its own.
    pub fn text(&self, place: &Place, output: &Output) -> String {
        let tone = match self.severity {
            Severity::Error => Tone::Bad,
            Severity::Warning => Tone::Warning,
        };
        let head = output.paint(tone, &format!("{}[{}]", self.severity, self.code));
        let at = match (&self.attribute, &self.value) {
            (Some(attribute), Some(value)) => format!("{attribute} `{value}` "),
            (Some(attribute), None) => format!("{attribute} "),
            _ => String::new(),
        };
        with_remedy(format!("{place}: {head}: {at}{}", self.what), &self.remedy)
    }

    /// For programs: one object.
    pub fn as_json(&self, place: &Place) -> Value {
        let mut value = place.as_json();
        value["code"] = json!(self.code);
        value["severity"] = json!(self.severity.as_str());
        value["attribute"] = json!(self.attribute);
        value["value"] = json!(self.value);
        value["message"] = json!(self.what);
        value["remedy"] = json!(self.remedy);
        value
    }
}

impl From<Violation> for Problem {
    fn from(violation: Violation) -> Self {
        Self {
            code: violation.code.to_owned(),
            severity: violation.severity,
            attribute: Some(violation.attribute),
            value: violation.value,
            what: violation.rule,
            remedy: violation.remedy,
        }
    }
}

impl From<&DecodeError> for Problem {
    fn from(error: &DecodeError) -> Self {
        let mut problem = Self::from(Violation::from(error));
        match error {
            // A document over several lines is the commonest cause.
            DecodeError::Syntax {
                problem: found,
                column,
                ..
            } => {
                problem.what = format!("is not JSON: {found} at column {column}");
                problem.remedy = "write one JSON document a line (`jq -c . FILE` does that), or \
                                  one JSON array of documents"
                    .to_owned();
            }
            DecodeError::NotUtf8 { offset } => {
                problem.what = format!("is not UTF-8 at byte {offset}");
            }
            _ => {}
        }
        problem
    }
}

impl From<Unreadable> for Problem {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::TooLong => {
                let (found, limit) = (MAX_DOCUMENT + 1, MAX_DOCUMENT);
                let mut problem = Self::from(&DecodeError::TooLarge { found, limit });
                problem.what = format!("is longer than {MAX_DOCUMENT} bytes and was skipped");
                problem.remedy = "OEP-41 allows 65,536 bytes; send less".to_owned();
                problem
            }
            Unreadable::Array(what) => Self {
                code: "input-array".to_owned(),
                severity: Severity::Error,
                attribute: None,
                value: None,
                what: format!("the JSON array is broken: {what}; what follows was not read"),
                remedy: "mend the array, or write one document a line".to_owned(),
            },
        }
    }
}
