//! What can be wrong with the files of a catalog.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

use crate::source::Location;

/// `Result` with the catalog's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file or folder could not be read.
    Io,
    /// A file's name is not `{type}.avsc` or `{type}@{minorversion}.avsc`.
    Name,
    /// A file is not YAML.
    Syntax,
    /// A key or a value of a definition is missing, unknown or wrong.
    Value,
    /// A schema is no Avro schema, or no JSON Schema.
    Schema,
    /// Two files of one folder define the same version of the same type.
    Conflict,
}

/// One thing that is wrong, where, and what to do about it.
#[derive(Debug)]
pub struct Problem {
    kind: ErrorKind,
    location: Location,
    message: Box<str>,
    help: Option<Box<str>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Problem {
    pub(crate) fn new(kind: ErrorKind, location: Location, message: impl Into<Box<str>>) -> Self {
        Self {
            kind,
            location,
            message: message.into(),
            help: None,
            source: None,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<Box<str>>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Where: the file, and the part of it if it was read that far.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn remedy(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for Problem {
    /// `PATH:LINE:COLUMN: what is wrong; what to do`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with the files of a catalog, in the order of the files.
#[derive(Debug)]
pub struct Error {
    // At least one.
    problems: Vec<Problem>,
}

impl Error {
    /// What went wrong first.
    pub fn kind(&self) -> ErrorKind {
        self.problems[0].kind
    }

    /// The first file or folder at fault.
    pub fn path(&self) -> &Path {
        self.problems[0].location.path()
    }

    /// All problems, at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// An error, if there are problems.
    pub(crate) fn check(problems: Vec<Problem>) -> Result<()> {
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Self { problems }),
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

impl fmt::Display for Error {
    /// One problem a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.problems[0].source.as_deref().map(|e| e as _)
    }
}
