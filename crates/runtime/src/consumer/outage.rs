//! The log is away: for how long, and when to try again.

use std::sync::Arc;
use std::time::Duration;

use tidings_transport::{Error as TransportError, Group};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::ConsumeError;
use crate::Backoff;

/// Is called with each failure of the log.
pub(super) type OnOutage = Arc<dyn Fn(&TransportError) + Send + Sync>;

/// How an outage is borne.
#[derive(Clone)]
pub(super) struct Patience {
    pub(super) give_up_after: Option<Duration>,
    pub(super) backoff: Backoff,
    pub(super) on_failure: Option<OnOutage>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            give_up_after: None,
            // Short steps: an outage mostly ends within seconds, and messages wait.
            backoff: Backoff::new(Duration::from_millis(50), Duration::from_secs(2)),
            on_failure: None,
        }
    }
}

/// The failures in a row of one kind of call. Each kind has its own: a log whose disk is full
/// still hands out messages, and that must not look like recovery to whoever settles.
pub(super) struct Outage {
    group: Group,
    operation: &'static str,
    patience: Patience,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    since: Instant,
    failures: u32,
}

impl Outage {
    pub(super) fn new(group: Group, operation: &'static str, patience: &Patience) -> Self {
        Self {
            group,
            operation,
            patience: patience.clone(),
            current: None,
        }
    }

    /// The call failed: how long to wait before the next.
    ///
    /// # Errors
    /// When waiting will not help, or has been tried for long enough.
    pub(super) fn failed(&mut self, error: TransportError) -> Result<Duration, ConsumeError> {
        let (group, operation) = (&self.group, self.operation);
        if !error.is_temporary() {
            return Err(ConsumeError::Transport {
                group: group.clone(),
                source: error,
            });
        }
        if let Some(report) = &self.patience.on_failure {
            report(&error);
        }
        let outage = self.current.get_or_insert_with(|| {
            warn!(%group, operation, %error, "the log does not answer; trying again");
            Current {
                since: Instant::now(),
                failures: 0,
            }
        });
        let away = outage.since.elapsed();
        if self
            .patience
            .give_up_after
            .is_some_and(|limit| away >= limit)
        {
            return Err(ConsumeError::GaveUp {
                group: group.clone(),
                away,
                source: error,
            });
        }
        outage.failures = outage.failures.saturating_add(1);
        let wait = self.patience.backoff.draw(outage.failures);
        debug!(%group, operation, %error, ?wait, failures = outage.failures, "waiting for the log");
        // Never past the moment of giving up, so that a long wait does not put it off.
        Ok(match self.patience.give_up_after {
            Some(limit) => wait.min(limit - away),
            None => wait,
        })
    }

    /// The call succeeded.
    pub(super) fn over(&mut self) {
        if let Some(outage) = self.current.take() {
            let away = outage.since.elapsed();
            info!(group = %self.group, operation = self.operation, ?away, "the log answers again");
        }
    }
}
