//! The set of definitions.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tidings_event::avro::Schema;
use tidings_event::{Definition, Definitions};

/// The events that a bus knows: by type and minor version, and their schemas by fingerprint.
///
/// Catalogs are put together with [`and`](Self::and). Where two define the same minor version of
/// the same type, the later one wins, so that a site's own folder can replace what is built in;
/// within one folder two such files are an error. A schema that was replaced is still found by
/// its fingerprint: entries written with it stay readable.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    types: BTreeMap<Box<str>, BTreeMap<i32, Arc<Definition>>>,
    schemas: HashMap<Box<str>, Arc<Schema>>,
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
        for (event_type, versions) in later.types {
            self.types.entry(event_type).or_default().extend(versions);
        }
        self.schemas.extend(later.schemas);
        self
    }

    /// Adds a definition; gives the one that it replaces.
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

    /// All definitions, by type and then by minor version.
    pub fn definitions(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.types.values().flat_map(BTreeMap::values)
    }

    /// How many definitions there are.
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
}
