//! Registers metrics, and keeps what they are called.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};

use super::labels::LabelSet;

/// What kind of metric it is, in the words of Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Only grows, from the start of the process.
    Counter,
    /// How it stands.
    Gauge,
    /// How values are spread over buckets.
    Histogram,
    /// Always 1; its labels say something.
    Info,
}

impl Kind {
    /// The word in a table or a `# TYPE` line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }
}

/// A metric as a dashboard knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its full name, as in a query; of a histogram without `_bucket`, `_sum` or `_count`.
    pub name: String,
    /// What kind it is.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it counts or measures.
    pub help: &'static str,
}

/// A registry under way.
pub(super) struct Book {
    pub(super) registry: Registry,
    pub(super) descriptions: Vec<Description>,
}

const PREFIX: &str = "tidings";

/// A gauge that may have fractions.
pub(super) type Level = Gauge<f64, std::sync::atomic::AtomicU64>;
pub(super) type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

impl Book {
    pub(super) fn new() -> Self {
        Self {
            registry: Registry::with_prefix(PREFIX),
            descriptions: Vec::new(),
        }
    }

    /// `tidings_{name}_total`.
    pub(super) fn counters<L: LabelSet>(
        &mut self,
        name: &str,
        help: &'static str,
    ) -> Family<L, Counter> {
        let family = Family::<L, Counter>::default();
        self.describe(format!("{name}_total"), Kind::Counter, L::NAMES, help);
        self.register(name, help, None, family.clone());
        family
    }

    /// `tidings_{name}`, a count of things.
    pub(super) fn gauges<L: LabelSet>(
        &mut self,
        name: &str,
        help: &'static str,
    ) -> Family<L, Gauge> {
        let family = Family::<L, Gauge>::default();
        self.describe(name.to_owned(), Kind::Gauge, L::NAMES, help);
        self.register(name, help, None, family.clone());
        family
    }

    /// `tidings_{name}_seconds`.
    pub(super) fn seconds<L: LabelSet>(
        &mut self,
        name: &str,
        help: &'static str,
    ) -> Family<L, Level> {
        let family = Family::<L, Level>::default();
        self.describe(format!("{name}_seconds"), Kind::Gauge, L::NAMES, help);
        self.register(name, help, Some(Unit::Seconds), family.clone());
        family
    }

    /// `tidings_{name}_seconds`, spread over buckets.
    pub(super) fn durations<L: LabelSet>(
        &mut self,
        name: &str,
        help: &'static str,
        histogram: fn() -> Histogram,
    ) -> Histograms<L> {
        let family = Family::new_with_constructor(histogram);
        self.describe(format!("{name}_seconds"), Kind::Histogram, L::NAMES, help);
        self.register(name, help, Some(Unit::Seconds), family.clone());
        family
    }

    /// A metric of another shape.
    pub(super) fn single(
        &mut self,
        name: &str,
        full_name: &str,
        kind: Kind,
        labels: &'static [&'static str],
        help: &'static str,
        metric: impl Metric,
    ) {
        self.describe(full_name.to_owned(), kind, labels, help);
        self.register(name, help, None, metric);
    }

    fn describe(
        &mut self,
        name: String,
        kind: Kind,
        labels: &'static [&'static str],
        help: &'static str,
    ) {
        self.descriptions.push(Description {
            name: format!("{PREFIX}_{name}"),
            kind,
            labels,
            help,
        });
    }

    fn register(&mut self, name: &str, help: &str, unit: Option<Unit>, metric: impl Metric) {
        match unit {
            Some(unit) => self.registry.register_with_unit(name, help, unit, metric),
            None => self.registry.register(name, help, metric),
        }
    }
}
