//! What one process has of one bus: the open log, its producer, and what is buffered.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tidings::transport::{Memory, Retention};
use tidings::{
    Bus, Catalog, Definitions, Emitter, Mode, Namespace, OpenError, Producer, PublishRetry, Route,
    Wire,
};
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tracing::{debug, warn};

use crate::buffer::Buffer;
use crate::definitions::Layered;
use crate::error::Failure;
use crate::process::Process;

/// What Python said of a bus; the same in every process.
pub(crate) struct Settings {
    pub(crate) url: String,
    pub(crate) prefix: Option<String>,
    pub(crate) emitter: Option<Emitter>,
    pub(crate) routes: Vec<(String, Route)>,
    pub(crate) profile: Option<Mode>,
    pub(crate) wire: Option<Wire>,
    /// How long a publish may take in all.
    pub(crate) send_timeout: Duration,
    pub(crate) definitions: Vec<(String, i32, String)>,
    /// Folders of event definitions; the first that has one wins.
    pub(crate) catalog: Vec<String>,
    /// How strictly events are held to them; `None` without a catalog.
    pub(crate) validation: Option<Mode>,
    pub(crate) max_len: Option<u64>,
    pub(crate) hard_max_len: Option<u64>,
    /// How many buffered events may wait.
    pub(crate) buffer: usize,
}

impl Settings {
    /// Definitions that Python gives, before those that the bus has; `None` if it gives none.
    pub(crate) fn definitions(
        &self,
        below: &Arc<dyn Definitions>,
    ) -> Result<Option<Arc<dyn Definitions>>, Failure> {
        if self.definitions.is_empty() && self.catalog.is_empty() {
            return Ok(None);
        }
        let mut below = below.clone();
        if !self.catalog.is_empty() {
            let mut catalog = Catalog::openedx();
            for folder in self.catalog.iter().rev() {
                let found = Catalog::from_folder(folder);
                let found = found.map_err(|e| Failure::invalid(format!("catalog: {e}")))?;
                catalog = catalog.and(found);
            }
            below = Arc::new(catalog);
        }
        if self.definitions.is_empty() {
            return Ok(Some(below));
        }
        let layered = Layered::new(&self.definitions, below)?;
        Ok(Some(Arc::new(layered)))
    }
}

/// The runtime on which something is done with a log. A connection moves only while the runtime
/// runs on which it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// That of the caller, who waits.
    Caller,
    /// That in the background.
    Background,
}

/// Opened when it is first needed, for each side.
pub(crate) struct Connection {
    settings: Arc<Settings>,
    me: Weak<Self>,
    caller: OnceCell<Arc<Open>>,
    background: OnceCell<Arc<Open>>,
    /// The log `memory:`, which both sides have in common.
    memory: Option<Arc<Memory>>,
    /// The same, with parameters.
    shared: OnceCell<Bus>,
    pub(crate) buffer: Buffer,
}

/// A log that answered once.
pub(crate) struct Open {
    pub(crate) bus: Bus,
    pub(crate) producer: Producer,
    /// For documents that were prepared before: they are not held to the catalog again.
    pub(crate) forwarder: Producer,
    /// The same log as `bus`, for faults in tests.
    pub(crate) memory: Option<Arc<Memory>>,
    trimming: Option<Trimming>,
    home: Weak<Connection>,
}

/// Removes old records after every so many published ones.
struct Trimming {
    retention: Retention,
    every: u64,
    published: Mutex<HashMap<String, Arc<Counter>>>,
}

struct Counter {
    since: AtomicU64,
    running: AtomicUsize,
}

impl Connection {
    pub(crate) fn new(settings: Arc<Settings>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            buffer: Buffer::new(settings.buffer),
            memory: (settings.url == "memory:").then(|| Arc::new(Memory::new())),
            settings,
            me: me.clone(),
            shared: OnceCell::new(),
            caller: OnceCell::new(),
            background: OnceCell::new(),
        })
    }

    /// The service that uses the bus.
    pub(crate) fn service(&self) -> Option<&str> {
        self.settings.emitter.as_ref().map(Emitter::service)
    }

    /// The log; connects unless it is connected.
    pub(crate) async fn open(&self, side: Side) -> Result<Arc<Open>, Failure> {
        let opened = match side {
            Side::Caller => &self.caller,
            Side::Background => &self.background,
        };
        let opened = opened.get_or_try_init(|| self.connect()).await?;
        Ok(opened.clone())
    }

    /// Whatever is published through the log, within the time that a publish may take.
    pub(crate) async fn within<T, F>(
        &self,
        side: Side,
        limit: Option<Duration>,
        publish: impl FnOnce(Arc<Open>) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = T>,
    {
        let limit = limit.unwrap_or(self.settings.send_timeout);
        let deadline = tokio::time::Instant::now() + limit;
        let open = match tokio::time::timeout_at(deadline, self.open(side)).await {
            Ok(open) => open?,
            Err(_) => {
                let message = format!("the log did not answer within {limit:?}; nothing was sent");
                return Err(Failure::new("unavailable", message).temporary());
            }
        };
        let published = tokio::time::timeout_at(deadline, publish(open)).await;
        published.map_err(|_| {
            let message = format!(
                "the log did not answer within {limit:?}; it may have the event all the same: \
                 publish it again with the same id"
            );
            Failure::new("unknown_outcome", message).temporary()
        })
    }

    async fn log(&self) -> Result<Bus, Failure> {
        let url = &self.settings.url;
        if let Some(memory) = &self.memory {
            return Ok(Bus::new(memory.clone(), "memory:"));
        }
        // As `dyn`, since the compiler would look through all of it for whether it is `Send`.
        let open = || -> Pin<Box<dyn Future<Output = Result<Bus, OpenError>> + Send + '_>> {
            Box::pin(tidings::open(url))
        };
        if !url.starts_with("memory:") {
            return Ok(open().await?);
        }
        let shared = self.shared.get_or_try_init(open).await?;
        Ok(shared.clone())
    }

    async fn connect(&self) -> Result<Arc<Open>, Failure> {
        let settings = &*self.settings;
        let bus = self.log().await?;
        let bus = match &settings.prefix {
            Some(prefix) => bus.with_namespace(Namespace::new(prefix.as_str())?),
            None => bus,
        };
        let bus = match &settings.wire {
            Some(wire) => bus.with_wire(*wire),
            None => bus,
        };
        let bus = match settings.definitions(bus.definitions())? {
            Some(definitions) => bus.with_definitions(definitions),
            None => bus,
        };
        // Less than half: a schema and then the event each take up to this, and "nothing was sent"
        // is to be told before the whole time is over and nobody knows.
        let retry = PublishRetry::default().deadline(settings.send_timeout.mul_f64(0.4));
        let builder = || {
            let mut producer = bus.producer().retry(retry);
            if let Some(emitter) = &settings.emitter {
                producer = producer.emitter(emitter.clone());
            }
            if let Some(mode) = settings.profile {
                producer = producer.profile(mode);
            }
            for (event_type, route) in &settings.routes {
                producer = producer.route(event_type, route.clone());
            }
            producer
        };
        let (producer, forwarder) = match settings.validation {
            Some(mode) => (
                builder().validation(mode).build()?,
                builder().forwarding().build()?,
            ),
            None => {
                let producer = builder().build()?;
                (producer.clone(), producer)
            }
        };
        Ok(Arc::new(Open {
            producer,
            forwarder,
            bus,
            memory: self.memory.clone(),
            home: self.me.clone(),
            trimming: settings.max_len.map(|max_len| Trimming {
                retention: retention(max_len, settings.hard_max_len),
                every: (max_len / 20).clamp(1, 1_000),
                published: Mutex::default(),
            }),
        }))
    }
}

fn retention(max_len: u64, hard_max_len: Option<u64>) -> Retention {
    let mut retention = Retention::default();
    retention.max_len = Some(max_len);
    retention.hard_max_len = hard_max_len;
    retention
}

impl Open {
    /// Counts what was published to a topic, by its logical name, and trims it when it is time,
    /// in the background.
    pub(crate) fn published(&self, topic: &str, n: u64) {
        let Some(trimming) = &self.trimming else {
            return;
        };
        let counter = trimming.counter(topic);
        let before = counter.since.fetch_add(n, Ordering::Relaxed);
        if before / trimming.every == (before + n) / trimming.every
            || counter.running.swap(1, Ordering::AcqRel) == 1
        {
            return;
        }
        let Ok(full) = self.bus.topic(topic) else {
            return;
        };
        let retention = trimming.retention.clone();
        let Some(connection) = self.home.upgrade() else {
            return;
        };
        let Some(Ok(background)) = Process::begun().map(Process::background) else {
            return;
        };
        background.spawn(async move {
            let trim = async {
                let open = connection.open(Side::Background).await?;
                let trimmed = open.bus.transport().trim(&full, &retention).await;
                trimmed.map_err(Failure::from)
            };
            match timeout(Duration::from_secs(60), trim).await {
                Ok(Ok(trimmed)) if trimmed.spared > 0 => debug!(topic = %full,
                    removed = trimmed.removed, spared = trimmed.spared, "trimmed"),
                Ok(Ok(_)) => {}
                Ok(Err(failure)) => warn!(topic = %full, error = failure.message,
                    "old records could not be removed"),
                Err(_) => warn!(topic = %full, "removing old records took too long"),
            }
            counter.running.store(0, Ordering::Release);
        });
    }
}

impl Trimming {
    fn counter(&self, topic: &str) -> Arc<Counter> {
        let mut published = self
            .published
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = published.get(topic) {
            return counter.clone();
        }
        // Anywhere in the round, so that processes that live for a few events trim too.
        let counter = Arc::new(Counter {
            since: AtomicU64::new(rand::random_range(0..self.every)),
            running: AtomicUsize::new(0),
        });
        published.insert(topic.to_owned(), counter.clone());
        counter
    }
}
