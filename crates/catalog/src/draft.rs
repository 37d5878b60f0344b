//! The text of a new definition.

mod members;
mod yaml;

use std::fmt::Write;
use std::str::FromStr;

use members::{Member, Members};
use yaml::scalar;

/// A definition that is being written.
///
/// # Example
/// ```
/// use tidings_catalog::{Catalog, Draft};
///
/// let mut draft = Draft::new("org.example.catalog.course.created.v1", "catalog", "catalog");
/// draft.title = "Course created".into();
/// draft.description = "A course was created. Sent once its first draft is saved.".into();
/// draft.key = "course.key".into();
/// draft.add("course.key=string".parse()?)?;
/// draft.add("course.start=date-time?".parse()?)?;
/// let catalog = Catalog::from_texts([("a.yaml", draft.to_yaml())])?;
/// assert_eq!(catalog.events().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Draft {
    /// The type.
    pub event_type: String,
    /// The service that emits it.
    pub service: String,
    /// The subdomain that the service belongs to.
    pub subdomain: String,
    /// Who to ask.
    pub team: Option<String>,
    /// What happened, in a few words.
    pub title: String,
    /// What happened, and when the event is sent.
    pub description: String,
    /// The path of the key; empty if there is none.
    pub key: String,
    /// The topics.
    pub topics: Vec<String>,
    /// The fields of the payload.
    pub fields: Vec<DraftField>,
}

/// A field of a [`Draft`], written as `PATH=TYPE`, with `?` at the end if it is optional.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftField {
    path: Vec<String>,
    kind: FieldKind,
    list: bool,
    optional: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FieldKind {
    name: &'static str,
    schema: &'static str,
    example: &'static str,
}

const KINDS: [FieldKind; 9] = [
    kind("string", "type: string", ""),
    kind("integer", "type: integer", "1"),
    kind("number", "type: number", "1.5"),
    kind("boolean", "type: boolean", "true"),
    kind(
        "date-time",
        "type: string, format: date-time",
        "\"2026-11-26T12:00:00Z\"",
    ),
    kind("date", "type: string, format: date", "\"2026-11-26\""),
    kind(
        "uuid",
        "type: string, format: uuid",
        "\"8353e8ea-e784-11f1-8511-02fc00000001\"",
    ),
    kind(
        "uri",
        "type: string, format: uri",
        "\"https://example.org/\"",
    ),
    kind(
        "email",
        "type: string, format: email",
        "\"ada@example.org\"",
    ),
];

const fn kind(name: &'static str, schema: &'static str, example: &'static str) -> FieldKind {
    FieldKind {
        name,
        schema,
        example,
    }
}

/// Why a text is no field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidField {
    /// There is no `=`, or nothing before it, or a name is empty.
    #[error("a field is written as PATH=TYPE, like course.title=string")]
    Form,
    /// It is a member of what a list holds.
    #[error(
        "`{0}` is inside of a list, and a draft knows lists of plain values only: leave it out, and write it into the file"
    )]
    InList(String),
    /// The type is none that a draft can have.
    #[error(
        "no such type {0:?}; there are string, integer, number, boolean, date-time, date, uuid, uri, email, and lists of them, like string[]"
    )]
    Kind(String),
    /// There is a field of that path already.
    #[error("`{0}` is a field already")]
    Twice(String),
    /// It would stand in a field that is no object, or be one that holds others.
    #[error("`{0}` cannot be a value and hold other fields too")]
    Nested(String),
}

impl FromStr for DraftField {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let (path, kind) = text.split_once('=').ok_or(InvalidField::Form)?;
        if path.contains(['[', ']']) {
            return Err(InvalidField::InList(path.trim().chars().take(80).collect()));
        }
        let path: Vec<String> = path.trim().split('.').map(str::to_owned).collect();
        let valid = |name: &String| {
            !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        if !path.iter().all(valid) {
            return Err(InvalidField::Form);
        }
        let kind = kind.trim();
        let (kind, optional) = match kind.strip_suffix('?') {
            Some(kind) => (kind, true),
            None => (kind, false),
        };
        let (name, list) = match kind.strip_suffix("[]") {
            Some(name) => (name, true),
            None => (kind, false),
        };
        let found = KINDS.into_iter().find(|known| known.name == name);
        Ok(Self {
            path,
            kind: found.ok_or_else(|| InvalidField::Kind(kind.chars().take(40).collect()))?,
            list,
            optional,
        })
    }
}

impl Draft {
    /// A draft that says no more than whose it is.
    pub fn new(
        event_type: impl Into<String>,
        service: impl Into<String>,
        subdomain: impl Into<String>,
    ) -> Self {
        Self {
            event_type: event_type.into(),
            service: service.into(),
            subdomain: subdomain.into(),
            team: None,
            title: String::new(),
            description: String::new(),
            key: String::new(),
            topics: Vec::new(),
            fields: Vec::new(),
        }
    }

    /// Adds a field to the payload.
    ///
    /// # Errors
    /// When there is one of this path already, or one of the two would stand in the other.
    pub fn add(&mut self, field: DraftField) -> Result<(), InvalidField> {
        for known in &self.fields {
            let shorter = known.path.len().min(field.path.len());
            if known.path[..shorter] == field.path[..shorter] {
                let path = field.path[..shorter].join(".");
                return Err(match known.path.len() == field.path.len() {
                    true => InvalidField::Twice(path),
                    false => InvalidField::Nested(path),
                });
            }
        }
        self.fields.push(field);
        Ok(())
    }

    /// The definition as YAML, with an example of its payload.
    pub fn to_yaml(&self) -> String {
        let mut text = String::new();
        let mut line = |line: String| {
            // Writing to a text does not fail.
            let _ = writeln!(text, "{line}");
        };
        line(format!("type: {}", scalar(&self.event_type)));
        line("minorversion: 0".into());
        if !self.title.is_empty() {
            line(format!("title: {}", scalar(&self.title)));
        }
        if !self.description.is_empty() {
            line(format!("description: {}", scalar(&self.description)));
        }
        line("owner:".into());
        line(format!("  service: {}", scalar(&self.service)));
        line(format!("  subdomain: {}", scalar(&self.subdomain)));
        if let Some(team) = &self.team {
            line(format!("  team: {}", scalar(team)));
        }
        if !self.key.is_empty() {
            line(format!("key: {}", scalar(&self.key)));
        }
        if !self.topics.is_empty() {
            line("topics:".into());
            self.topics
                .iter()
                .for_each(|topic| line(format!("  - {}", scalar(topic))));
        }
        let members = self.members();
        line("schema:".into());
        members.write_schema(2, &mut line);
        line("examples:".into());
        line("  - data:".into());
        members.write_example(6, &mut line);
        text
    }

    fn members(&self) -> Members {
        let mut members = Members::default();
        for field in &self.fields {
            let mut at = &mut members;
            let (last, parents) = field.path.split_last().expect("a path has a name");
            for name in parents {
                at = at.object(name);
            }
            at.add(last, Member::Field(field.clone()));
        }
        members
    }
}
