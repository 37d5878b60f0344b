//! A log, and how this deployment uses it.

use std::fmt;
use std::sync::Arc;

use tidings_event::Definitions;
use tidings_event::openedx::UnknownSchema;
use tidings_event::profile::Mode;
use tidings_runtime::{
    ConsumerBuilder, Decoder, Namespace, ProducerBuilder, Replay, Retainer, RetentionPolicy, Wire,
};
use tidings_telemetry::Telemetry;
use tidings_transport::{Error, Group, Topic, Transport};

use crate::built_in::BuiltIn;

/// A log, and how this deployment uses it: prefix, wire, definitions. Cheap to clone.
///
/// Made by [`open`](crate::open()), or by [`Bus::new`] over a transport of your own.
#[derive(Clone)]
pub struct Bus {
    transport: Arc<dyn Transport>,
    address: Arc<str>,
    namespace: Namespace,
    wire: Wire,
    unknown_schema: UnknownSchema,
    definitions: Arc<dyn Definitions>,
    /// Producers are held to the definitions.
    held: bool,
    telemetry: Telemetry,
}

impl Bus {
    /// A bus over a transport, with no prefix, the native wire, and the built-in Open edX
    /// definitions. `address` is for people and stands in logs: no credentials.
    pub fn new(transport: Arc<dyn Transport>, address: impl Into<Arc<str>>) -> Self {
        Self {
            transport,
            address: address.into(),
            namespace: Namespace::default(),
            wire: Wire::Native,
            unknown_schema: UnknownSchema::default(),
            definitions: Arc::new(BuiltIn),
            held: false,
            telemetry: Telemetry::default(),
        }
    }

    /// Puts a prefix before topic names.
    pub fn with_namespace(mut self, namespace: Namespace) -> Self {
        self.namespace = namespace;
        self
    }

    /// Sets the wire that producers write unless told otherwise.
    pub fn with_wire(mut self, wire: Wire) -> Self {
        self.wire = wire;
        self
    }

    /// Sets what to do with Open edX entries that do not name their schema.
    pub fn with_unknown_schema(mut self, setting: UnknownSchema) -> Self {
        self.unknown_schema = setting;
        self
    }

    /// Takes definitions from a catalog and holds producers to it, as
    /// [`ProducerBuilder::catalog`] says; consumers are held to it if they ask for
    /// [`validation`](ConsumerBuilder::validation).
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let catalog = tidings::Catalog::from_folder("events")?;
    /// let bus = tidings::open("sqlite:bus.db").await?.with_catalog(catalog);
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_catalog(mut self, catalog: impl Definitions + 'static) -> Self {
        self.definitions = Arc::new(catalog);
        self.held = true;
        self
    }

    /// Replaces the definitions that tell schemas and key paths by event type. Nobody is held to
    /// them: that is what [`with_catalog`](Self::with_catalog) is for.
    pub fn with_definitions(mut self, definitions: Arc<dyn Definitions>) -> Self {
        self.definitions = definitions;
        self
    }

    /// What its producers and consumers tell of themselves: metrics, health, traces. Default:
    /// nothing.
    ///
    /// ```
    /// # use tidings::telemetry::{Metrics, Telemetry};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let metrics = Metrics::new();
    /// let telemetry = Telemetry::default().with_metrics(metrics.clone());
    /// let bus = tidings::open("memory:").await?.with_telemetry(telemetry);
    /// # let event = tidings::Event::builder("org.example.catalog.course.created.v1");
    /// # let event = tidings::Emitter::new("example", "catalog", tidings::Role::Web)?.stamp(event);
    /// bus.producer().build()?.publish_to("courses", event).await?;
    /// assert!(metrics.encode().contains("tidings_published_total{topic=\"courses\""));
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// What its producers and consumers tell of themselves.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// The log itself, for everything below producers and consumers: groups, dead letters,
    /// reading, trimming.
    pub fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }

    /// Where the log is, for people, without credentials.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The prefix of topic names.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The wire that producers write unless told otherwise.
    pub fn wire(&self) -> Wire {
        self.wire
    }

    /// Schemas and key paths by event type.
    pub fn definitions(&self) -> &Arc<dyn Definitions> {
        &self.definitions
    }

    /// The full name of a topic: with the prefix, if there is one.
    ///
    /// # Errors
    /// `Invalid`, with the rule that the name breaks.
    pub fn topic(&self, name: &str) -> Result<Topic, Error> {
        self.namespace.topic(name)
    }

    /// A decoder of what [`Transport::read`] and [`Transport::dead_letters`] return.
    pub fn decoder(&self) -> Decoder {
        Decoder::new(self.transport.clone(), self.definitions.clone())
            .unknown_schema(self.unknown_schema)
    }

    /// Sets up a producer.
    pub fn producer(&self) -> ProducerBuilder {
        let producer = ProducerBuilder::new(self.transport.clone(), self.definitions.clone())
            .namespace(self.namespace.clone())
            .wire(self.wire)
            .telemetry(self.telemetry.clone());
        match self.held {
            true => producer.validation(Mode::Enforce),
            false => producer,
        }
    }

    /// Sets up a replay of a topic to one group.
    ///
    /// # Errors
    /// `Invalid`, with the rule that a name breaks.
    pub fn replay(&self, topic: &str, group: &str) -> Result<Replay, Error> {
        let (topic, group) = (self.topic(topic)?, Group::new(group)?);
        let (transport, definitions) = (self.transport.clone(), self.definitions.clone());
        let replay = Replay::new(transport, definitions, topic, group);
        Ok(replay.unknown_schema(self.unknown_schema))
    }

    /// Trims the topics of this bus by a policy: for one [`round`](Retainer::round), or for ever
    /// beside whatever else the process does.
    ///
    /// ```
    /// # use tidings::{Retention, RetentionPolicy};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bus = tidings::open("memory:").await?;
    /// let mut newest = Retention::default();
    /// newest.max_len = Some(100_000);
    /// let policy = RetentionPolicy::default().rule("*", newest)?;
    /// let trimming = tokio::spawn(bus.retainer(policy).run());
    /// # trimming.abort();
    /// # Ok(())
    /// # }
    /// ```
    pub fn retainer(&self, policy: RetentionPolicy) -> Retainer {
        Retainer::new(self.transport.clone(), self.namespace.clone(), policy)
            .telemetry(self.telemetry.clone())
    }

    /// Sets up a consumer of a group.
    pub fn consumer(&self, group: impl Into<String>) -> ConsumerBuilder {
        ConsumerBuilder::new(self.transport.clone(), self.definitions.clone(), group)
            .namespace(self.namespace.clone())
            .unknown_schema(self.unknown_schema)
            .telemetry(self.telemetry.clone())
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus")
            .field("address", &self.address)
            .field("prefix", &self.namespace.prefix())
            .field("wire", &self.wire)
            .field("unknown_schema", &self.unknown_schema)
            .finish_non_exhaustive()
    }
}
