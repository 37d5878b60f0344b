//! The settings of a consumer, checked.

use std::sync::Arc;
use std::time::Duration;

use tidings_transport::{Gap, Opened, Topic};

use super::guard::Guard;
use super::outage::Patience;
use super::{Breaker, ConsumeError, OnFailure, RetryPolicy};
use crate::lanes::Limits;

/// Called with each loss that the log reports.
pub(super) type OnGap = Arc<dyn Fn(&Gap) + Send + Sync>;
/// Called once with where the group stood on each topic.
pub(super) type OnOpen = Arc<dyn Fn(&[(Topic, Opened)]) + Send + Sync>;

/// The settings of a consumer, with their defaults in [`Default`].
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) concurrency: usize,
    pub(super) calls_ahead: usize,
    pub(super) retry: RetryPolicy,
    pub(super) on_failure: OnFailure,
    pub(super) breaker: Breaker,
    pub(super) max_parked_keys: usize,
    /// Lanes are used at all.
    pub(super) ordered: bool,
    pub(super) lease: Duration,
    pub(super) drain: Duration,
    pub(super) patience: Patience,
    pub(super) max_in_hand: usize,
    pub(super) max_bytes: usize,
    pub(super) max_lane: usize,
    pub(super) max_batch: usize,
    pub(super) max_events: Option<u64>,
    pub(super) until_idle: Option<Duration>,
    pub(super) on_gap: Option<OnGap>,
    pub(super) on_open: Option<OnOpen>,
    pub(super) guard: Option<Guard>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: 32,
            calls_ahead: 0,
            retry: RetryPolicy::default(),
            on_failure: OnFailure::default(),
            breaker: Breaker::default(),
            max_parked_keys: 10_000,
            ordered: true,
            lease: Duration::from_secs(30),
            drain: Duration::from_secs(25),
            patience: Patience::default(),
            max_in_hand: 5_000,
            max_bytes: 64 * 1024 * 1024,
            max_lane: 1_000,
            max_batch: 500,
            max_events: None,
            until_idle: None,
            on_gap: None,
            on_open: None,
            guard: None,
        }
    }
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), ConsumeError> {
        let refuse = |setting, rule: &str| {
            Err(ConsumeError::Invalid {
                setting,
                rule: rule.into(),
                source: None,
            })
        };
        if !(1..=10_000).contains(&self.concurrency) {
            return refuse("concurrency", "must be between 1 and 10,000");
        }
        if self.retry.max_attempts == 0 {
            return refuse("retry.max_attempts", "must be at least 1");
        }
        if self.max_parked_keys == 0 {
            return refuse(
                "max_parked_keys",
                "must be at least 1; to park nothing, use OnFailure::Skip",
            );
        }
        if self.max_in_hand == 0 || self.max_bytes == 0 {
            return refuse("in_hand", "count and bytes must be at least 1");
        }
        Ok(())
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            count: self.max_in_hand,
            bytes: self.max_bytes,
            lane: self.max_lane.min(self.max_in_hand),
            batch: self.max_batch.min(self.max_in_hand).min(self.max_lane),
        }
    }
}
