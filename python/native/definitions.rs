//! Definitions that Python gives, before those of the build.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use tidings::event::avro::Schema;
use tidings::{Definition, Definitions, KeyPath};

use crate::error::Failure;

/// The schemas of the packages installed beside us, then what the bus knows anyway.
///
/// A type that is here is read and written by these schemas alone: the entries that do not name
/// their schema come from the same packages.
pub(crate) struct Layered {
    by_type: HashMap<String, Arc<Own>>,
    by_fingerprint: HashMap<String, Arc<Own>>,
    below: Arc<dyn Definitions>,
}

/// A schema as text, read again by those who need it: a service knows many types and meets few.
struct Own {
    event_type: String,
    minor: i32,
    json: String,
    key_path: Option<KeyPath>,
    definition: OnceLock<Option<Arc<Definition>>>,
}

impl Own {
    fn definition(&self) -> Option<Arc<Definition>> {
        let read = || {
            // It was read before, so it can be read.
            let schema = Schema::parse(&self.json).ok()?;
            let definition = Definition::new(self.event_type.as_str(), self.minor);
            let mut definition = definition.with_schema(Arc::new(schema));
            if let Some(path) = &self.key_path {
                definition = definition.with_key_path(path.clone());
            }
            Some(Arc::new(definition))
        };
        self.definition.get_or_init(read).clone()
    }
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
            let own = Arc::new(Own {
                event_type: event_type.clone(),
                minor: *minor,
                json: json.clone(),
                key_path: layered.below.key_path(event_type),
                definition: OnceLock::new(),
            });
            let fingerprint = schema.fingerprint().to_owned();
            layered.by_fingerprint.insert(fingerprint, own.clone());
            layered.by_type.insert(event_type.clone(), own);
        }
        Ok(layered)
    }
}

impl Definitions for Layered {
    fn definition(&self, event_type: &str, minorversion: Option<i32>) -> Option<Arc<Definition>> {
        match self.by_type.get(event_type) {
            Some(own) if minorversion.is_none_or(|minor| minor == own.minor) => own.definition(),
            _ => self.below.definition(event_type, minorversion),
        }
    }

    fn key_path(&self, event_type: &str) -> Option<KeyPath> {
        match self.by_type.get(event_type) {
            Some(own) => own.key_path.clone(),
            None => self.below.key_path(event_type),
        }
    }

    fn schema(&self, fingerprint: &str) -> Option<Arc<Schema>> {
        let own = self.by_fingerprint.get(fingerprint);
        let own = own.and_then(|own| own.definition()?.schema.clone());
        own.or_else(|| self.below.schema(fingerprint))
    }
}
