//! From what stands in a log to an event.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidings_event::avro::Schema;
use tidings_event::openedx::{Entry, Error, ErrorKind, UnknownSchema};
use tidings_event::{Definitions, Event};
use tidings_transport::{self as transport, Body, Field, Key, Result, SchemaId, Transport};
use tracing::warn;

use super::message::Parts;

/// Fetched schemas that are kept. A bus has hundreds of types at most; more is somebody else's
/// mistake, and costs a look-up each time instead of memory.
const MAX_FETCHED: usize = 2_000;

/// What a body turned out to be.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every body is an event, and a box for each would be one more allocation"
)]
pub enum Reading {
    /// An event.
    Event(Event),
    /// Nothing that this version can read, and why. Trying again will not help.
    Undecodable(String),
    /// An event, once this schema is told: ask [`Decoder::resolve`].
    Unresolved(WantedSchema),
}

/// A schema that a body names and no catalog has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WantedSchema {
    /// By its fingerprint, from the log's schema store.
    Stored(SchemaId),
    /// By its number, from the log's schema registry.
    Registered(u32),
}

impl fmt::Display for WantedSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored(id) => f.write_str(id.as_str()),
            Self::Registered(id) => write!(f, "{id} of the registry"),
        }
    }
}

/// Reads bodies of every wire, and finds the keys of events.
pub struct Decoder {
    transport: Arc<dyn Transport>,
    definitions: Arc<dyn Definitions>,
    unknown_schema: UnknownSchema,
    /// Schemas that no definition has.
    fetched: Mutex<HashMap<WantedSchema, Arc<Schema>>>,
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
            Body::Document(document) => match Event::from_shared_json(document.clone()) {
                Ok(event) => Reading::Event(event),
                Err(error) => Reading::Undecodable(error.to_string()),
            },
            Body::Fields(fields) => self.read_fields(fields),
        }
    }

    /// Reads a body, asking the schema store or the registry where that is needed.
    ///
    /// # Errors
    /// When the one to ask does not answer, or there is none. That it has no such schema is a
    /// [`Reading::Undecodable`].
    pub async fn resolve(&self, body: &Body) -> Result<Reading> {
        let wanted = match self.read(body) {
            Reading::Unresolved(wanted) => wanted,
            reading => return Ok(reading),
        };
        let fetched = match &wanted {
            WantedSchema::Stored(id) => self.stored(id).await?,
            WantedSchema::Registered(id) => self.registered(*id).await?,
        };
        let schema = match fetched {
            Ok(schema) => Arc::new(schema),
            Err(why) => return Ok(Reading::Undecodable(why)),
        };
        let mut fetched = self.fetched();
        if fetched.len() < MAX_FETCHED {
            fetched.insert(wanted, schema.clone());
        }
        drop(fetched);
        Ok(match body {
            Body::Fields(fields) => with_schema(fields, &schema),
            Body::Document(_) => self.read(body),
        })
    }

    /// What the schema store has under a fingerprint, or what is wrong with that.
    async fn stored(&self, id: &SchemaId) -> Result<Result<Schema, String>> {
        let unknown = || {
            let id = id.as_str();
            Ok(Err(format!(
                "its Avro schema {id} is in no catalog and not in the schema store"
            )))
        };
        let Some(store) = self.transport.schema_store() else {
            return unknown();
        };
        let Some(json) = store.get_schema(id).await? else {
            return unknown();
        };
        Ok(match Schema::parse(&json) {
            Ok(schema) if schema.fingerprint() == id.as_str() => Ok(schema),
            Ok(other) => Err(format!(
                "the schema store has another schema ({}) under {}",
                other.fingerprint(),
                id.as_str()
            )),
            Err(error) => Err(format!(
                "the schema store has no valid Avro schema under {}: {error}",
                id.as_str()
            )),
        })
    }

    /// What the registry has under a number, or what is wrong with that.
    async fn registered(&self, id: u32) -> Result<Result<Schema, String>> {
        let Some(registry) = self.transport.schema_registry() else {
            let message = format!(
                "a message names schema {id} of a schema registry, and the bus has none; add \
                 registry=URL to the bus's URL"
            );
            let kind = transport::ErrorKind::Invalid;
            return Err(transport::Error::new(kind, "get_schema", message));
        };
        let Some(json) = registry.schema(id).await? else {
            return Ok(Err(format!(
                "the schema registry has no Avro schema {id}: another registry gave out this id"
            )));
        };
        Ok(Schema::parse(&json)
            .map_err(|e| format!("schema {id} of the registry is no valid Avro schema: {e}")))
    }

    /// A schema that was fetched before.
    pub fn known(&self, wanted: &WantedSchema) -> Option<Arc<Schema>> {
        self.fetched().get(wanted).cloned()
    }

    fn fetched(&self) -> MutexGuard<'_, HashMap<WantedSchema, Arc<Schema>>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
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
        let Some(parts) = Parts::of(fields) else {
            return self.read_entry(fields);
        };
        let message = match parts.numbered() {
            Some(Ok(message)) => message,
            Some(Err(error)) => return undecodable(&error),
            None => {
                return match parts.decode() {
                    Ok(event) => Reading::Event(event),
                    Err(error) => Reading::Undecodable(error.to_string()),
                };
            }
        };
        let wanted = WantedSchema::Registered(message.schema_id());
        match self.known(&wanted) {
            Some(schema) => reading(message.decode(&schema)),
            None => Reading::Unresolved(wanted),
        }
    }

    fn read_entry(&self, fields: &[Field]) -> Reading {
        let entry = match parse(fields) {
            Ok(entry) => entry,
            Err(error) => return undecodable(&error),
        };
        let error = match entry.schema(&*self.definitions, self.unknown_schema) {
            Ok(schema) => return reading(entry.decode(&schema)),
            Err(error) => error,
        };
        let named = entry
            .fingerprint()
            .filter(|_| error.kind() == ErrorKind::UnknownFingerprint);
        let Some(id) = named.and_then(SchemaId::new) else {
            return undecodable(&error);
        };
        let wanted = WantedSchema::Stored(id);
        match self.known(&wanted) {
            Some(schema) => reading(entry.decode(&schema)),
            None => Reading::Unresolved(wanted),
        }
    }
}

fn parse(fields: &[Field]) -> Result<Entry<'_>, Error> {
    Entry::parse(fields.iter().map(|field| (&*field.name, &*field.value)))
}

fn with_schema(fields: &[Field], schema: &Schema) -> Reading {
    let numbered = Parts::of(fields).and_then(|parts| parts.numbered());
    reading(match numbered {
        Some(message) => message.and_then(|message| message.decode(schema)),
        None => parse(fields).and_then(|entry| entry.decode(schema)),
    })
}

fn reading(decoded: Result<Event, Error>) -> Reading {
    match decoded {
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
