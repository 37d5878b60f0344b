//! The definition of an event.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tidings_event::KeyPath;

use super::{Consumer, Deprecation, Example, Mapping, Owner, Personal};
use crate::payload::{Field, FieldPath, Payload};
use crate::source::{Location, Source};

/// The definition of one major version of an event type.
///
/// It comes from one YAML file, or from a bare `{type}.avsc`, which says neither what the event
/// means nor who owns it.
#[derive(Debug)]
#[non_exhaustive]
pub struct EventDefinition {
    /// The type, with its major version at the end.
    pub event_type: String,
    /// The minor version that this is, from 0.
    pub minorversion: i32,
    /// What happened, in a few words.
    pub title: Option<String>,
    /// What happened, when the event is sent, and what a consumer should know.
    pub description: Option<String>,
    /// Who emits it; `None` only in a bare Avro definition.
    pub owner: Option<Owner>,
    /// Where in the payload the key stands.
    pub key: Option<KeyPath>,
    /// The topics that it is published to, by their logical names.
    pub topics: Vec<String>,
    /// The schema of the payload.
    pub payload: Payload,
    /// What the fields mean, where the schema does not say it.
    pub field_descriptions: Vec<(FieldPath, String)>,
    /// Payloads as they may be.
    pub examples: Vec<Example>,
    /// The fields that hold personal data.
    pub personal: Vec<Personal>,
    /// Whether and when it goes away.
    pub deprecation: Option<Deprecation>,
    /// Who has declared to consume it.
    pub consumers: Vec<Consumer>,
    /// How to make the previous major version's payload of this one's.
    pub to_previous: Option<Mapping>,
    /// The lint rules that do not hold for it.
    pub allowances: Vec<Allowance>,
    pub(super) origin: Origin,
}

/// A lint rule that does not hold for a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Allowance {
    /// The code of the rule.
    pub rule: String,
    /// Why.
    pub reason: String,
}

#[derive(Debug)]
pub(super) enum Origin {
    /// A YAML file; its schema may stand in a second one.
    Document {
        source: Arc<Source>,
        schema: Option<Arc<Source>>,
    },
    /// A bare schema.
    Bare(Location),
}

/// How many references lead on from one another at most.
const MAX_REFERENCES: usize = 16;

/// Where the `$ref` of a schema leads, and what stands there.
fn reference<'s>(root: &'s Value, node: &Value) -> Option<(String, &'s Value)> {
    let pointer = node.get("$ref")?.as_str()?.strip_prefix('#')?;
    Some((pointer.to_owned(), root.pointer(pointer)?))
}

impl EventDefinition {
    /// A definition that a bare schema makes.
    pub(crate) fn bare(
        event_type: &str,
        minorversion: i32,
        payload: Payload,
        location: Location,
    ) -> Self {
        Self {
            event_type: event_type.to_owned(),
            minorversion,
            title: None,
            description: None,
            owner: None,
            key: None,
            topics: Vec::new(),
            payload,
            field_descriptions: Vec::new(),
            examples: Vec::new(),
            personal: Vec::new(),
            deprecation: None,
            consumers: Vec::new(),
            to_previous: None,
            allowances: Vec::new(),
            origin: Origin::Bare(location),
        }
    }

    /// The type without its major version: what its majors have in common.
    pub fn name(&self) -> &str {
        self.event_type
            .rsplit_once(".v")
            .map_or(&*self.event_type, |(name, _)| name)
    }

    /// The major version, if the type ends in one.
    pub fn major(&self) -> Option<u32> {
        let (_, major) = self.event_type.rsplit_once(".v")?;
        major.parse().ok()
    }

    /// The subject and the action: what stands between the subdomain and the major version.
    /// `None` if the type has no such form.
    pub fn subject_and_action(&self) -> Option<(&str, &str)> {
        let name = self.name();
        let subdomain = self.subdomain()?;
        let marker = format!(".{subdomain}.");
        let begin = name.find(&marker)? + marker.len();
        name[begin..].rsplit_once('.')
    }

    /// The subdomain: the owner's, or else the third part of the type.
    pub fn subdomain(&self) -> Option<&str> {
        match &self.owner {
            Some(owner) => Some(&owner.subdomain),
            None => self.event_type.split('.').nth(2),
        }
    }

    /// Every field of the payload with what is said of it.
    pub fn fields(&self) -> Vec<Field> {
        let mut fields = self.payload.fields();
        for field in &mut fields {
            let said = self
                .field_descriptions
                .iter()
                .find(|(path, _)| *path == field.path);
            if let Some((_, description)) = said {
                field.description = Some(description.clone());
            }
        }
        fields
    }

    /// The personal data that a field holds, by itself or because it stands in something that
    /// does.
    pub fn personal_data(&self, field: &FieldPath) -> Option<&Personal> {
        self.personal
            .iter()
            .find(|personal| field.is_within(&personal.field))
    }

    /// The file that defines it.
    pub fn path(&self) -> &Path {
        match &self.origin {
            Origin::Document { source, .. } => &source.path,
            Origin::Bare(location) => location.path(),
        }
    }

    /// Where a part of it stands, by the keys and indexes that lead there: `["pii", "0"]`. What
    /// is not there is located as near as it can be.
    pub fn locate(&self, keys: &[&str]) -> Location {
        match &self.origin {
            Origin::Document { source, .. } => {
                let span = source.root.locate(keys.iter().copied());
                match keys {
                    [] => source.at(source.root.locate(["type"])),
                    _ => source.at(span),
                }
            }
            Origin::Bare(location) => location.clone(),
        }
    }

    /// Where a part of a JSON Schema stands, by a JSON Pointer into it.
    pub fn locate_in_schema(&self, pointer: &str) -> Location {
        let segments = pointer.split('/').skip(1);
        let segments: Vec<String> = segments
            .map(|s| s.replace("~1", "/").replace("~0", "~"))
            .collect();
        let segments = segments.iter().map(String::as_str);
        match &self.origin {
            Origin::Document {
                schema: Some(schema),
                ..
            } => schema.at(schema.root.locate(segments)),
            Origin::Document {
                source,
                schema: None,
            } => source.at(source.root.locate(["schema"].into_iter().chain(segments))),
            Origin::Bare(location) => location.clone(),
        }
    }

    /// Where a field of the payload is declared, as near as it can be found.
    pub fn locate_field(&self, field: &FieldPath) -> Location {
        let Payload::Json(schema) = &self.payload else {
            return self.locate(&["avro_file"]);
        };
        let mut pointer = String::new();
        let mut node = schema.schema();
        let text = field.as_str().replace("[]", ".[]");
        for name in text.split('.').filter(|name| !name.is_empty()) {
            let next = match name {
                "[]" => ["items"].join("/"),
                "*" => "additionalProperties".to_owned(),
                name => format!("properties/{}", name.replace('~', "~0").replace('/', "~1")),
            };
            // What a schema refers to stands elsewhere in the file.
            for _ in 0..MAX_REFERENCES {
                let Some(target) = reference(schema.schema(), node) else {
                    break;
                };
                (pointer, node) = target;
            }
            let Some(found) = node.pointer(&format!("/{next}")) else {
                break;
            };
            pointer = format!("{pointer}/{next}");
            node = found;
        }
        self.locate_in_schema(&pointer)
    }
}
