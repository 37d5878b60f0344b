//! Where the demo takes place: a folder, a bus, a topic of its own, two databases.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;
use tidings_transport::{Capability, Group, GroupInfo, Retention, Start, Topic};
use tokio::time::{Instant, sleep, timeout};

use super::discovery::store::{self as discovery, Said};
use super::lms::store::{self as lms, Applied};
use super::plan::Service;
use super::seed::Random;
use super::{GROUP, database};
use crate::args::{DemoArgs, PaceArgs};
use crate::bus::Bus;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::settings::{Origin, Settings};

/// How long the bus may be away.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it rests before it is asked again.
const REST: Duration = Duration::from_millis(200);
/// How long a glance takes at most.
const GLANCE: Duration = Duration::from_millis(500);

/// Where the demo takes place.
pub struct Stage {
    folder: PathBuf,
    /// Removes the folder when it is dropped, unless the folder is to be kept.
    temporary: Option<TempDir>,
    bus: Bus,
    settings: Settings,
    topic_name: String,
    topic: Topic,
    group: Group,
    seed: u64,
    pace: PaceArgs,
    discovery: Connection,
    lms: Connection,
}

impl Stage {
    /// Makes everything that is to be there before the services start.
    pub async fn set(args: &DemoArgs) -> Result<Self> {
        let (folder, temporary) = folder(args.folder.as_deref())?;
        // The two characters that mean something else in a URL.
        let file = folder.join("bus.db").display().to_string();
        let file = file.replace('%', "%25").replace('?', "%3F");
        let settings = Settings::resolve_or(&args.bus, Some(format!("sqlite:{file}")))?;
        let bus = Bus::open_settings(&settings).await?;
        if !bus.transport().capabilities().has(Capability::Durable) {
            let text = format!("the services of the demo cannot share {}", bus.shown());
            return Err(Failure::new(Exit::Unavailable, text)
                .remedy("name one that outlives a process: sqlite:bus.db or redis://localhost"));
        }
        let seed = args
            .seed
            .unwrap_or_else(|| Random::from_clock().below(1_000_000));
        // A topic of its own: on a bus that others use too nobody is disturbed.
        let topic_name = format!("tidings-demo-{:08x}", Random::from_clock().below(1 << 32));
        let topic = bus.topic(&topic_name)?;
        let group = Group::new(GROUP)?;
        // Before anything is published, so that it hears everything.
        bus.transport()
            .create_group(&topic, &group, &Start::Earliest)
            .await?;
        let databases = Service::ALL.map(|s| database_of(&folder, s));
        let [discovery, lms] = &databases;
        drop(discovery::Store::open(discovery, seed).map_err(|e| database::failed(discovery, e))?);
        drop(lms::Store::open(lms).map_err(|e| database::failed(lms, e))?);
        let look = |path| database::look(path).map_err(|e| database::failed(path, e));
        Ok(Self {
            discovery: look(discovery)?,
            lms: look(lms)?,
            settings,
            folder,
            temporary,
            bus,
            topic_name,
            topic,
            group,
            seed,
            pace: args.chaos.pace,
        })
    }

    /// What a service is started with.
    pub fn arguments(&self, service: Service) -> Vec<String> {
        let database = database_of(&self.folder, service);
        let catalogs = self.settings.catalogs.folders.iter();
        let catalogs = catalogs.flat_map(|c| ["--catalog".into(), c.display().to_string()]);
        let own = [
            "demo-service",
            service.name(),
            "--topic",
            &self.topic_name,
            "--database",
            &database.to_string_lossy(),
            "--seed",
            &self.seed.to_string(),
            "--rate",
            &self.pace.rate.to_string(),
            "--lease",
            &format!("{}ms", self.pace.lease.as_millis()),
        ]
        .map(str::to_owned);
        own.into_iter().chain(catalogs).collect()
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps the folder for those who want to see what went wrong.
    pub fn keep(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            self.folder = temporary.keep();
        }
    }

    /// The URL of the bus, with secrets.
    pub fn bus_url(&self) -> &str {
        &self.settings.bus
    }

    /// The URL of the bus, for people.
    pub fn bus_shown(&self) -> String {
        self.bus.shown()
    }

    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The topic, if it outlives the demo because the bus does.
    pub fn left(&self) -> Option<&Topic> {
        (self.settings.bus_origin != Origin::Default).then_some(&self.topic)
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How the group of lms stands, by the bus.
    pub async fn group(&self) -> Result<GroupInfo> {
        let groups = patiently(|| self.bus.transport().groups(&self.topic)).await?;
        let group = groups.into_iter().find(|g| g.group == self.group);
        group.ok_or_else(|| {
            let text = format!("topic {} has lost its group {}", self.topic, self.group);
            Failure::new(Exit::Failed, text)
        })
    }

    /// The same if the bus tells at once, which it may not do while a service is frozen.
    pub async fn glance(&self) -> Option<GroupInfo> {
        timeout(GLANCE, self.group()).await.ok()?.ok()
    }

    /// What discovery has said, by its database.
    pub fn said(&self) -> Result<Said> {
        discovery::said(&self.discovery).map_err(|e| self.failed(Service::Discovery, e))
    }

    /// What has taken effect at lms, by its database.
    pub fn applied(&self) -> Result<Applied> {
        lms::applied(&self.lms).map_err(|e| self.failed(Service::Lms, e))
    }

    /// Looks at the database of a service.
    pub fn look<T>(
        &self,
        service: Service,
        look: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let connection = match service {
            Service::Discovery => &self.discovery,
            Service::Lms => &self.lms,
        };
        look(connection).map_err(|e| self.failed(service, e))
    }

    /// Leaves the topic empty: on a bus that stays, nothing of the demo takes room.
    pub async fn clear(&self) -> Result<()> {
        let mut all = Retention::default();
        all.max_len = Some(0);
        all.hard_max_len = Some(0);
        patiently(|| self.bus.transport().trim(&self.topic, &all)).await?;
        Ok(())
    }

    fn failed(&self, service: Service, error: rusqlite::Error) -> Failure {
        database::failed(&database_of(&self.folder, service), error)
    }
}

/// Asks the bus until it answers: one that is away for a while does not end the demo. The services
/// wait for it as well.
async fn patiently<T, A>(ask: impl Fn() -> A) -> tidings_transport::Result<T>
where
    A: Future<Output = tidings_transport::Result<T>>,
{
    let began = Instant::now();
    loop {
        match ask().await {
            Err(error) if error.is_temporary() && began.elapsed() < PATIENCE => {
                tracing::warn!(%error, "the bus does not answer");
                sleep(REST).await;
            }
            answer => return answer,
        }
    }
}

fn database_of(folder: &Path, service: Service) -> PathBuf {
    folder.join(format!("{service}.db"))
}

fn folder(wanted: Option<&Path>) -> Result<(PathBuf, Option<TempDir>)> {
    let failed = |e: std::io::Error, which: &str| {
        Failure::new(Exit::Io, format!("cannot make the folder {which}")).source(e)
    };
    match wanted {
        None => {
            let made = tempfile::Builder::new().prefix("tidings-demo-").tempdir();
            let made = made.map_err(|e| failed(e, "for the databases"))?;
            Ok((made.path().to_owned(), Some(made)))
        }
        Some(path) => {
            let shown = path.display().to_string();
            fs::create_dir_all(path).map_err(|e| failed(e, &shown))?;
            for service in Service::ALL {
                if database_of(path, service).exists() {
                    let text = format!("{shown} already holds the databases of a demo");
                    return Err(Failure::new(Exit::Usage, text).remedy("name another folder"));
                }
            }
            Ok((path.to_owned(), None))
        }
    }
}
