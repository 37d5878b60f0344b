//! How a producer is set up.

use std::sync::Arc;

use tidings_event::Definitions;
use tidings_event::profile::Mode;
use tidings_telemetry::Telemetry;
use tidings_transport::{Capability, Error as TransportError, ErrorKind, Transport};

use super::outlet::{Bounds, Outlet};
use super::preparation::Preparation;
use super::schema_shelf::SchemaShelf;
use super::{Operation, Producer, PublishRetry};
use crate::Namespace;
use crate::wire::Wire;

/// Sets up a [`Producer`].
#[must_use = "a producer is made by `build`"]
pub struct ProducerBuilder {
    transport: Arc<dyn Transport>,
    preparation: Preparation,
    retry: PublishRetry,
    bounds: Bounds,
}

impl ProducerBuilder {
    /// A producer with defaults and no routes.
    pub fn new(transport: Arc<dyn Transport>, definitions: Arc<dyn Definitions>) -> Self {
        Self {
            transport,
            preparation: Preparation::new(definitions),
            retry: PublishRetry::default(),
            bounds: Bounds {
                queue_count: 10_000,
                queue_bytes: 64 * 1024 * 1024,
                batch_count: 500,
                batch_bytes: 1024 * 1024,
            },
        }
    }

    /// Puts a prefix before the names of topics.
    pub fn namespace(mut self, namespace: Namespace) -> Self {
        self.preparation = self.preparation.with_namespace(namespace);
        self
    }

    crate::preparation_settings!();

    /// Forwards what was held to the catalog before, as a relay does: nothing is held to it
    /// again, and no earlier major versions are added.
    pub fn forwarding(mut self) -> Self {
        self.preparation = self.preparation.forwarding();
        self
    }

    /// The wire to write. Default: native.
    pub fn wire(mut self, wire: Wire) -> Self {
        self.preparation = self.preparation.with_wire(wire);
        self
    }

    /// The wire to write to one topic, by its logical name.
    pub fn topic_wire(mut self, topic: impl Into<String>, wire: Wire) -> Self {
        self.preparation = self.preparation.with_topic_wire(topic, wire);
        self
    }

    /// How strictly the OEP-41 profile runs. Default: `Enforce`; `Warn` where the Open edX wire
    /// is written, since some of its real types and every `source` break the rules.
    pub fn profile(mut self, mode: Mode) -> Self {
        self.preparation = self.preparation.with_profile(mode);
        self
    }

    /// When to send again by itself. Default: for 10 s what the log certainly did not store.
    pub fn retry(mut self, retry: PublishRetry) -> Self {
        self.retry = retry;
        self
    }

    /// Bounds what waits for the log: events (default 10,000) and bytes (default 64 MiB).
    /// Beyond it, publishing waits.
    pub fn queue(mut self, events: usize, bytes: usize) -> Self {
        self.bounds.queue_count = events.max(1);
        self.bounds.queue_bytes = bytes.max(1);
        self
    }

    /// Bounds one batch: events (default 500) and bytes (default 1 MiB); at least one event.
    pub fn batch(mut self, events: usize, bytes: usize) -> Self {
        self.bounds.batch_count = events.max(1);
        self.bounds.batch_bytes = bytes;
        self
    }

    /// What spans say is done with its events. Default: they are published.
    pub fn operation(mut self, operation: Operation) -> Self {
        self.preparation = self.preparation.with_operation(operation);
        self
    }

    /// What it tells of itself: metrics, health, traces. Default: nothing.
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.preparation = self.preparation.with_telemetry(telemetry);
        self
    }

    /// Makes the producer.
    ///
    /// # Errors
    /// `Invalid`, when a route's topic is no valid name; `Unsupported`, when the log cannot carry
    /// a wire that is to be written.
    pub fn build(self) -> Result<Producer, TransportError> {
        let capabilities = self.transport.capabilities();
        if self.preparation.writes(Wire::Binary) {
            capabilities.require(Capability::Headers, "publish")?;
        }
        if self.preparation.writes(Wire::OpenEdx) {
            capabilities.require(Capability::Fields, "publish")?;
            if capabilities.has(Capability::Headers) && self.transport.schema_registry().is_none() {
                let message = "the Open edX wire needs a schema registry on this log; add \
                               registry=URL to the bus's URL";
                let kind = ErrorKind::Invalid;
                return Err(TransportError::new(kind, "publish", message));
            }
        }
        self.preparation.check_routes()?;
        let shelf = SchemaShelf::new(self.transport.clone(), self.retry);
        let outlet = Outlet::new(self.transport.clone(), self.retry, self.bounds);
        Ok(Producer::new(self.preparation, shelf, outlet))
    }
}
