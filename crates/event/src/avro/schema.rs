//! A parsed schema.

use std::collections::HashMap;
use std::fmt;

use super::error::Result;
use super::{canonical, parse};

/// An Avro schema, parsed once and shared for reading and writing.
///
/// # Example
/// ```
/// use tidings_event::avro::Schema;
///
/// let schema = Schema::parse(r#"{"type": "record", "name": "Grade",
///     "fields": [{"name": "percent", "type": "double"}]}"#)?;
/// assert_eq!(schema.fingerprint().len(), 64);
/// # Ok::<(), tidings_event::avro::Error>(())
/// ```
pub struct Schema {
    // All nodes stand in one vector and name each other by index, so that a recursive schema
    // needs no reference counting and dropping one never recurses.
    nodes: Vec<Node>,
    root: NodeId,
    json: Box<str>,
    canonical: Box<str>,
    fingerprint: Box<str>,
}

pub(super) type NodeId = usize;

#[derive(Debug)]
pub(super) enum Node {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array(NodeId),
    Map(NodeId),
    Union(Box<[NodeId]>),
    Record(Record),
    Enum(Enum),
    Fixed(Fixed),
}

#[derive(Debug)]
pub(super) struct Record {
    pub(super) name: Box<str>,
    pub(super) fields: Vec<Field>,
    pub(super) index: HashMap<Box<str>, usize>,
}

impl Record {
    /// The position of a field, which is likely to be `guess`.
    pub(super) fn position(&self, name: &str, guess: usize) -> Option<usize> {
        match self.fields.get(guess) {
            Some(field) if *field.name == *name => Some(guess),
            _ => self.index.get(name).copied(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: Box<str>,
    pub(super) node: NodeId,
    /// The default as the schema's author wrote it. It is encoded when it is needed: encoding
    /// all of them at once would let nested defaults double at each level.
    pub(super) default: Option<Box<str>>,
}

#[derive(Debug)]
pub(super) struct Enum {
    pub(super) name: Box<str>,
    pub(super) symbols: Vec<Box<str>>,
    pub(super) index: HashMap<Box<str>, usize>,
}

#[derive(Debug)]
pub(super) struct Fixed {
    pub(super) name: Box<str>,
    pub(super) size: usize,
}

impl Schema {
    /// The longest schema that is read, in bytes.
    pub const MAX_LEN: usize = 1024 * 1024;

    /// Parses the JSON of an Avro 1.12 schema.
    ///
    /// A name must be defined before it is used (in the order of the text), as the
    /// specification asks. Hyphens in names are accepted, since a real event type has one
    /// (`org.openedx.enterprise.subsidy.redemption-reversed.v1`) and its type is the namespace.
    /// Logical types are read as the type underneath them.
    ///
    /// # Errors
    /// [`Schema`](super::ErrorKind::Schema) or [`Json`](super::ErrorKind::Json) with the place;
    /// [`TooLarge`](super::ErrorKind::TooLarge) beyond [`MAX_LEN`](Self::MAX_LEN);
    /// [`TooDeep`](super::ErrorKind::TooDeep) beyond [`MAX_DEPTH`](super::MAX_DEPTH).
    pub fn parse(json: &str) -> Result<Self> {
        let (nodes, root) = parse::parse(json)?;
        let canonical = canonical::canonical_form(&nodes, root).into_boxed_str();
        let fingerprint = canonical::sha256_hex(&canonical).into_boxed_str();
        Ok(Self {
            nodes,
            root,
            json: json.into(),
            canonical,
            fingerprint,
        })
    }

    /// The text it was parsed from: what a schema store keeps, since it still has the defaults.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The Parsing Canonical Form (Avro 1.12, "Parsing Canonical Form for Schemas").
    pub fn canonical_form(&self) -> &str {
        &self.canonical
    }

    /// SHA-256 of the canonical form, as 64 lower-case hex digits.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The fingerprint as the value of `dataschema`: `urn:tidings:avro:sha256:HEX`.
    pub fn urn(&self) -> String {
        format!("{URN_PREFIX}{}", self.fingerprint)
    }

    /// The full name of the record, enum or fixed at the top; for any other schema the name of its
    /// type, such as `string`.
    ///
    /// ```
    /// use tidings_event::avro::Schema;
    ///
    /// let name = |json: &str| Schema::parse(json).map(|schema| schema.name().to_owned());
    /// assert_eq!(name(r#"{"type": "record", "name": "A", "namespace": "b", "fields": []}"#)?, "b.A");
    /// assert_eq!(name(r#"{"type": "string", "name": "course_key"}"#)?, "string");
    /// # Ok::<(), tidings_event::avro::Error>(())
    /// ```
    pub fn name(&self) -> &str {
        parse::type_name(self.node(self.root))
    }

    pub(super) fn root(&self) -> NodeId {
        self.root
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema")
            .field("name", &self.name())
            .field("fingerprint", &self.fingerprint)
            .finish()
    }
}

impl PartialEq for Schema {
    /// Two schemas are equal when their canonical forms are: they read and write the same bytes.
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for Schema {}

const URN_PREFIX: &str = "urn:tidings:avro:sha256:";

/// The fingerprint in a `dataschema` of the form `urn:tidings:avro:sha256:HEX`; `None` for any
/// other URI, which then names something else.
pub fn fingerprint_of_urn(dataschema: &str) -> Option<&str> {
    let hex = dataschema.strip_prefix(URN_PREFIX)?;
    let valid = hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    valid.then_some(hex)
}
