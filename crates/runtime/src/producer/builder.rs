//! How a producer is set up.

use std::sync::Arc;

use tidings_event::profile::Mode;
use tidings_event::{Definitions, Emitter};
use tidings_telemetry::Telemetry;
use tidings_transport::{Capability, Error as TransportError, Transport};

use super::outlet::{Bounds, Outlet};
use super::preparation::Preparation;
use super::schema_shelf::SchemaShelf;
use super::{Operation, Producer, PublishRetry, Route};
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

    /// Stamps event builders with this service's source, host and time.
    pub fn emitter(mut self, emitter: Emitter) -> Self {
        self.preparation = self.preparation.with_emitter(emitter);
        self
    }

    /// Sends events of a type to this topic as well.
    pub fn route(self, event_type: impl Into<String>, route: Route) -> Self {
        self.routes(event_type, [route])
    }

    /// Sends events of a type to these topics as well.
    pub fn routes(
        mut self,
        event_type: impl Into<String>,
        routes: impl IntoIterator<Item = Route>,
    ) -> Self {
        self.preparation = self.preparation.with_routes(event_type, routes);
        self
    }

    /// Holds events to a catalog: types are known and emitted by their owners alone, payloads have
    /// their schemas, `minorversion` and `dataschema` are stamped, topics and keys are those of the
    /// definitions where no route says otherwise, and earlier major versions that a definition
    /// maps to are emitted with one time. Default: definitions tell keys and Avro schemas, and
    /// nothing is held to them.
    ///
    /// With an emitter or a [`service`](Self::service); without, ownership is not checked.
    pub fn catalog(mut self, catalog: impl Definitions + 'static) -> Self {
        self.preparation = self.preparation.with_catalog(Arc::new(catalog));
        self
    }

    /// How strictly events are held to their definitions. Default with a catalog: `Enforce`.
    pub fn validation(mut self, mode: Mode) -> Self {
        self.preparation = self.preparation.with_validation(mode);
        self
    }

    /// The service that publishes, by the name that owners have in the catalog. Default: the
    /// emitter's.
    pub fn service(mut self, service: impl Into<Box<str>>) -> Self {
        self.preparation = self.preparation.with_service(service);
        self
    }

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
        if self.preparation.has_foreign_wire() {
            let capabilities = self.transport.capabilities();
            capabilities.require(Capability::Fields, "publish")?;
        }
        self.preparation.check_routes()?;
        let shelf = SchemaShelf::new(self.transport.clone(), self.retry);
        let outlet = Outlet::new(self.transport.clone(), self.retry, self.bounds);
        Ok(Producer::new(self.preparation, shelf, outlet))
    }
}
