//! JSON objects taken apart one level at a time, their values untouched.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::error::{Error, ErrorKind, Result};

/// A JSON value that is known to be well-formed, and what its first byte says it is.
///
/// Values are kept as text: numbers of any size and precision arrive at the code that knows
/// their type, and `serde_json` skips over what is inside without recursion, so a hostile
/// document cannot overflow the stack here.
#[derive(Clone, Copy)]
pub(super) struct Json<'a>(&'a str);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

impl<'a> Json<'a> {
    /// Checks that the text is one JSON value.
    pub(super) fn new(text: &'a str) -> Result<Self> {
        let raw: &RawValue = serde_json::from_str(text).map_err(syntax)?;
        Ok(Self(raw.get()))
    }

    pub(super) fn text(self) -> &'a str {
        self.0
    }

    pub(super) fn kind(self) -> Kind {
        match self.0.as_bytes()[0] {
            b'n' => Kind::Null,
            b't' | b'f' => Kind::Boolean,
            b'"' => Kind::String,
            b'[' => Kind::Array,
            b'{' => Kind::Object,
            _ => Kind::Number,
        }
    }

    /// The text of a string, borrowed where it has no escapes. Refuses lone surrogates.
    pub(super) fn string(self) -> Result<Cow<'a, str>> {
        // Well-formed text without escapes says what it is: there is nothing left to parse.
        let quoted = self.0.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
        if let Some(plain) = quoted.filter(|text| !text.contains('\\')) {
            return Ok(Cow::Borrowed(plain));
        }
        Self::unescape(self.0, "").map(Cow::Owned)
    }

    /// The text of a string that has escapes, from its opening quote to the closing one; `before` is
    /// what stands before it in the whole text.
    pub(super) fn unescape(quoted: &str, before: &str) -> Result<String> {
        serde_json::from_str(quoted).map_err(|e| syntax_behind(before, &e))
    }

    pub(super) fn array(self) -> Result<Vec<Self>> {
        let Items(items) = serde_json::from_str(self.0).map_err(syntax)?;
        Ok(items)
    }

    /// The members in their order. Names are not checked for duplicates here.
    pub(super) fn object(self) -> Result<Vec<(Cow<'a, str>, Self)>> {
        let Members(members) = serde_json::from_str(self.0).map_err(syntax)?;
        Ok(members)
    }
}

fn syntax(error: serde_json::Error) -> Error {
    syntax_behind("", &error)
}

/// serde_json's own message may quote a value, so only the place of it is told. It counts from the
/// beginning of what it was given, and in bytes.
fn syntax_behind(before: &str, error: &serde_json::Error) -> Error {
    let line = before.matches('\n').count() + error.line();
    let beside = match error.line() {
        1 => before.rsplit('\n').next().map_or(0, str::len),
        _ => 0,
    };
    let column = beside + error.column();
    Error::new(
        ErrorKind::Json,
        format!("not valid JSON at line {line}, column {column}"),
    )
}

struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> std::result::Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> std::result::Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v.to_owned())))
            }
        }
        deserializer.deserialize_str(Visit)
    }
}

struct Items<'a>(Vec<Json<'a>>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Items<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(raw) = seq.next_element::<&RawValue>()? {
                    items.push(Json(raw.get()));
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Visit)
    }
}

struct Members<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(Text(name)) = map.next_key()? {
                    let raw: &RawValue = map.next_value()?;
                    members.push((name, Json(raw.get())));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}
