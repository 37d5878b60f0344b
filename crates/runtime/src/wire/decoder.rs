//! From what stands in a log to an event.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};

use tidings_event::avro::Schema;
use tidings_event::openedx::{Entry, Error, ErrorKind, UnknownSchema};
use tidings_event::{Definitions, Event};
use tidings_transport::{Body, Field, Key, Result, SchemaId, Transport};
use tracing::warn;

/// Fetched schemas that are kept. A bus has hundreds of types at most; more is somebody else's
/// mistake, and costs a look-up each time instead of memory.
const MAX_FETCHED: usize = 2_000;

/// What a body turned out to be.
#[derive(Debug)]
pub enum Reading {
    /// An event.
    Event(Event),
    /// Nothing that this version can read, and why. Trying again will not help.
    Undecodable(String),
    /// An event, once the schema store tells this schema: ask [`Decoder::resolve`].
    Unresolved(SchemaId),
}

/// Reads bodies of every wire, and finds the keys of events.
pub struct Decoder {
    transport: Arc<dyn Transport>,
    definitions: Arc<dyn Definitions>,
    unknown_schema: UnknownSchema,
    /// Schemas that no definition has, from the schema store.
    fetched: Mutex<HashMap<String, Arc<Schema>>>,
}

impl Decoder {
    /// A decoder with these definitions, and the schema store of this log.
    pub fn new(transport: Arc<dyn Transport>, definitions: Arc<dyn Definitions>) -> Self {
        Self {
            transport,
            definitions,
            unknown_schema: UnknownSchema::default(),
            fetched: Mutex::new(HashMap::new()),
        }
    }

    /// Sets what to do with Open edX entries that do not name their schema.
    pub fn unknown_schema(mut self, setting: UnknownSchema) -> Self {
        self.unknown_schema = setting;
        self
    }

    /// Reads a body without I/O.
    pub fn read(&self, body: &Body) -> Reading {
        match body {
            Body::Document(document) => match Event::from_json(document) {
                Ok(event) => Reading::Event(event),
                Err(error) => Reading::Undecodable(error.to_string()),
            },
            Body::Fields(fields) => self.read_fields(fields),
        }
    }

    /// Reads a body, asking the schema store where that is needed.
    ///
    /// # Errors
    /// When the store does not answer. That it has no such schema is a
    /// [`Reading::Undecodable`].
    pub async fn resolve(&self, body: &Body) -> Result<Reading> {
        let id = match self.read(body) {
            Reading::Unresolved(id) => id,
            reading => return Ok(reading),
        };
        let unknown = || {
            Ok(Reading::Undecodable(format!(
                "its Avro schema {} is in no catalog and not in the schema store",
                id.as_str()
            )))
        };
        let Some(store) = self.transport.schema_store() else {
            return unknown();
        };
        let Some(json) = store.get_schema(&id).await? else {
            return unknown();
        };
        match Schema::parse(&json) {
            Ok(schema) if schema.fingerprint() == id.as_str() => {
                let schema = Arc::new(schema);
                let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
                if fetched.len() < MAX_FETCHED {
                    fetched.insert(id.as_str().to_owned(), schema.clone());
                }
                drop(fetched);
                Ok(match body {
                    Body::Fields(fields) => with_schema(fields, &schema),
                    Body::Document(_) => self.read(body),
                })
            }
            Ok(other) => Ok(Reading::Undecodable(format!(
                "the schema store has another schema ({}) under {}",
                other.fingerprint(),
                id.as_str()
            ))),
            Err(error) => Ok(Reading::Undecodable(format!(
                "the schema store has no valid Avro schema under {}: {error}",
                id.as_str()
            ))),
        }
    }

    /// The key of an event: what it states itself, or else what the definition of its type
    /// points to.
    pub fn key_of(&self, event: &Event) -> Option<Key> {
        if let Some(key) = event.partition_key() {
            return Some(Key::new(key));
        }
        let (ty, minor) = (event.event_type(), event.minorversion());
        let exact = self.definitions.definition(ty, minor);
        let definition = exact.or_else(|| self.definitions.definition(ty, None))?;
        match definition.key_path.as_ref()?.key_of(event) {
            Ok(key) => Some(Key::new(key)),
            Err(error) => {
                warn!(id = event.id(), r#type = ty, %error, "no key; it runs unordered");
                None
            }
        }
    }

    fn read_fields(&self, fields: &[Field]) -> Reading {
        let entry = match parse(fields) {
            Ok(entry) => entry,
            Err(error) => return undecodable(&error),
        };
        let error = match entry.schema(&*self.definitions, self.unknown_schema) {
            Ok(schema) => return decode(&entry, &schema),
            Err(error) => error,
        };
        let named = entry
            .fingerprint()
            .filter(|_| error.kind() == ErrorKind::UnknownFingerprint);
        let Some((fingerprint, id)) = named.and_then(|f| Some((f, SchemaId::new(f)?))) else {
            return undecodable(&error);
        };
        let fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let schema = fetched.get(fingerprint).cloned();
        drop(fetched);
        match schema {
            Some(schema) => decode(&entry, &schema),
            None => Reading::Unresolved(id),
        }
    }
}

fn parse(fields: &[Field]) -> Result<Entry<'_>, Error> {
    Entry::parse(fields.iter().map(|field| (&*field.name, &*field.value)))
}

fn with_schema(fields: &[Field], schema: &Schema) -> Reading {
    match parse(fields) {
        Ok(entry) => decode(&entry, schema),
        Err(error) => undecodable(&error),
    }
}

fn decode(entry: &Entry<'_>, schema: &Schema) -> Reading {
    match entry.decode(schema) {
        Ok(event) => Reading::Event(event),
        Err(error) => undecodable(&error),
    }
}

fn undecodable(error: &Error) -> Reading {
    Reading::Undecodable(match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })
}
