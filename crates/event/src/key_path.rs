//! Where in a payload the key of an event stands.

use std::fmt;
use std::str::FromStr;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::attribute::escaped;
use crate::error::bounded;
use crate::{Data, Event};

/// A dotted path of member names into a JSON payload, like `course.course_key`.
///
/// # Example
/// ```
/// use tidings_event::{Event, KeyPath};
///
/// let path: KeyPath = "course.course_key".parse()?;
/// let event = Event::builder("org.openedx.catalog.course.created.v1")
///     .source("/openedx/discovery/web")
///     .data_json(r#"{"course": {"title": "Demonstration", "course_key": "edX+DemoX"}}"#)
///     .build()?;
/// assert_eq!(path.key_of(&event)?, "edX+DemoX");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyPath {
    text: Box<str>,
    segments: Box<[Box<str>]>,
}

/// Longest path, in bytes.
const MAX_LENGTH: usize = 512;

/// Most names in a path; also bounds the recursion of the look-up.
const MAX_SEGMENTS: usize = 32;

impl KeyPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of the path.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().map(|segment| &**segment)
    }

    /// Looks the key up in the payload of an event.
    ///
    /// # Errors
    /// [`KeyError`] if the payload is not JSON or has no text, number or boolean there.
    pub fn key_of(&self, event: &Event) -> Result<String, KeyError> {
        match event.data().and_then(Data::as_json) {
            Some(json) => self.key_in(json),
            None => Err(self.error(KeyProblem::NotJson)),
        }
    }

    /// Looks the key up in JSON text. Strings give what they say, with what an attribute may not
    /// hold (control characters, noncharacters) as `%` and its code point in hex; numbers and
    /// booleans their text as it stands. If a name comes twice the last counts, as in most parsers.
    ///
    /// # Errors
    /// [`KeyError`] if the text is not JSON or has no text, number or boolean there.
    pub fn key_in(&self, json: &str) -> Result<String, KeyError> {
        let mut parser = serde_json::Deserializer::from_str(json);
        let found = Lookup(&self.segments).deserialize(&mut parser);
        let found = found.and_then(|found| parser.end().map(|()| found));
        let raw = match found.map_err(|_| self.error(KeyProblem::NotJson))? {
            Some(raw) => raw.get(),
            None => return Err(self.error(KeyProblem::Missing)),
        };
        match raw.as_bytes()[0] {
            b'n' => Err(self.error(KeyProblem::Null)),
            b'{' | b'[' => Err(self.error(KeyProblem::NotScalar)),
            b'"' => serde_json::from_str(raw)
                .map(escaped)
                .map_err(|_| self.error(KeyProblem::NotUnicode)),
            _ => Ok(raw.to_owned()),
        }
    }

    fn error(&self, problem: KeyProblem) -> KeyError {
        KeyError {
            path: self.clone(),
            problem,
        }
    }
}

/// Why a payload gives no key. The text names the path, never what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no key at `{path}` of the payload: {problem}")]
pub struct KeyError {
    path: KeyPath,
    problem: KeyProblem,
}

impl KeyError {
    /// Where the key should stand.
    pub fn path(&self) -> &KeyPath {
        &self.path
    }

    /// What stands there instead.
    pub fn problem(&self) -> KeyProblem {
        self.problem
    }
}

/// What stands in a payload where a key should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyProblem {
    /// There is no payload, or it is not JSON.
    #[error("it is not JSON")]
    NotJson,
    /// No such member.
    #[error("there is no such member; check the path, or set `partitionkey`")]
    Missing,
    /// `null`.
    #[error("it is null; fill it in, or set `partitionkey`")]
    Null,
    /// An object or an array.
    #[error("it is an object or an array; let the path go on to a string or a number")]
    NotScalar,
    /// A string with a lone surrogate.
    #[error("the string is not Unicode")]
    NotUnicode,
}

/// A text that is not a key path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{shown}` is no key path: {problem}; write member names of the payload with dots between, like `course.course_key`"
)]
pub struct InvalidKeyPath {
    shown: String,
    problem: &'static str,
}

impl FromStr for KeyPath {
    type Err = InvalidKeyPath;

    fn from_str(text: &str) -> Result<Self, InvalidKeyPath> {
        let segments: Box<[Box<str>]> = text.split('.').map(Into::into).collect();
        let problem = if text.is_empty() {
            "it is empty"
        } else if text.len() > MAX_LENGTH {
            "it has more than 512 bytes"
        } else if segments.len() > MAX_SEGMENTS {
            "it has more than 32 names"
        } else if segments.iter().any(|segment| segment.is_empty()) {
            "a name between the dots is empty"
        } else if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            "it has white space or control characters"
        } else {
            return Ok(Self {
                text: text.into(),
                segments,
            });
        };
        Err(InvalidKeyPath {
            shown: bounded(text, 64),
            problem,
        })
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Finds the value at a path, skipping over everything else.
struct Lookup<'p>(&'p [Box<str>]);

impl<'de> DeserializeSeed<'de> for Lookup<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            serde::Deserialize::deserialize(deserializer).map(Some)
        } else {
            deserializer.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for Lookup<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let Some((name, rest)) = self.0.split_first() else {
            return Ok(None);
        };
        let mut found = None;
        while let Some(matches) = members.next_key_seed(Matches(name))? {
            if matches {
                found = members.next_value_seed(Lookup(rest))?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(
        self,
        mut items: A,
    ) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Compares a member's name without keeping it.
struct Matches<'p>(&'p str);

impl<'de> DeserializeSeed<'de> for Matches<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Matches<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{KeyPath, KeyProblem};

    fn key(path: &str, json: &str) -> Result<String, KeyProblem> {
        let path: KeyPath = path.parse().unwrap();
        path.key_in(json).map_err(|e| e.problem())
    }

    #[test]
    fn finds_strings_numbers_and_booleans() {
        let json = r#"{"a": {"x": [{"b": 0}], "b": "k\u00e9y", "n": 1.50, "t": true}, "b": 2}"#;
        assert_eq!(key("a.b", json).unwrap(), "kéy");
        assert_eq!(key("a.n", json).unwrap(), "1.50");
        assert_eq!(key("a.t", json).unwrap(), "true");
        assert_eq!(
            key("b", r#" {"b" : 123456789012345678901234567890 } "#).unwrap(),
            "123456789012345678901234567890"
        );
    }

    #[test]
    fn says_what_stands_there_instead() {
        let json = r#"{"a": {"b": null, "c": [1]}, "s": "x", "u": "\ud800", "n": 1e999}"#;
        for (path, problem) in [
            ("z", KeyProblem::Missing),
            ("a.z", KeyProblem::Missing),
            ("s.z", KeyProblem::Missing),
            ("a.c.0", KeyProblem::Missing),
            ("a.b", KeyProblem::Null),
            ("a", KeyProblem::NotScalar),
            ("a.c", KeyProblem::NotScalar),
            ("u", KeyProblem::NotUnicode),
        ] {
            assert_eq!(key(path, json), Err(problem), "{path}");
        }
        assert_eq!(key("a", "{"), Err(KeyProblem::NotJson));
        assert_eq!(key("a", r#"{"a": 1} 2"#), Err(KeyProblem::NotJson));
    }

    #[test]
    fn the_last_of_two_counts_and_escaped_names_are_the_same_name() {
        assert_eq!(key("a", r#"{"a": 1, "\u0061": 2}"#).unwrap(), "2");
        assert_eq!(
            key("a.b", r#"{"a": {"b": 1}, "a": 2}"#),
            Err(KeyProblem::Missing)
        );
    }

    #[test]
    fn depth_beside_the_path_does_no_harm() {
        let deep = format!(
            r#"{{"x": {}{}, "a": 1}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert_eq!(key("a", &deep).unwrap(), "1");
        assert_eq!(key("x.y", &deep), Err(KeyProblem::Missing));
    }

    #[test]
    fn paths_are_checked_when_they_are_parsed() {
        for text in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "a b",
            "a\n",
            &"a".repeat(513),
            &["a"; 33].join("."),
        ] {
            let error = text.parse::<KeyPath>().unwrap_err().to_string();
            assert!(
                error.contains("course.course_key") && !error.contains('\n'),
                "{error}"
            );
        }
    }

    proptest! {
        #[test]
        fn finds_what_was_put_there(names in proptest::collection::vec("[a-z_0-9]{1,8}", 1..6), value in any::<String>()) {
            let mut json = serde_json::Value::from(value.clone());
            for name in names.iter().rev() {
                json = serde_json::json!({ "x": [1, {}], name.as_str(): json });
            }
            prop_assert_eq!(key(&names.join("."), &json.to_string()).unwrap(), value);
        }
    }
}
