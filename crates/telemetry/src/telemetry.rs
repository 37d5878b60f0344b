//! The one value that everything hangs on.

use std::sync::Arc;

use crate::{Health, Metrics, Propagation};

/// What a program wants to be told, handed to its producers and consumers. Cheap to clone; clones
/// share everything. The default tells nothing but [`Health`].
///
/// ```
/// # use tidings_telemetry::{Metrics, Telemetry};
/// let telemetry = Telemetry::default().with_metrics(Metrics::new());
/// assert!(telemetry.metrics().is_some_and(|m| m.encode().contains("tidings_build_info")));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Telemetry {
    metrics: Option<Metrics>,
    health: Health,
    propagation: Option<Arc<dyn Propagation>>,
}

impl Telemetry {
    /// Counts and measures.
    pub fn with_metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Makes spans, and carries their trace in events.
    pub fn with_propagation(mut self, propagation: Arc<dyn Propagation>) -> Self {
        self.propagation = Some(propagation);
        self
    }

    /// The metrics, if they are wanted.
    pub fn metrics(&self) -> Option<&Metrics> {
        self.metrics.as_ref()
    }

    /// Whether loops move, and whether the process is ready.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// How traces travel, if they are wanted.
    pub fn propagation(&self) -> Option<&Arc<dyn Propagation>> {
        self.propagation.as_ref()
    }
}
