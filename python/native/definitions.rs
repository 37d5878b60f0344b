//! Definitions that Python gives, before those of the build.

use std::collections::HashMap;
use std::sync::Arc;

use tidings::event::avro::Schema;
use tidings::{Definition, Definitions};

use crate::error::Failure;

/// The schemas of the packages installed beside us, then what the bus knows anyway.
///
/// A type that is here is read and written by these schemas alone: the entries that do not name
/// their schema come from the same packages.
pub(crate) struct Layered {
    by_type: HashMap<String, Arc<Definition>>,
    by_fingerprint: HashMap<String, Arc<Schema>>,
    below: Arc<dyn Definitions>,
}

impl Layered {
    pub(crate) fn new(
        given: &[(String, i32, String)],
        below: Arc<dyn Definitions>,
    ) -> Result<Self, Failure> {
        let mut layered = Self {
            by_type: HashMap::new(),
            by_fingerprint: HashMap::new(),
            below,
        };
        for (event_type, minor, json) in given {
            let schema = Schema::parse(json)
                .map_err(|e| Failure::invalid(format!("the schema of {event_type}: {e}")))?;
            let schema = Arc::new(schema);
            let mut definition =
                Definition::new(event_type.as_str(), *minor).with_schema(schema.clone());
            let other = layered.below.definition(event_type, None);
            if let Some(path) = other.and_then(|d| d.key_path.clone()) {
                definition = definition.with_key_path(path);
            }
            let fingerprint = schema.fingerprint().to_owned();
            layered.by_fingerprint.insert(fingerprint, schema);
            let definition = Arc::new(definition);
            layered.by_type.insert(event_type.clone(), definition);
        }
        Ok(layered)
    }
}

impl Definitions for Layered {
    fn definition(&self, event_type: &str, minorversion: Option<i32>) -> Option<Arc<Definition>> {
        match self.by_type.get(event_type) {
            Some(own) if minorversion.is_none_or(|minor| minor == own.minorversion) => {
                Some(own.clone())
            }
            _ => self.below.definition(event_type, minorversion),
        }
    }

    fn schema(&self, fingerprint: &str) -> Option<Arc<Schema>> {
        let own = self.by_fingerprint.get(fingerprint).cloned();
        own.or_else(|| self.below.schema(fingerprint))
    }
}
