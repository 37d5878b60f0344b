//! All metrics of a process.

use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::text;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::book::{Book, Description, Kind};
use super::{Consuming, Groups, Outbox, Publishing, Topics};

/// All metrics of a process, or of a part of it. A value: two of them share nothing. Clones do.
#[derive(Clone)]
pub struct Metrics {
    shared: Arc<Shared>,
}

struct Shared {
    registry: Registry,
    descriptions: Vec<Description>,
    publishing: Publishing,
    consuming: Consuming,
    groups: Groups,
    topics: Topics,
    outbox: Outbox,
}

impl Metrics {
    /// The media type of [`encode`](Self::encode).
    pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Metrics of which nothing has been counted.
    #[expect(
        clippy::new_without_default,
        reason = "a registry is made on purpose, once"
    )]
    pub fn new() -> Self {
        let mut book = Book::new();
        let publishing = Publishing::register(&mut book);
        let consuming = Consuming::register(&mut book);
        let groups = Groups::register(&mut book);
        let topics = Topics::register(&mut book);
        let outbox = Outbox::register(&mut book);
        book.single(
            "build",
            "build_info",
            Kind::Info,
            &["version"],
            "The version of Tidings",
            Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]),
        );
        let Book {
            registry,
            descriptions,
        } = book;
        Self {
            shared: Arc::new(Shared {
                registry,
                descriptions,
                publishing,
                consuming,
                groups,
                topics,
                outbox,
            }),
        }
    }

    /// What producers count.
    pub fn publishing(&self) -> &Publishing {
        &self.shared.publishing
    }

    /// What consumers count and measure.
    pub fn consuming(&self) -> &Consuming {
        &self.shared.consuming
    }

    /// How groups stand.
    pub fn groups(&self) -> &Groups {
        &self.shared.groups
    }

    /// How large topics are, and what is removed from them.
    pub fn topics(&self) -> &Topics {
        &self.shared.topics
    }

    /// How the outbox stands.
    pub fn outbox(&self) -> &Outbox {
        &self.shared.outbox
    }

    /// Every metric that there can be, also those of which nothing has been counted.
    pub fn descriptions(&self) -> &[Description] {
        &self.shared.descriptions
    }

    /// Everything as OpenMetrics text, which Prometheus and its kin read.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = text::encode(&mut text, &self.shared.registry);
        text
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
