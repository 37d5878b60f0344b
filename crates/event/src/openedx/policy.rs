//! Which schema to read with when an entry does not say.

use std::fmt;
use std::str::FromStr;

/// The reader's setting `unknown_schema`: what to do with an entry without a fingerprint.
///
/// The Open edX packages write none, and their minor version stays 0 when a schema changes, so
/// that whoever reads assumes that the writer's schemas are the ones at hand. If they are not,
/// values can come out wrong without an error: the schemas of the version that writes belong
/// into the catalog.
///
/// # Example
/// ```
/// use tidings_event::openedx::UnknownSchema;
///
/// assert_eq!("declared".parse(), Ok(UnknownSchema::Declared));
/// assert_eq!("2".parse(), Ok(UnknownSchema::Minor(2)));
/// assert_eq!("refuse".parse(), Ok(UnknownSchema::Refuse));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UnknownSchema {
    /// Assume the definition of the type and minor version that the entry declares: what the
    /// packages do. The default.
    #[default]
    Declared,
    /// Assume this minor version of the type, whatever the entry declares.
    Minor(u32),
    /// Take no entry that does not name its schema.
    Refuse,
}

/// A text that is no setting of `unknown_schema`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown_schema is `declared`, `refuse`, or the minor version to assume")]
pub struct InvalidUnknownSchema;

impl FromStr for UnknownSchema {
    type Err = InvalidUnknownSchema;

    fn from_str(text: &str) -> Result<Self, InvalidUnknownSchema> {
        match text {
            "declared" => Ok(Self::Declared),
            "refuse" => Ok(Self::Refuse),
            minor => minor
                .parse()
                .map(Self::Minor)
                .map_err(|_| InvalidUnknownSchema),
        }
    }
}

impl fmt::Display for UnknownSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declared => f.write_str("declared"),
            Self::Minor(minor) => minor.fmt(f),
            Self::Refuse => f.write_str("refuse"),
        }
    }
}
