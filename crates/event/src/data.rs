//! The payload.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use serde_json::value::RawValue;

use crate::DecodeError;

/// The payload of an event. Cloning is cheap; `Debug` shows sizes, never content.
#[derive(Clone, PartialEq, Eq)]
pub enum Data {
    /// A JSON value: `datacontenttype` declares JSON or is absent.
    Json(Json),
    /// Text of another format, such as XML.
    Text(Arc<str>),
    /// Bytes; base64 in the JSON formats.
    Binary(Bytes),
}

impl Data {
    /// The payload as bytes: JSON and text in UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Json(json) => json.as_str().as_bytes(),
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The JSON text, if the payload is JSON.
    pub fn as_json(&self) -> Option<&str> {
        match self {
            Self::Json(json) => Some(json.as_str()),
            Self::Text(_) | Self::Binary(_) => None,
        }
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Json(_) => "Json",
            Self::Text(_) => "Text",
            Self::Binary(_) => "Binary",
        };
        write!(f, "{kind}({} bytes)", self.as_bytes().len())
    }
}

/// A JSON value as text, kept byte for byte: numbers of any size and precision, the order of
/// names, escapes and white space all pass through.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(ByteString);

impl Json {
    /// Takes one JSON value. White space around it is not part of it.
    ///
    /// # Errors
    /// [`DecodeError::Syntax`] if the text is something else.
    pub fn new(text: impl Into<String>) -> Result<Self, DecodeError> {
        let text = ByteString::from(text.into());
        let raw: &RawValue = serde_json::from_str(&text).map_err(|e| DecodeError::from_json(&e))?;
        if raw.get().len() == text.len() {
            return Ok(Self(text));
        }
        Ok(Self(text.slice_ref(raw.get())))
    }

    /// Takes what a JSON parser has already seen.
    pub(crate) fn from_checked(text: impl Into<ByteString>) -> Self {
        Self(text.into())
    }

    /// Writes a value.
    pub(crate) fn from_value(value: &serde_json::Value) -> Self {
        Self(value.to_string().into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.0.len())
    }
}
