//! What happens to a message that fails.

use std::time::Duration;

use crate::Backoff;

/// How often a message is tried, and when its failure is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Attempts in all, counted across consumers and restarts; at least 1. Default: 8.
    pub max_attempts: u32,
    /// The wait between attempts. The message stays in hand, its lane waits, others go on.
    pub backoff: Backoff,
    /// The longest that one attempt may take; the handler's future is then dropped and the
    /// attempt counts as a temporary failure. Default: no limit.
    pub timeout: Option<Duration>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 8,
            backoff: Backoff::default(),
            timeout: None,
        }
    }
}

impl RetryPolicy {
    /// Sets how often a message is tried.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the wait between attempts.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Bounds each attempt.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

/// What to do with a message whose failure is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnFailure {
    /// Store it in the dead-letter log of the group and go on, also with its key.
    #[default]
    DeadLetter,
    /// Give it back, drain, and end `run` with an error. The message is the next one again when
    /// the consumer comes back: for streams where nothing may be left out.
    Stop,
}
