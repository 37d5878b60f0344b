//! How a preparation is set up.

use std::sync::Arc;

use tidings_event::profile::Mode;
use tidings_event::{Definitions, Emitter};
use tidings_telemetry::Telemetry;

use super::super::Route;
use super::super::observation::Operation;
use super::super::profile::Profile;
use super::Preparation;
use crate::Namespace;
use crate::wire::Wire;

impl Preparation {
    /// Puts a prefix before the names of topics.
    #[must_use]
    pub fn with_namespace(mut self, namespace: Namespace) -> Self {
        self.namespace = namespace;
        self
    }

    /// Stamps event builders with this service's source, host and time.
    #[must_use]
    pub fn with_emitter(mut self, emitter: Emitter) -> Self {
        self.emitter = Some(emitter);
        self
    }

    /// Sends events of a type to these topics as well.
    #[must_use]
    pub fn with_routes(
        mut self,
        event_type: impl Into<String>,
        routes: impl IntoIterator<Item = Route>,
    ) -> Self {
        self.routing.add(event_type.into(), routes);
        self
    }

    /// The wire to write. Default: native.
    #[must_use]
    pub fn with_wire(mut self, wire: Wire) -> Self {
        self.wire = wire;
        self
    }

    /// The wire to write to one topic, by its logical name.
    #[must_use]
    pub fn with_topic_wire(mut self, topic: impl Into<String>, wire: Wire) -> Self {
        self.topic_wires.insert(topic.into(), wire);
        self
    }

    /// How strictly the OEP-41 profile runs. Default: `Enforce`; `Warn` where the Open edX wire
    /// is written.
    #[must_use]
    pub fn with_profile(mut self, mode: Mode) -> Self {
        self.profile = Profile::new(Some(mode));
        self
    }

    /// Takes definitions from this catalog and holds events to it, with [`Mode::Enforce`] unless
    /// [`with_validation`](Self::with_validation) says otherwise.
    #[must_use]
    pub fn with_catalog(mut self, catalog: Arc<dyn Definitions>) -> Self {
        self.definitions = catalog;
        self.telling.validation.get_or_insert(Mode::Enforce);
        self
    }

    /// How strictly events are held to their definitions: type, owner, minor version, payload, and
    /// the earlier major version that is made of it. Whatever the mode, what is missing is stamped
    /// and the earlier major versions are emitted.
    #[must_use]
    pub fn with_validation(mut self, mode: Mode) -> Self {
        self.telling.validation = Some(mode);
        self
    }

    /// The service that publishes, by the name that owners have in the catalog. Default: the
    /// emitter's.
    #[must_use]
    pub fn with_service(mut self, service: impl Into<Box<str>>) -> Self {
        self.telling.service = Some(service.into());
        self
    }

    /// Forwards what was held to the catalog before: nothing is held to it again, and no earlier
    /// major versions are added.
    #[must_use]
    pub fn forwarding(mut self) -> Self {
        self.telling.forwards = true;
        self
    }

    /// What is told of its events: series, and traces, which events then carry. Default: nothing.
    #[must_use]
    pub fn with_telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// What spans say is done with its events. Default: they are published.
    #[must_use]
    pub fn with_operation(mut self, operation: Operation) -> Self {
        self.operation = operation;
        self
    }
}
