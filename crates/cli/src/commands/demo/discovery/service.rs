//! The process: changes courses, and publishes what it did after each commit.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use tidings::{Emitter, Event, Producer, Role, Route};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::change::Action;
use super::pace::Pace;
use super::store::{Stamped, Store};
use crate::args::DemoServiceArgs;
use crate::bus::Bus;
use crate::commands::demo::course::Course;
use crate::commands::demo::database;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::signals::Shutdown;

/// How long it rests when nothing is due, or the bus is away.
const REST: Duration = Duration::from_millis(20);
/// At most so many events go out together.
const TOGETHER: u32 = 200;

/// Changes courses until it is asked to end; ends when the bus has confirmed every event.
///
/// Each change and its event are one commit, and what is not confirmed goes out after it, also
/// after a restart: so nothing that was committed stays unsaid, whenever the process is killed.
pub async fn run(args: &DemoServiceArgs, shutdown: &Shutdown) -> Result<()> {
    let bus = Bus::open(&args.bus).await?;
    let mut discovery = Discovery {
        store: Store::open(&args.database, args.seed)
            .map_err(|e| database::failed(&args.database, e))?,
        database: &args.database,
        emitter: Emitter::new("openedx", "discovery", Role::Worker).map_err(unpublishable)?,
        producer: producer(&bus, &args.topic)?,
    };
    let pace = Pace::new(args.pace.rate);
    let began = Instant::now();
    let mut made = 0;
    loop {
        let all_said = discovery.publish().await?;
        if shutdown.is_asked() && all_said {
            info!(made, "every change is committed and confirmed");
            return Ok(());
        }
        let due = pace.due(began.elapsed());
        if !all_said || made >= due {
            sleep(REST).await;
        }
        while made < due && !shutdown.is_asked() {
            discovery.change()?;
            made += 1;
        }
    }
}

struct Discovery<'a> {
    store: Store,
    database: &'a Path,
    emitter: Emitter,
    producer: Producer,
}

impl Discovery<'_> {
    /// Changes a course.
    fn change(&mut self) -> Result<()> {
        let emitter = &self.emitter;
        let changed = self
            .store
            .change(|action, course| stamp(emitter, action, course));
        changed.map_err(|e| match e {
            ChangeError::Database(e) => database::failed(self.database, e),
            ChangeError::Event(failure) => failure,
        })
    }

    /// Publishes what the bus has not confirmed, and whether it now has all of it.
    async fn publish(&mut self) -> Result<bool> {
        loop {
            let failed = |e| database::failed(self.database, e);
            let waiting = self.store.unpublished(TOGETHER).map_err(failed)?;
            if waiting.is_empty() {
                return Ok(true);
            }
            let mut events = Vec::with_capacity(waiting.len());
            for change in &waiting {
                events.push(Event::from_json(change.event.as_bytes()).map_err(unpublishable)?);
            }
            let mut confirmed = Vec::with_capacity(waiting.len());
            let mut away = false;
            let results = self.producer.publish_all(events).await;
            for (change, result) in waiting.iter().zip(results) {
                match result {
                    Ok(_) => confirmed.push(change.number),
                    // It stays in the table as it is, and goes out again with the same id.
                    Err(error) if error.is_temporary() => {
                        warn!(number = change.number, %error, "not confirmed");
                        away = true;
                    }
                    Err(error) => return Err(unpublishable(error)),
                }
            }
            self.store.confirm(&confirmed).map_err(failed)?;
            if away {
                return Ok(false);
            }
        }
    }
}

fn producer(bus: &Bus, topic: &str) -> Result<Producer> {
    let mut builder = bus.producer();
    for action in [Action::Created, Action::Updated, Action::Archived] {
        let route = Route::to(topic)
            .key_path("course.key")
            .map_err(unpublishable)?;
        builder = builder.route(action.event_type(), route);
    }
    Ok(builder.build()?)
}

enum ChangeError {
    Database(rusqlite::Error),
    Event(Failure),
}

impl From<rusqlite::Error> for ChangeError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// The event that tells of a change. Its time is that of the row.
fn stamp(
    emitter: &Emitter,
    action: Action,
    course: &Course,
) -> std::result::Result<Stamped, ChangeError> {
    let event = || -> std::result::Result<_, Box<dyn std::error::Error + Send + Sync>> {
        let happened = Timestamp::from_microsecond(course.modified)?;
        let builder = emitter.occurrence(happened).event(action.event_type());
        let event = builder
            .data_value(&serde_json::json!({ "course": course }))
            .build()?;
        let document = event.to_json();
        Ok(Stamped {
            id: event.id().to_owned(),
            document: String::from_utf8(document)?,
        })
    };
    event().map_err(|e| ChangeError::Event(unpublishable(e)))
}

fn unpublishable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Failure {
    Failure::new(Exit::Failed, "discovery cannot say what it did").source(error)
}
