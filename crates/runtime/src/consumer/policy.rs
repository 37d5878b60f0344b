//! What happens to a message that fails.

use std::time::Duration;

use crate::Backoff;

/// How often a message is tried, and when its failure is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Attempts in all, counted across consumers and restarts; at least 1. A parked or dead message
    /// that a person hands out again has as many once more. Default: 8.
    pub max_attempts: u32,
    /// The wait between attempts. The message stays in hand, its lane waits, others go on.
    pub backoff: Backoff,
    /// The longest that one attempt may take; the handler's future is then dropped and the
    /// attempt counts as a temporary failure. Default: no limit.
    pub timeout: Option<Duration>,
    /// The longest that a message may fail: from its first failure in this consumer, the time that
    /// the breaker was open left out. One last attempt is made at its end. Default: no limit but
    /// `max_attempts`.
    pub max_elapsed: Option<Duration>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 8,
            backoff: Backoff::default(),
            timeout: None,
            max_elapsed: None,
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

    /// Bounds how long a message may fail.
    pub fn max_elapsed(mut self, total: Duration) -> Self {
        self.max_elapsed = Some(total);
        self
    }

    /// The attempt after which a message is given up, if it came with so many attempts behind it.
    /// One that a person handed out again has a round of its own.
    pub(super) fn last_attempt(&self, before: u32, released: bool) -> u32 {
        match released {
            true => (before / self.max_attempts + 1).saturating_mul(self.max_attempts),
            false => self.max_attempts,
        }
    }
}

/// When the consumer takes failures for those of everything, and pauses.
///
/// The breaker opens when messages of `keys` different keys have failed one after the other, for
/// reasons that may pass, and none has succeeded in between: the handler's database is down, say.
/// While it is open no message is handed to the handler but one *probe* at a time, at growing
/// distances; the first success closes it. A probe is not counted as an attempt, nor is a failure
/// while the breaker is open, so that an outage of hours sends nothing to the dead letters.
/// Messages without a key count as a key each; failures that trying again cannot mend do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breaker {
    /// How many different keys must fail in a row; 0 means never. Default: 5.
    pub keys: usize,
    /// The distance of probes. Default: 1 s at first, 30 s at most.
    pub probe: Backoff,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            keys: 5,
            probe: Backoff::new(Duration::from_secs(1), Duration::from_secs(30)),
        }
    }
}

impl Breaker {
    /// A breaker that never opens.
    pub fn off() -> Self {
        Self {
            keys: 0,
            ..Self::default()
        }
    }

    /// Sets how many different keys must fail in a row.
    pub fn keys(mut self, keys: usize) -> Self {
        self.keys = keys;
        self
    }

    /// Sets the distance of probes.
    pub fn probe(mut self, probe: Backoff) -> Self {
        self.probe = probe;
        self
    }
}

/// What to do with a message whose failure is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnFailure {
    /// Store it in the dead-letter log of the group and let later messages of its key wait there
    /// behind it, in order, until a person releases the key; other keys go on. A message without a
    /// key, and any where no order is kept, is skipped.
    #[default]
    ParkKey,
    /// Store it in the dead-letter log of the group and go on, also with its key.
    Skip,
    /// Give it back, drain, and end `run` with an error. The message is the next one again when
    /// the consumer comes back: for streams where nothing may be left out.
    Stop,
}
