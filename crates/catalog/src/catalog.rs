//! The set of definitions.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tidings_event::avro::Schema;
use tidings_event::{Definition, Definitions};

use crate::EventDefinition;

/// The events that a bus knows.
///
/// Catalogs are put together with [`and`](Self::and). Where two define the same type, the later
/// one wins, so that a site's own folder can replace what is built in; within one folder two
/// files of one version are an error. A schema that was replaced is still found by its
/// fingerprint: entries written with it stay readable.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    events: BTreeMap<Box<str>, Arc<EventDefinition>>,
    types: BTreeMap<Box<str>, BTreeMap<i32, Arc<Definition>>>,
    schemas: HashMap<Box<str>, Arc<Schema>>,
    replaced: Vec<Arc<EventDefinition>>,
}

impl Catalog {
    /// A catalog without definitions.
    pub fn empty() -> Self {
        Self::default()
    }

    /// This catalog and another, whose definitions win over those of this one.
    ///
    /// # Example
    /// ```no_run
    /// use tidings_catalog::Catalog;
    ///
    /// let catalog = Catalog::openedx().and(Catalog::from_folder("events")?);
    /// # Ok::<(), tidings_catalog::Error>(())
    /// ```
    pub fn and(mut self, later: Self) -> Self {
        for (event_type, definition) in later.events {
            self.replaced
                .extend(self.events.insert(event_type, definition));
        }
        for (event_type, versions) in later.types {
            self.types.entry(event_type).or_default().extend(versions);
        }
        self.schemas.extend(later.schemas);
        self.replaced.extend(later.replaced);
        self
    }

    /// Adds a definition; among several of one type the highest minor version is the event's.
    pub(crate) fn add(&mut self, definition: EventDefinition) {
        let definition = Arc::new(definition);
        self.insert(definition.to_definition());
        let name = definition.event_type.as_str();
        let newest = self.events.get(name).is_none_or(|known| {
            definition.owner.is_some()
                || known.owner.is_none() && known.minorversion <= definition.minorversion
        });
        if newest {
            self.events.insert(name.into(), definition);
        }
    }

    /// Adds what the bus needs to know of a version; gives what it replaces. It has no
    /// [`EventDefinition`].
    pub fn insert(&mut self, definition: Definition) -> Option<Arc<Definition>> {
        if let Some(schema) = &definition.schema {
            self.schemas
                .insert(schema.fingerprint().into(), schema.clone());
        }
        self.types
            .entry(definition.event_type.clone())
            .or_default()
            .insert(definition.minorversion, Arc::new(definition))
    }

    /// The definition of a type.
    pub fn event(&self, event_type: &str) -> Option<&Arc<EventDefinition>> {
        self.events.get(event_type)
    }

    /// All events, by type.
    pub fn events(&self) -> impl ExactSizeIterator<Item = &Arc<EventDefinition>> {
        self.events.values()
    }

    /// The definitions of a type that later catalogs have replaced.
    pub fn replaced(&self) -> &[Arc<EventDefinition>] {
        &self.replaced
    }

    /// What the bus knows of each version, by type and then by minor version.
    pub fn definitions(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.types.values().flat_map(BTreeMap::values)
    }

    /// How many versions of types there are.
    pub fn len(&self) -> usize {
        self.types.values().map(BTreeMap::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Definitions for Catalog {
    fn definition(&self, event_type: &str, minorversion: Option<i32>) -> Option<Arc<Definition>> {
        let versions = self.types.get(event_type)?;
        match minorversion {
            Some(minor) => versions.get(&minor).cloned(),
            None => versions.last_key_value().map(|(_, newest)| newest.clone()),
        }
    }

    fn schema(&self, fingerprint: &str) -> Option<Arc<Schema>> {
        self.schemas.get(fingerprint).cloned()
    }

    /// Another version of the same event, or else the type whose spelling is most like it.
    fn nearest(&self, event_type: &str) -> Option<Box<str>> {
        let name = |text: &str| text.rsplit_once(".v").map(|(name, _)| name.to_owned());
        let likeness = |known: &str| match name(known) == name(event_type) {
            true => 1.0,
            false => strsim::jaro_winkler(known, event_type),
        };
        self.types
            .keys()
            .map(|known| (likeness(known), known))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, known)| known.clone())
    }
}
