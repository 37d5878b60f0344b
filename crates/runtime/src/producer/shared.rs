//! The settings that a producer and an outbox have in common.

/// The methods of a builder that holds a `preparation`: who emits, where events go, and the catalog
/// that they are held to. Written once, since what a producer and an outbox promise here has to stay
/// the same; a trait would have to be imported by everybody who builds one.
#[doc(hidden)]
#[macro_export]
macro_rules! preparation_settings {
    () => {
        /// Stamps event builders with this service's source, host and time.
        pub fn emitter(mut self, emitter: ::tidings_event::Emitter) -> Self {
            self.preparation = self.preparation.with_emitter(emitter);
            self
        }

        /// Sends events of a type to this topic as well.
        pub fn route(self, event_type: impl Into<String>, route: $crate::Route) -> Self {
            self.routes(event_type, [route])
        }

        /// Sends events of a type to these topics as well.
        pub fn routes(
            mut self,
            event_type: impl Into<String>,
            routes: impl IntoIterator<Item = $crate::Route>,
        ) -> Self {
            self.preparation = self.preparation.with_routes(event_type, routes);
            self
        }

        /// Holds events to a catalog: types are known and emitted by their owners alone, payloads
        /// have their schemas, `minorversion` and `dataschema` are stamped, topics and keys are those
        /// of the definitions where no route says otherwise, and earlier major versions that a
        /// definition maps to are emitted with one time. Default: definitions tell keys and Avro
        /// schemas, and nothing is held to them.
        ///
        /// With an emitter or a [`service`](Self::service); without, ownership is not checked.
        pub fn catalog(mut self, catalog: impl ::tidings_event::Definitions + 'static) -> Self {
            let catalog = ::std::sync::Arc::new(catalog);
            self.preparation = self.preparation.with_catalog(catalog);
            self
        }

        /// How strictly events are held to their definitions. Default with a catalog: `Enforce`.
        pub fn validation(mut self, mode: ::tidings_event::profile::Mode) -> Self {
            self.preparation = self.preparation.with_validation(mode);
            self
        }

        /// The service that publishes, by the name that owners have in the catalog. Default: the
        /// emitter's.
        pub fn service(mut self, service: impl Into<Box<str>>) -> Self {
            self.preparation = self.preparation.with_service(service);
            self
        }
    };
}
