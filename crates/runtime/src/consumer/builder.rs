//! How a consumer is set up.

use std::sync::Arc;
use std::time::Duration;

use tidings_event::Definitions;
use tidings_event::openedx::UnknownSchema;
use tidings_event::profile::Mode;
use tidings_telemetry::Telemetry;
use tidings_transport::{Error as TransportError, Gap, Opened, Ordering, Start, Topic, Transport};

use super::guard::Guard;
use super::settings::Settings;
use super::{Breaker, Consumer, Handler, OnFailure, RetryPolicy};
use crate::{Backoff, Counters, Namespace};

/// Sets up a [`Consumer`]. Names are checked when it runs.
#[must_use = "a consumer does nothing until it runs"]
pub struct ConsumerBuilder {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) namespace: Namespace,
    pub(super) definitions: Arc<dyn Definitions>,
    pub(super) group: String,
    pub(super) topics: Vec<String>,
    pub(super) start: Start,
    pub(super) ordering: Ordering,
    pub(super) name: String,
    pub(super) unknown_schema: UnknownSchema,
    pub(super) settings: Settings,
    pub(super) telemetry: Telemetry,
    validation: Mode,
    service: Option<Box<str>>,
}

impl ConsumerBuilder {
    /// A consumer of a group, with defaults and no topics yet.
    pub fn new(
        transport: Arc<dyn Transport>,
        definitions: Arc<dyn Definitions>,
        group: impl Into<String>,
    ) -> Self {
        let group = group.into();
        Self {
            transport,
            namespace: Namespace::default(),
            definitions,
            name: group.clone(),
            unknown_schema: UnknownSchema::default(),
            group,
            topics: Vec::new(),
            start: Start::Latest,
            ordering: Ordering::Key,
            settings: Settings::default(),
            telemetry: Telemetry::default(),
            validation: Mode::Off,
            service: None,
        }
    }

    /// Puts a prefix before the names of topics.
    pub fn namespace(mut self, namespace: Namespace) -> Self {
        self.namespace = namespace;
        self
    }

    /// Adds a topic, by its logical name.
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.topics.push(topic.into());
        self
    }

    /// Adds topics, by their logical names.
    pub fn topics<T: Into<String>>(mut self, topics: impl IntoIterator<Item = T>) -> Self {
        self.topics.extend(topics.into_iter().map(Into::into));
        self
    }

    /// Where a *new* group begins; on a group that exists it changes nothing, and a log line
    /// says so. Default: `Latest`.
    pub fn from(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// What is kept in order. Default: events of one key.
    pub fn ordering(mut self, ordering: Ordering) -> Self {
        self.ordering = ordering;
        self.settings.ordered = ordering == Ordering::Key;
        self
    }

    /// A name for people, shown in `tidings groups`. Default: the group.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// What to do with Open edX entries that do not name their schema. Default: assume the
    /// definition of the version that they declare, as the Open edX packages do.
    pub fn unknown_schema(mut self, setting: UnknownSchema) -> Self {
        self.unknown_schema = setting;
        self
    }

    /// Takes definitions from this catalog. Whether events are held to them says
    /// [`validation`](Self::validation).
    pub fn catalog(mut self, catalog: impl Definitions + 'static) -> Self {
        self.definitions = Arc::new(catalog);
        self
    }

    /// Whether events are held to their definitions before the handler sees them: payloads have
    /// their schemas, and the minor version is at least what the contract of this
    /// [`service`](Self::service) asks for. With `Enforce` what does not hold is a permanent
    /// failure of class `invalid`, which [`on_failure`](Self::on_failure) decides about; with
    /// `Warn` it is logged. Types that are in no catalog pass, and so does the payload of a newer
    /// minor version than the catalog has. Default: `Off`.
    pub fn validation(mut self, mode: Mode) -> Self {
        self.validation = mode;
        self
    }

    /// The service that consumes, by the name that its contracts have in the catalog. Default:
    /// none, and contracts are not looked at.
    pub fn service(mut self, service: impl Into<Box<str>>) -> Self {
        self.service = Some(service.into());
        self
    }

    /// How many handlers run at once, 1 to 10,000. Default: 32.
    pub fn concurrency(mut self, handlers: usize) -> Self {
        self.settings.concurrency = handlers;
        self
    }

    /// How many more calls of the handler than [`concurrency`](Self::concurrency) may wait inside
    /// of it: for a handler that passes messages on to `concurrency` threads, say, so that each has
    /// its next message before it is done with one. Only where handlers are so fast that starts are
    /// recorded ahead of them; no message waits as started behind a slow one. Default: 0.
    pub fn calls_ahead(mut self, calls: usize) -> Self {
        self.settings.calls_ahead = calls;
        self
    }

    /// How often a message is tried. Default: 8 attempts, up to 30 s apart.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.retry = policy;
        self
    }

    /// What to do with a message whose failure is final. Default: park its key.
    pub fn on_failure(mut self, policy: OnFailure) -> Self {
        self.settings.on_failure = policy;
        self
    }

    /// When failures are taken for those of everything. Default: five different keys in a row.
    pub fn breaker(mut self, breaker: Breaker) -> Self {
        self.settings.breaker = breaker;
        self
    }

    /// How many keys may be parked. With so many, this consumer pauses when one more is to be
    /// parked: it says so in the log, counts it, and goes on by itself once keys were released or
    /// discarded. From half of them on it warns. Default: 10,000.
    pub fn max_parked_keys(mut self, keys: usize) -> Self {
        self.settings.max_parked_keys = keys;
        self
    }

    /// How long messages stay this consumer's without a sign of life; they are renewed every
    /// third of it. Default: 30 s; at least 100 ms.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// How long running handlers may take to finish when the consumer is asked to stop.
    /// Default: 25 s, which fits into the 30 s that most supervisors grant.
    pub fn drain(mut self, deadline: Duration) -> Self {
        self.settings.drain = deadline;
        self
    }

    /// Ends `run` with an error when the log has been away for so long. Default: never.
    pub fn give_up_after(mut self, away: Duration) -> Self {
        self.settings.patience.give_up_after = Some(away);
        self
    }

    /// The pauses between attempts while the log is away. Default: up to 50 ms, growing to 2 s.
    pub fn outage_backoff(mut self, backoff: Backoff) -> Self {
        self.settings.patience.backoff = backoff;
        self
    }

    /// Is called with each temporary failure of the log, also those that are not logged because
    /// they follow others.
    pub fn on_outage(mut self, report: impl Fn(&TransportError) + Send + Sync + 'static) -> Self {
        self.settings.patience.on_failure = Some(Arc::new(report));
        self
    }

    /// Bounds what is in hand: messages (default 5,000) and bytes (default 64 MiB, which the
    /// last batch may exceed). A lane is bounded at 1,000 messages in any case.
    pub fn in_hand(mut self, messages: usize, bytes: usize) -> Self {
        self.settings.max_in_hand = messages;
        self.settings.max_bytes = bytes;
        self
    }

    /// Stops after so many messages are settled. Default: never.
    pub fn max_events(mut self, events: u64) -> Self {
        self.settings.max_events = Some(events);
        self
    }

    /// Stops when nothing has come for so long and everything is settled. Default: never.
    pub fn until_idle(mut self, quiet: Duration) -> Self {
        self.settings.until_idle = Some(quiet);
        self
    }

    /// Is called with each loss that the log reports, besides the log line and the counter.
    pub fn on_gap(mut self, report: impl Fn(&Gap) + Send + Sync + 'static) -> Self {
        self.settings.on_gap = Some(Arc::new(report));
        self
    }

    /// Is called once, after joining, with where the group stood on each topic.
    pub fn on_open(mut self, report: impl Fn(&[(Topic, Opened)]) + Send + Sync + 'static) -> Self {
        self.settings.on_open = Some(Arc::new(report));
        self
    }

    /// What it tells of itself: metrics, health, traces. Default: nothing.
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// Finishes with what is done with each message.
    pub fn handler<H: Handler>(mut self, handler: H) -> Consumer<H> {
        let (definitions, service) = (self.definitions.clone(), self.service.take());
        self.settings.guard = Guard::new(definitions, self.validation, service);
        Consumer {
            setup: self,
            handler: Arc::new(handler),
            counters: Arc::new(Counters::default()),
        }
    }
}
