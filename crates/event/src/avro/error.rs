//! What can be wrong with a schema, with Avro bytes, or with JSON that shall become Avro.

use std::fmt;

/// `Result` with the codec's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. Nothing here is mended by trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The schema is not a valid Avro schema.
    Schema,
    /// The text is not JSON.
    Json,
    /// The JSON has a field that the schema does not: encoding would lose it.
    UnknownField,
    /// The JSON lacks a field that has no default.
    MissingField,
    /// The JSON value is of another type than the schema asks for.
    WrongType,
    /// A number is outside the range of its type, or not finite.
    OutOfRange,
    /// The bytes end before the schema does.
    Truncated,
    /// Bytes are left after the last field: another schema wrote them.
    TrailingBytes,
    /// The bytes cannot have been written with this schema.
    Invalid,
    /// Nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    TooDeep,
    /// The result would be out of all proportion to the input.
    TooLarge,
}

/// An error of the Avro codec: its kind, the place, and words for people.
///
/// The place is a path of field names from the schema, like
/// `enrollment.user.pii.email` or `tags[3]`; it is empty at the top. Neither path nor message
/// holds values; keys of maps count as values and are written `[*]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    // Innermost first: each level of the walk adds its own on the way out, so that the way in
    // costs nothing.
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Field(String),
    Item(usize),
    Value,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            segments: Vec::new(),
        }
    }

    pub(super) fn in_field(mut self, name: &str) -> Self {
        self.segments.push(Segment::Field(printable(name)));
        self
    }

    pub(super) fn in_item(mut self, index: usize) -> Self {
        self.segments.push(Segment::Item(index));
        self
    }

    pub(super) fn in_map(mut self) -> Self {
        self.segments.push(Segment::Value);
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where in a JSON payload, as a JSON Pointer (RFC 6901); empty at the top.
    pub fn pointer(&self) -> String {
        let mut pointer = String::new();
        for segment in self.segments.iter().rev() {
            pointer.push('/');
            match segment {
                Segment::Field(name) => pointer.push_str(name),
                Segment::Item(index) => pointer.push_str(&index.to_string()),
                Segment::Value => pointer.push('*'),
            }
        }
        pointer
    }

    /// Where, as a path of field names; empty at the top.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for segment in self.segments.iter().rev() {
            match segment {
                Segment::Field(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                Segment::Item(index) => path.push_str(&format!("[{index}]")),
                Segment::Value => path.push_str("[*]"),
            }
        }
        path
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.segments.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path(), self.message)
        }
    }
}

impl std::error::Error for Error {}

/// A name from a schema or from somebody's JSON, fit for one line of a log.
pub(crate) fn printable(name: &str) -> String {
    const MAX: usize = 80;
    let mut text: String = name
        .chars()
        .take(MAX)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if name.chars().nth(MAX).is_some() {
        text.push('…');
    }
    text
}
