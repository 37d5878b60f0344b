//! The bus that the settings name, opened.

use std::collections::{BTreeSet, HashSet};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tidings::{Backoff, Catalog, OpenError, RetentionPolicy};
use tidings_telemetry::Telemetry;
use tidings_transport::{ErrorKind, Topic, TopicInfo};
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;
use tracing::warn;

use crate::args::BusArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::to_stderr;
use crate::settings::{Origin, Settings, redacted};

/// Between two looks for a bus that is away.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));

/// The bus that the settings name, opened, with the definitions that they name.
pub struct Bus {
    bus: tidings::Bus,
    shown: String,
    service: Option<String>,
    names_catalog: bool,
    /// The services that the catalog has contracts with.
    contracted: BTreeSet<String>,
    retention: RetentionPolicy,
    retention_every: Duration,
}

impl Bus {
    /// Opens it.
    pub async fn open(args: &BusArgs) -> Result<Self> {
        Self::open_settings(&Settings::resolve(args)?).await
    }

    /// Opens it for looking: a file that does not exist is not made.
    pub async fn open_to_look(args: &BusArgs) -> Result<Self> {
        let settings = Settings::resolve(args)?;
        let opened = tidings::open_existing(&settings.bus).await;
        Self::furnish(&settings, opened)
    }

    /// Opens it by settings that are resolved already.
    pub async fn open_settings(settings: &Settings) -> Result<Self> {
        Self::open_patiently(settings, None).await
    }

    /// As [`open_settings`](Self::open_settings), and tries again for so long while it is away.
    pub async fn open_patiently(settings: &Settings, patience: Option<Duration>) -> Result<Self> {
        Self::furnish(settings, opened(settings, patience).await)
    }

    fn furnish(settings: &Settings, opened: Result<tidings::Bus, OpenError>) -> Result<Self> {
        let mut bus = opened.map_err(|error| not_opened(settings, error))?;
        let mut contracted = BTreeSet::new();
        if let Some(origin) = &settings.catalogs.origin {
            let catalog = catalog(&settings.catalogs.folders, origin)?;
            let consumers = catalog.events().flat_map(|event| &event.consumers);
            contracted.extend(consumers.map(|consumer| consumer.service.to_string()));
            bus = bus.with_definitions(Arc::new(catalog));
        }
        Ok(Self {
            bus,
            shown: redacted(&settings.bus),
            service: settings.service.clone(),
            names_catalog: settings.catalogs.origin.is_some(),
            contracted,
            retention: settings.retention.clone(),
            retention_every: settings.retention_every,
        })
    }

    /// What its producers and consumers tell of themselves.
    pub fn with_telemetry(mut self, telemetry: Telemetry) -> Self {
        self.bus = self.bus.with_telemetry(telemetry);
        self
    }

    /// The service that publishes and consumes here, if somebody names it.
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// Whether somebody names a catalog, to which producers are held.
    pub fn names_catalog(&self) -> bool {
        self.names_catalog
    }

    /// Says that events are held to no contract of a service, where the catalog has none: its name
    /// may be misspelt.
    pub fn tell_uncontracted(&self, service: &str) {
        if self.contracted.contains(service) {
            return;
        }
        let known: Vec<&str> = self.contracted.iter().map(String::as_str).collect();
        let known = match known.is_empty() {
            true => "nobody".to_owned(),
            false => known.join(", "),
        };
        to_stderr(&format!(
            "note: the catalog has no contract with service {service:?}; it has with {known}"
        ));
    }

    /// The full name of a topic. One that has the prefix already is worth a word.
    pub fn topic(&self, name: &str) -> Result<Topic> {
        let full = self.bus.topic(name)?;
        if name.contains(',') {
            to_stderr(&format!(
                "note: --topic {name} is one topic with a comma in its name; for several give --topic \
                 several times"
            ));
        }
        let twice = Topic::new(name).is_ok_and(|t| self.namespace().name_of(&t).is_some());
        if let (Some(prefix), true) = (self.namespace().prefix(), twice) {
            to_stderr(&format!(
                "warning: --topic {name} becomes {full}, for the prefix {prefix:?} is put before it; \
                 for {name} leave the prefix out"
            ));
        }
        Ok(full)
    }

    /// The topics of its prefix, or all where it has none.
    pub async fn topics(&self) -> Result<Vec<TopicInfo>> {
        let mut all = self.transport().topics().await?;
        all.retain(|info| self.namespace().name_of(&info.topic).is_some());
        Ok(all)
    }

    /// The full names of these topics, or those of all topics when there is none.
    pub async fn topics_or_all(&self, names: &[String]) -> Result<Vec<Topic>> {
        if names.is_empty() {
            let all = self.topics().await?;
            return Ok(all.into_iter().map(|info| info.topic).collect());
        }
        let mut seen = HashSet::new();
        let once = names.iter().filter(|name| seen.insert(name.as_str()));
        once.map(|name| self.topic(name)).collect()
    }

    /// What `tidings.toml` says of retention.
    pub fn retention(&self) -> &RetentionPolicy {
        &self.retention
    }

    /// Trims topics as `tidings.toml` says, until the handle is dropped.
    pub fn retain(&self) -> Option<AbortOnDropHandle<()>> {
        let trims = !self.retention.is_empty();
        let retainer = || {
            self.retainer(self.retention.clone())
                .every(self.retention_every)
        };
        let trimming = trims.then(|| retainer().run());
        trimming.map(|trimming| AbortOnDropHandle::new(tokio::spawn(trimming)))
    }

    /// The scheme of its URL: which kind of log it is.
    pub fn scheme(&self) -> &str {
        self.shown.split(':').next().unwrap_or_default()
    }

    /// Its URL without secrets, for people.
    pub fn shown(&self) -> String {
        self.shown.clone()
    }
}

impl Deref for Bus {
    type Target = tidings::Bus;

    fn deref(&self) -> &tidings::Bus {
        &self.bus
    }
}

/// The definitions of these folders, the first that has one wins, and then those of Open edX.
pub fn catalog(folders: &[PathBuf], origin: &Origin) -> Result<Catalog> {
    let mut catalog = Catalog::openedx();
    for folder in folders.iter().rev() {
        let found = Catalog::from_folder(folder).map_err(|error| {
            let what = format!("cannot use the catalogs named by {origin}");
            Failure::new(Exit::Config, what).source(error)
        })?;
        catalog = catalog.and(found);
    }
    Ok(catalog)
}

async fn opened(
    settings: &Settings,
    patience: Option<Duration>,
) -> Result<tidings::Bus, OpenError> {
    let end = patience.map(|patience| Instant::now() + patience);
    let mut failures = 0;
    loop {
        let error = match tidings::open(&settings.bus).await {
            Ok(bus) => return Ok(bus),
            Err(error) => error,
        };
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        match left {
            Some(left) if error.is_temporary() && !left.is_zero() => {
                if failures == 0 {
                    warn!(%error, "the bus does not answer; trying again");
                }
                failures += 1;
                sleep(BACKOFF.draw(failures).min(left)).await;
            }
            _ => return Err(error),
        }
    }
}

/// Why a bus could not be opened.
pub fn not_opened(settings: &Settings, error: OpenError) -> Failure {
    let (bus, origin) = (redacted(&settings.bus), &settings.bus_origin);
    let what = format!("cannot open {bus} (named by {origin})");
    match error {
        OpenError::Transport { source, .. } => {
            let exit = match Failure::exit_of(&source) {
                // Whoever named the bus named it wrongly; the command line may be as it should.
                Exit::Usage => Exit::Config,
                // A file of a newer format, or a place where no file can be.
                _ if source.kind() == ErrorKind::Unsupported => Exit::Config,
                exit => exit,
            };
            Failure::new(exit, what).source(source)
        }
        error => {
            let failure = Failure::new(Exit::Config, what).source(error);
            match settings.bus.contains(':') {
                true => failure,
                false => failure.remedy(format!("a file is named like this: sqlite:{bus}")),
            }
        }
    }
}
