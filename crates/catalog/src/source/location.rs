//! Where in a file something stands.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A file, and the part of it that something is about.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    path: Arc<Path>,
    text: Option<Arc<str>>,
    span: Option<Range<usize>>,
}

impl Location {
    /// The whole of a file or folder.
    pub(crate) fn file(path: &Path) -> Self {
        Self {
            path: path.into(),
            text: None,
            span: None,
        }
    }

    /// A part of a text, in bytes.
    pub(crate) fn within(path: Arc<Path>, text: Arc<str>, span: Range<usize>) -> Self {
        Self {
            path,
            text: Some(text),
            span: Some(span),
        }
    }

    /// The file or folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text of the file, where it was read.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The part of the text, in bytes.
    pub fn span(&self) -> Option<Range<usize>> {
        self.span.clone()
    }

    /// Line and column of the part's beginning, both from 1; the column counts characters.
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        let (text, span) = (self.text.as_deref()?, self.span.as_ref()?);
        let before = text.get(..span.start)?;
        let line = 1 + before.matches('\n').count();
        let begin = before.rfind('\n').map_or(0, |at| at + 1);
        Some((line, 1 + before[begin..].chars().count()))
    }
}

impl fmt::Display for Location {
    /// `PATH:LINE:COLUMN`, or the path alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        match self.line_and_column() {
            Some((line, column)) => write!(f, ":{line}:{column}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}
