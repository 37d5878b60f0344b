//! Values of extension attributes.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::{Time, is_permitted, is_uri, is_uri_reference};
use crate::Invalid;

/// The value of an extension attribute, in the types of CloudEvents 1.0.
///
/// JSON and HTTP write Binary, URI, URI-reference and Timestamp as strings, so such a value
/// comes back as [`Value::String`] with the same [text](Value::text).
/// `Debug` shows type and size only: extensions may hold names of people.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number of 32 bits.
    Integer(i32),
    /// Text without control characters and Unicode noncharacters.
    String(String),
    /// Bytes; written as base64.
    Binary(Bytes),
    /// An absolute URI.
    Uri(String),
    /// A URI or a relative reference.
    UriReference(String),
    /// An RFC 3339 time.
    Timestamp(Time),
}

impl Value {
    /// The canonical string of the specification.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Boolean(true) => "true".into(),
            Self::Boolean(false) => "false".into(),
            Self::Integer(number) => number.to_string().into(),
            Self::String(text) | Self::Uri(text) | Self::UriReference(text) => text.into(),
            Self::Binary(bytes) => STANDARD.encode(bytes).into(),
            Self::Timestamp(time) => time.as_str().into(),
        }
    }

    /// The text of a value that is written as one; `None` for Boolean, Integer and Binary.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) | Self::Uri(text) | Self::UriReference(text) => Some(text),
            Self::Timestamp(time) => Some(time.as_str()),
            Self::Boolean(_) | Self::Integer(_) | Self::Binary(_) => None,
        }
    }

    /// The number of an Integer.
    pub fn as_integer(&self) -> Option<i32> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn check(&self, name: &str) -> Result<(), Invalid> {
        let (valid, rule, remedy) = match self {
            Self::String(text) => (is_permitted(text), STRING_RULE, STRING_REMEDY),
            Self::Uri(text) => (is_uri(text), "must be an absolute URI", URI_REMEDY),
            Self::UriReference(text) => {
                let valid = is_uri_reference(text);
                (valid, "must be a URI-reference", URI_REMEDY)
            }
            Self::Boolean(_) | Self::Integer(_) | Self::Binary(_) | Self::Timestamp(_) => {
                return Ok(());
            }
        };
        if valid {
            Ok(())
        } else {
            Err(Invalid::new(name, rule, remedy))
        }
    }

    /// Gives a value that came as a string the type that its name prescribes. Names that are
    /// not ours, and texts that do not fit, stay strings: foreign events pass unharmed.
    pub(crate) fn typed_by_name(name: &str, text: String) -> Self {
        if name != "minorversion" {
            return Self::String(text);
        }
        match text.parse::<i32>() {
            // `+1` and `01` are not integers of the specification.
            Ok(number) if number.to_string() == text => Self::Integer(number),
            _ => Self::String(text),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "Boolean",
            Self::Integer(_) => "Integer",
            Self::String(_) => "String",
            Self::Binary(_) => "Binary",
            Self::Uri(_) => "Uri",
            Self::UriReference(_) => "UriReference",
            Self::Timestamp(_) => "Timestamp",
        }
    }
}

pub(crate) const STRING_RULE: &str = "must not hold control characters or Unicode noncharacters";
pub(crate) const STRING_REMEDY: &str = "remove them, or carry the value in `data`";
pub(crate) const URI_REMEDY: &str = "percent-encode what RFC 3986 does not allow";

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({} bytes)", self.kind(), self.text().len())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<Bytes> for Value {
    fn from(value: Bytes) -> Self {
        Self::Binary(value)
    }
}

impl From<Time> for Value {
    fn from(value: Time) -> Self {
        Self::Timestamp(value)
    }
}
