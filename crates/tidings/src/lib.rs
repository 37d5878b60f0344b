//! Tidings carries events between services: after the commit, in order, documented, and never
//! silently lost.
//!
//! A service publishes what it just did; every interested service hears of it. Events are
//! CloudEvents 1.0 as OEP-41 wants them. The log underneath is chosen by a URL and nothing
//! else: one file (`sqlite:`), a Redis, a Kafka, or the memory of this process.
//!
//! # Example
//! ```
//! use tidings::{Emitter, Message, Role, Route, Start};
//!
//! const CREATED: &str = "org.openedx.catalog.course.created.v1";
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bus = tidings::open("memory:").await?;
//!
//! // The service that owns course data says what it did.
//! let producer = bus
//!     .producer()
//!     .emitter(Emitter::new("openedx", "discovery", Role::Web)?)
//!     .route(CREATED, Route::to("courses").key_path("course_key")?)
//!     .build()?;
//! let data = r#"{"course_key": "edX+DemoX", "title": "Demonstration"}"#;
//! producer.publish(producer.event(CREATED).data_json(data)).await?;
//!
//! // Another service hears of it.
//! let consumer = bus
//!     .consumer("lms")
//!     .topic("courses")
//!     .from(Start::Earliest)
//!     .max_events(1) // services leave this out
//!     .handler(async |message: Message| {
//!         let course = message.event().data().and_then(|data| data.as_json());
//!         assert!(course.is_some_and(|json| json.contains("edX+DemoX")));
//!         Ok(())
//!     });
//! let summary = consumer.run(tidings::shutdown_signal()).await?;
//! assert_eq!(summary.counts.delivered, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # URLs
//! | URL | log |
//! |---|---|
//! | `memory:` | the memory of this process; a new log each time it is opened |
//! | `sqlite:PATH` | one file for all processes of a machine |
//! | `redis://[USER:PASSWORD@]HOST[:PORT][/DB]` | Redis 6.2 or later, or Valkey |
//! | `rediss://…` | the same over TLS |
//! | `redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/PRIMARY[/DB]` | the primary that sentinels name |
//! | `rediss+sentinel://…` | the same, with TLS to sentinels and primary |
//! | `kafka://[USER:PASSWORD@]HOST[:PORT],…` | Apache Kafka 2.4 or later; with the feature `kafka` |
//! | `kafka+ssl://…` | the same over TLS |
//!
//! Settings are query parameters. For every log: `prefix` (put before topic names, with a dash),
//! `wire` (`native`, `openedx`, or `binary` on Kafka), `unknown_schema` (`declared`, `refuse` or a minor version).
//! For `sqlite:`: `durability` (`full` or `normal`), `max_bytes`, `busy_timeout`. For Redis:
//! `ca_file`, `cert_file`, `key_file`, `connect_timeout`, `response_timeout`, and for sentinels
//! `sentinel_username`, `sentinel_password`. For Kafka: `ca_file`, `cert_file`, `key_file`, `sasl`
//! (`PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER`), `partitions` and `replication` of
//! topics that are made, `topic.X` for any other setting of these, `instance` (static membership),
//! `response_timeout`, `librdkafka.X` for any setting of the client library, and for a schema registry with Confluent's API
//! `registry` (addresses, parted by commas), `registry_user`, `registry_password`, `registry_token`, `registry_ca_file`,
//! `registry_cert_file`, `registry_key_file`, `registry_subjects` (`topic-record` or `topic`),
//! `registry_register` (`true` or `false`) and `registry_timeout`. Times are like `500ms` or `5s`. What is not known is an
//! error.

mod address;
mod built_in;
mod bus;
mod error;
mod open;

pub use bus::Bus;
pub use error::OpenError;
pub use open::{embedded_file, is_new_file, open, open_existing, rehearse};

pub use tidings_catalog::Catalog;
pub use tidings_event::openedx::UnknownSchema;
pub use tidings_event::profile::{Mode, Severity, Violation};
pub use tidings_event::{
    Contract, Data, DecodeError, Definition, Definitions, Emitter, Event, EventBuilder, Invalid,
    KeyPath, Mismatch, NoDefinitions, Occurrence, PayloadRules, Role, Time, Value,
};
pub use tidings_runtime::{
    Backoff, Breaker, CATALOG_RULES, ConsumeError, Consumer, ConsumerBuilder, Counters, Counts,
    Decoder, Draft, ForeignEntry, Handler, HandlerError, Message, Namespace, OnFailure,
    Preparation, Prepared, Producer, ProducerBuilder, PublishError, PublishErrorKind, PublishRetry,
    REPLAY, RETAIN_EVERY, Reading, Receipt, Replay, ReplayError, ReplayPlan, ReplayProgress,
    ReplaySummary, Retainer, RetentionPolicy, RetryPolicy, Route, Summary, UnknownWire, Until,
    WantedSchema, Wire, catalog_violations, shutdown_signal,
};
pub use tidings_transport::{
    Body, Capabilities, Capability, Count, DeadLetter, Finding, Gap, Group, GroupInfo, Key, Lag,
    Opened, Ordering, ParkedKey, ParkedState, Position, Reason, Redelivery, Retention, Seeked,
    Start, Stored, Topic, TopicInfo, Transport, Trimmed,
};

/// The log in one file, and what keeps it well for years.
pub use tidings_transport_sqlite::{FileSize, Sqlite as EmbeddedFile};

/// The event and its formats in full: JSON, HTTP, Open edX, Avro, and the profile's rules.
pub use tidings_event as event;
/// Events that leave with the commit of your database, and take effect once.
#[cfg(feature = "outbox")]
pub use tidings_outbox as outbox;
/// Metrics, health and traces.
pub use tidings_telemetry as telemetry;
/// The contract of logs in full.
pub use tidings_transport as transport;
