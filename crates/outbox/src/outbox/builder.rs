//! How an outbox is set up.

use std::sync::Arc;

use tidings_event::profile::Mode;
use tidings_event::{Definitions, Emitter};
use tidings_runtime::{Operation, Preparation, Route};
use tidings_telemetry::Telemetry;

use super::Outbox;
use crate::{Error, ErrorKind, Result};

/// Sets up an [`Outbox`].
#[must_use = "an outbox is made by `build`"]
pub struct OutboxBuilder {
    preparation: Preparation,
}

impl OutboxBuilder {
    /// An outbox with defaults and no routes. The definitions tell the keys of events whose route
    /// does not.
    pub fn new(definitions: Arc<dyn Definitions>) -> Self {
        Self {
            preparation: Preparation::new(definitions).with_operation(Operation::Enqueue),
        }
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

    /// Holds events to a catalog, as a producer does: what does not fit is refused within the
    /// transaction, and earlier major versions get rows of their own.
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

    /// How strictly the OEP-41 profile runs. Default: `Enforce`.
    pub fn profile(mut self, mode: Mode) -> Self {
        self.preparation = self.preparation.with_profile(mode);
        self
    }

    /// What is told of its events: with it, events carry the trace of the caller to the relay and
    /// on to their consumers. Default: nothing.
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.preparation = self.preparation.with_telemetry(telemetry);
        self
    }

    /// Makes the outbox.
    ///
    /// # Errors
    /// `Invalid`, when a route's topic is no valid name.
    pub fn build(self) -> Result<Outbox> {
        let checked = self.preparation.check_routes();
        checked.map_err(|e| Error::new(ErrorKind::Invalid, "outbox", e.to_string()))?;
        Ok(Outbox::new(self.preparation))
    }
}
