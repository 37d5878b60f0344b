//! A place in a topic.

use std::fmt;

use smol_str::SmolStr;

/// An opaque place in a topic, which its transport prints and parses: `1700-0` on Redis, `42` on
/// SQLite. Compare positions only through their transport. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Position(SmolStr);

impl Position {
    /// Wraps the transport's own text.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(SmolStr::new(text))
    }

    /// The transport's own text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
