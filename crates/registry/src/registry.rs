//! A registry, and what it has told.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use tidings_transport::{Error, ErrorKind, Part, Result, SchemaRegistry, Topic};

use crate::client::Client;
use crate::{RegistryConfig, SubjectNames};

/// How many ids, and how many schemas, are remembered. A bus has thousands at most; more is
/// somebody else's mistake, and costs a question each time instead of memory.
const MAX_KNOWN: usize = 10_000;

/// A schema registry with Confluent's API.
pub struct Registry {
    client: Client,
    subjects: SubjectNames,
    register: bool,
    /// By subject and schema.
    ids: Known<(String, String), u32>,
    schemas: Known<u32, String>,
}

impl Registry {
    /// A client; it connects when it is first asked.
    ///
    /// # Errors
    /// `Invalid`, naming the setting that is wrong.
    pub fn new(config: RegistryConfig) -> Result<Self> {
        Ok(Self {
            client: Client::new(&config)?,
            subjects: config.subjects,
            register: config.register,
            ids: Known::default(),
            schemas: Known::default(),
        })
    }
}

#[async_trait]
impl SchemaRegistry for Registry {
    async fn register(&self, topic: &Topic, part: Part, name: &str, schema: &str) -> Result<u32> {
        let subject = self.subjects.subject(topic, part, name);
        let wanted = (subject, schema.to_owned());
        if let Some(id) = self.ids.get(&wanted) {
            return Ok(id);
        }
        let (subject, _) = &wanted;
        let found = match self.register {
            true => self.client.register(subject, schema).await?,
            false => self.client.look_up(subject, schema).await?,
        };
        let id = found.ok_or_else(|| {
            let message = format!(
                "the schema registry does not have this schema under the subject {subject:?}; \
                 register it there first"
            );
            Error::new(ErrorKind::Invalid, "put_schema", message)
        })?;
        self.ids.keep(wanted, id);
        Ok(id)
    }

    async fn schema(&self, id: u32) -> Result<Option<String>> {
        if let Some(schema) = self.schemas.get(&id) {
            return Ok(Some(schema));
        }
        let schema = self.client.schema(id).await?;
        if let Some(schema) = &schema {
            self.schemas.keep(id, schema.clone());
        }
        Ok(schema)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("subjects", &self.subjects)
            .field("register", &self.register)
            .finish_non_exhaustive()
    }
}

/// What does not change once it is known.
struct Known<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Default for Known<K, V> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: Eq + Hash, V: Clone> Known<K, V> {
    fn get(&self, key: &K) -> Option<V> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).cloned()
    }

    fn keep(&self, key: K, value: V) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MAX_KNOWN {
            known.insert(key, value);
        }
    }
}
