//! What Python asks for when it joins a group.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use tidings::{Backoff, ConsumerBuilder, OnFailure, Ordering, RetryPolicy, Start};

use crate::error::Failure;
use crate::given::mode;

/// Enough that a wake of the runtime, or of a thread, is one for several events.
const AHEAD: usize = 16;

/// What Python asks for.
#[derive(FromPyObject)]
pub(crate) struct Options {
    #[pyo3(item)]
    start: String,
    #[pyo3(item)]
    concurrency: usize,
    #[pyo3(item)]
    ordering: String,
    #[pyo3(item)]
    name: Option<String>,
    #[pyo3(item)]
    max_attempts: Option<u32>,
    #[pyo3(item)]
    backoff: Option<(f64, f64)>,
    #[pyo3(item)]
    attempt_timeout: Option<f64>,
    #[pyo3(item)]
    on_failure: String,
    #[pyo3(item)]
    lease: Option<f64>,
    #[pyo3(item)]
    drain: Option<f64>,
    #[pyo3(item)]
    give_up_after: Option<f64>,
    #[pyo3(item)]
    outage_backoff: Option<(f64, f64)>,
    #[pyo3(item)]
    max_events: Option<u64>,
    #[pyo3(item)]
    until_idle: Option<f64>,
    #[pyo3(item)]
    unknown_schema: Option<String>,
    #[pyo3(item)]
    validation: Option<String>,
    #[pyo3(item)]
    pub(crate) on_gap: Option<Py<PyAny>>,
}

/// Seconds from Python, above zero.
pub(crate) fn seconds(name: &str, seconds: f64) -> Result<Duration, Failure> {
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(Failure::invalid(format!(
            "{name}: must be a number of seconds above zero"
        ))),
    }
}

impl Options {
    pub(crate) fn outage_backoff(&self) -> Option<Result<Backoff, Failure>> {
        let (initial, max) = self.outage_backoff?;
        let initial = seconds("outage_backoff", initial);
        Some(initial.and_then(|i| Ok(Backoff::new(i, seconds("outage_backoff", max)?))))
    }

    /// How many messages more than it has threads are handed to Python, so that a thread that is
    /// done with one need not wait for the next.
    ///
    /// None where processes compete, since another might be idle while they wait here; and none
    /// with a time limit, which runs from the moment a message is handed out.
    fn ahead(&self) -> usize {
        match self.ordering == "key" && self.attempt_timeout.is_none() {
            true => self.concurrency.max(AHEAD),
            false => 0,
        }
    }

    /// Refuses what cannot be, without I/O.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let nothing = Arc::new(tidings::transport::Memory::new());
        let builder = ConsumerBuilder::new(nothing, Arc::new(tidings::NoDefinitions), "check");
        self.apply(builder).map(drop)
    }

    pub(crate) fn apply(&self, mut builder: ConsumerBuilder) -> Result<ConsumerBuilder, Failure> {
        let start: Start = self.start.parse()?;
        builder = builder
            .from(start)
            .concurrency(self.concurrency)
            .calls_ahead(self.ahead());
        builder = match self.ordering.as_str() {
            "key" => builder.ordering(Ordering::Key),
            "none" => builder.ordering(Ordering::None),
            _ => return Err(Failure::invalid("ordering: must be \"key\" or \"none\"")),
        };
        builder = match self.on_failure.as_str() {
            "park-key" => builder.on_failure(OnFailure::ParkKey),
            "skip" => builder.on_failure(OnFailure::Skip),
            "stop" => builder.on_failure(OnFailure::Stop),
            _ => {
                return Err(Failure::invalid(
                    "on_failure: must be \"park-key\", \"skip\" or \"stop\"",
                ));
            }
        };
        let mut retry = RetryPolicy::default();
        if let Some(attempts) = self.max_attempts {
            retry = retry.max_attempts(attempts);
        }
        if let Some((initial, max)) = self.backoff {
            let (initial, max) = (seconds("backoff", initial)?, seconds("backoff", max)?);
            retry = retry.backoff(Backoff::new(initial, max));
        }
        if let Some(limit) = self.attempt_timeout {
            retry = retry.timeout(seconds("attempt_timeout", limit)?);
        }
        builder = builder.retry(retry);
        if let Some(name) = &self.name {
            builder = builder.name(name);
        }
        if let Some(lease) = self.lease {
            builder = builder.lease(seconds("lease", lease)?);
        }
        if let Some(drain) = self.drain {
            builder = builder.drain(seconds("drain", drain)?);
        }
        if let Some(away) = self.give_up_after {
            builder = builder.give_up_after(seconds("give_up_after", away)?);
        }
        if let Some(backoff) = self.outage_backoff() {
            builder = builder.outage_backoff(backoff?);
        }
        if let Some(events) = self.max_events {
            builder = builder.max_events(events);
        }
        if let Some(quiet) = self.until_idle {
            builder = builder.until_idle(seconds("until_idle", quiet)?);
        }
        if let Some(setting) = &self.unknown_schema {
            let parsed = setting.parse();
            let parsed = parsed.map_err(|e| Failure::invalid(format!("unknown_schema: {e}")))?;
            builder = builder.unknown_schema(parsed);
        }
        if let Some(mode) = mode("validation", self.validation.as_deref())? {
            builder = builder.validation(mode);
        }
        Ok(builder)
    }
}
