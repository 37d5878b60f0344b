//! Names of extension attributes.

use std::borrow::Cow;

use crate::Invalid;

/// The name of an extension: lower-case ASCII letters and digits.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Name(Cow<'static, str>);

/// Extensions that most events of ours carry: their names need no allocation.
const FREQUENT: [&str; 6] = [
    "minorversion",
    "sourcehost",
    "partitionkey",
    "sourcelib",
    "traceparent",
    "tracestate",
];

/// Names that the specification or its formats use for something else.
const TAKEN: [&str; 9] = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "dataschema",
    "data",
];

impl Name {
    pub(crate) const MINORVERSION: Self = Self(Cow::Borrowed("minorversion"));

    /// Checks a name.
    pub(crate) fn new(text: &str) -> Result<Self, Invalid> {
        if let Some(known) = FREQUENT.iter().find(|known| **known == text) {
            return Ok(Self(Cow::Borrowed(known)));
        }
        let remedy = "rename the attribute, for example `traceid`";
        if text.is_empty() {
            return Err(Invalid::new(
                "(empty name)",
                "an attribute needs a name",
                remedy,
            ));
        }
        let valid = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if !text.bytes().all(valid) {
            let rule = "attribute names consist of lower-case letters a-z and digits";
            return Err(Invalid::new(text, rule, remedy));
        }
        if TAKEN.contains(&text) {
            let rule = "is not an extension: the specification defines this name";
            return Err(Invalid::new(text, rule, "set it by its own method"));
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
