//! The name of a field.

use std::fmt;

/// A field of a payload by the names that lead to it: `course.title`; `tags[].name` for what
/// every item of a list has, `scores.*` for every value of a map.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(String);

impl FieldPath {
    /// The payload itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// A member of this field.
    pub fn member(&self, name: &str) -> Self {
        match self.0.is_empty() {
            true => Self(name.to_owned()),
            false => Self(format!("{}.{name}", self.0)),
        }
    }

    /// The items of this list.
    pub fn items(&self) -> Self {
        Self(format!("{}[]", self.0))
    }

    /// The values of this map.
    pub fn values(&self) -> Self {
        self.member("*")
    }

    /// The path as text; empty for the payload itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last name: `name` of `tags[].name`.
    pub fn last(&self) -> &str {
        let last = self.0.rsplit('.').next().unwrap_or_default();
        last.trim_end_matches("[]")
    }

    /// Whether this is the other path, or leads to it, or comes from it: `course` and
    /// `course.title` concern each other.
    pub fn concerns(&self, other: &Self) -> bool {
        self.is_within(other) || other.is_within(self)
    }

    /// Whether this is the other path or something in it.
    pub fn is_within(&self, other: &Self) -> bool {
        other.0.is_empty()
            || self
                .0
                .strip_prefix(&other.0)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }
}

impl From<&str> for FieldPath {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_empty() {
            true => f.write_str("the payload"),
            false => f.write_str(&self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FieldPath;

    #[test]
    fn paths_know_what_concerns_them() {
        let path = |text: &str| FieldPath::from(text);
        assert!(path("course").concerns(&path("course.title")));
        assert!(path("course.title").concerns(&path("course")));
        assert!(path("tags[].name").is_within(&path("tags")));
        assert!(!path("course").concerns(&path("courses")));
        assert!(!path("course.a").concerns(&path("course.b")));
        assert!(path("x").concerns(&FieldPath::root()));
        assert_eq!(
            FieldPath::root()
                .member("tags")
                .items()
                .member("name")
                .as_str(),
            "tags[].name"
        );
        assert_eq!(
            (path("tags[].name").last(), path("a.tags[]").last()),
            ("name", "tags")
        );
    }
}
