//! What a rule looks at.

use std::collections::HashMap;
use std::sync::Arc;

use super::LintSettings;
use crate::{Catalog, EventDefinition, Field, FieldPath};

/// One definition, and what stands around it.
pub(super) struct Subject<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) event: &'a EventDefinition,
    /// The fields of its payload.
    pub(super) fields: &'a [Field],
    pub(super) index: &'a Index<'a>,
    pub(super) settings: &'a LintSettings,
    /// The rule that looks.
    pub(super) rule: &'static str,
}

impl<'a> Subject<'a> {
    /// A list of the settings of this rule.
    pub(super) fn list(&self, name: &str) -> &'a [String] {
        self.settings.list(self.rule, name)
    }

    /// Whether a list of the settings has a word.
    pub(super) fn lists(&self, name: &str, word: &str) -> bool {
        self.list(name).iter().any(|listed| listed == word)
    }

    /// Whether the definition says nothing but its schema, so that only the schema can be judged.
    pub(super) fn is_bare(&self) -> bool {
        self.event.owner.is_none()
    }

    /// The field of a path.
    pub(super) fn field(&self, path: &FieldPath) -> Option<&'a Field> {
        self.fields.iter().find(|field| field.path == *path)
    }
}

/// The definitions of a catalog by what they have in common.
pub(super) struct Index<'a> {
    by_name: HashMap<&'a str, Vec<&'a Arc<EventDefinition>>>,
    by_subject: HashMap<String, Vec<&'a Arc<EventDefinition>>>,
}

impl<'a> Index<'a> {
    pub(super) fn of(catalog: &'a Catalog) -> Self {
        let mut index = Self {
            by_name: HashMap::new(),
            by_subject: HashMap::new(),
        };
        for event in catalog.events() {
            index.by_name.entry(event.name()).or_default().push(event);
            if let Some(subject) = subject_of(event) {
                index.by_subject.entry(subject).or_default().push(event);
            }
        }
        index
    }

    /// The majors of an event, itself among them.
    pub(super) fn majors(&self, event: &EventDefinition) -> &[&'a Arc<EventDefinition>] {
        self.by_name.get(event.name()).map_or(&[], Vec::as_slice)
    }

    /// The events about the same subject, itself among them.
    pub(super) fn siblings(&self, event: &EventDefinition) -> &[&'a Arc<EventDefinition>] {
        let found = subject_of(event).and_then(|subject| self.by_subject.get(&subject));
        found.map_or(&[], Vec::as_slice)
    }
}

/// The subdomain and the subject of an event, as one name.
fn subject_of(event: &EventDefinition) -> Option<String> {
    let (subject, _) = event.subject_and_action()?;
    Some(format!("{} {subject}", event.subdomain()?))
}
