//! Puts schemas where readers look for them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tidings_event::avro::Schema;
use tidings_transport::{Capability, Error as TransportError, Record, SchemaId, Transport};
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::PublishRetry;
use crate::wire::{KeyAvro, Numbered};

/// Stores each schema once per producer, before the first event that names it.
pub(super) struct SchemaShelf {
    transport: Arc<dyn Transport>,
    retry: PublishRetry,
    stored: Mutex<HashSet<String>>,
}

impl SchemaShelf {
    pub(super) fn new(transport: Arc<dyn Transport>, retry: PublishRetry) -> Self {
        Self {
            transport,
            retry,
            stored: Mutex::new(HashSet::new()),
        }
    }

    /// Until when a call that begins now may try.
    pub(super) fn deadline(&self) -> Instant {
        self.retry.until()
    }

    /// Sees to it that readers of a record will find its schema: in the log's schema store, or in
    /// its registry, whose numbers then stand in the record.
    pub(super) async fn shelve(
        &self,
        record: &mut Record,
        schema: &Schema,
        key: Option<&KeyAvro>,
        deadline: Instant,
    ) -> Result<(), TransportError> {
        let headers = self.transport.capabilities().has(Capability::Headers);
        let Some(registry) = self.transport.schema_registry().filter(|_| headers) else {
            return self.store(schema, deadline).await;
        };
        let numbered = Numbered {
            registry,
            schema,
            key,
        };
        let (numbered, sent) = (&numbered, &*record);
        let body = self.patiently(deadline, || numbered.body(sent)).await?;
        record.body = body;
        Ok(())
    }

    /// Returns when the schema is in the store. A log without one has readers with catalogs.
    async fn store(&self, schema: &Schema, deadline: Instant) -> Result<(), TransportError> {
        let fingerprint = schema.fingerprint();
        if self.stored().contains(fingerprint) {
            return Ok(());
        }
        let (Some(store), Some(id)) = (self.transport.schema_store(), SchemaId::new(fingerprint))
        else {
            return Ok(());
        };
        // Two publishes that come first together may both store it.
        let id = &id;
        self.patiently(deadline, || store.put_schema(id, schema.json()))
            .await?;
        self.stored().insert(fingerprint.to_owned());
        Ok(())
    }

    /// Tries until then. What is tried may be repeated without harm, so unknown outcomes are
    /// repeated in any case.
    async fn patiently<T, F>(
        &self,
        deadline: Instant,
        attempt: impl Fn() -> F,
    ) -> Result<T, TransportError>
    where
        F: Future<Output = Result<T, TransportError>>,
    {
        let mut failures = 0;
        loop {
            let error = match attempt().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            if !error.is_temporary() || Instant::now() >= deadline {
                return Err(error);
            }
            failures += 1;
            let wait = self.retry.backoff.draw(failures);
            debug!(%error, ?wait, "storing a schema failed; trying again");
            sleep(wait.min(deadline.duration_since(Instant::now()))).await;
        }
    }

    fn stored(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
