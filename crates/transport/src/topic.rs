//! The name of a log.

use std::fmt;
use std::sync::Arc;

use crate::{Error, ErrorKind};

/// The full, physical name of a topic (with its prefix, if one is set). Cheap to clone.
///
/// 1 to 200 characters of printable ASCII, without white space, quotes, backslash, braces
/// (which Redis Cluster reads as hash tags) and the glob characters `*?[]`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(Arc<str>);

impl Topic {
    /// The longest name, in bytes. Leaves room for the names that logs derive from it.
    pub const MAX_LEN: usize = 200;

    /// Checks a name.
    ///
    /// ```
    /// # use tidings_transport::Topic;
    /// assert!(Topic::new("stage-course-catalog").is_ok());
    /// assert!(Topic::new("courses{1}").is_err());
    /// ```
    ///
    /// # Errors
    /// `Invalid`, with the rule that the name breaks.
    pub fn new(name: impl AsRef<str>) -> Result<Self, Error> {
        let name = name.as_ref();
        check_name("topic", name, Self::MAX_LEN)?;
        Ok(Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The rule for names of topics and groups: they become parts of key names on logs.
pub(crate) fn check_name(what: &str, name: &str, max: usize) -> Result<(), Error> {
    let refuse = |rule: String| {
        Err(Error::new(
            ErrorKind::Invalid,
            "name",
            format!("{what} name {name:?}: {rule}"),
        ))
    };
    if name.is_empty() || name.len() > max {
        return refuse(format!("must have 1 to {max} characters"));
    }
    // Each publish comes through here: bytes are looked at, and a character only to be named.
    let refused = |b: u8| !b.is_ascii_graphic() || br#"{}*?[]\"'`"#.contains(&b);
    if let Some(at) = name.bytes().position(refused)
        && let Some(c) = name[at..].chars().next()
    {
        return refuse(format!(
            "must not contain {c:?}; use letters, digits, '-', '_' and '.'"
        ));
    }
    Ok(())
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::str::FromStr for Topic {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self, Error> {
        Self::new(name)
    }
}
