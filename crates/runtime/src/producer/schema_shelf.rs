//! Puts schemas where readers look for them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tidings_event::avro::Schema;
use tidings_transport::{Error as TransportError, SchemaId, Transport};
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::PublishRetry;

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
        Instant::now() + self.retry.deadline
    }

    /// Returns when the schema is in the store. A log without one has readers with catalogs.
    pub(super) async fn ensure(
        &self,
        schema: &Schema,
        deadline: Instant,
    ) -> Result<(), TransportError> {
        let fingerprint = schema.fingerprint();
        if self.stored().contains(fingerprint) {
            return Ok(());
        }
        let (Some(store), Some(id)) = (self.transport.schema_store(), SchemaId::new(fingerprint))
        else {
            return Ok(());
        };
        let mut failures = 0;
        // Storing one twice is harmless, so unknown outcomes are repeated in any case; and two
        // publishes that come first together may both store it.
        while let Err(error) = store.put_schema(&id, schema.json()).await {
            if !error.is_temporary() || Instant::now() >= deadline {
                return Err(error);
            }
            failures += 1;
            let wait = self.retry.backoff.draw(failures);
            debug!(%error, ?wait, "storing a schema failed; trying again");
            sleep(wait.min(deadline.duration_since(Instant::now()))).await;
        }
        self.stored().insert(fingerprint.to_owned());
        Ok(())
    }

    fn stored(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
