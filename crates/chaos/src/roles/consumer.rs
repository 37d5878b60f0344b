//! Applies events to the view, each once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidings::{Backoff, Bus, Handler, HandlerError, Message, RetryPolicy, Start};
use tidings_outbox::{Inbox, Sighting};
use tidings_transport::Group;
use tokio::time::sleep;
use tracing::warn;

use super::witness::Witness;
use super::{asked_to_end, open};
use crate::args::RoleArgs;
use crate::database::Database;
use crate::moment::Moment;
use crate::planted::Bug;
use crate::random::Random;
use crate::words::{GROUP, POISONED, Result, TOPICS};

pub async fn play(args: &RoleArgs) -> Result<()> {
    let bus = open(&args.bus).await;
    let witness = Witness::new(bus.transport().clone(), args.plant, &args.ledger)?;
    let bus = Bus::new(Arc::new(witness), bus.address());
    let view = Arc::new(View {
        url: args.database.clone(),
        inbox: Inbox::new(Group::new(GROUP)?),
        bug: args.plant,
        moment: Moment::new(args.plant, &args.ledger),
        random: Mutex::new(Random::new(args.seed, 0)),
        idle: Mutex::default(),
    });
    let consumer = bus
        .consumer(GROUP)
        .topics(TOPICS)
        .from(Start::Earliest)
        .name(format!("consumer-{}", std::process::id()))
        .concurrency(8)
        .lease(Duration::from_millis(args.lease_ms))
        // Kills count as attempts; what fails here fails for a while and not for good.
        .retry(
            RetryPolicy::default()
                .max_attempts(1_000_000)
                .backoff(Backoff::new(
                    Duration::from_millis(20),
                    Duration::from_millis(500),
                )),
        )
        .handler(Apply(view));
    consumer.run(asked_to_end()).await?;
    Ok(())
}

struct Apply(Arc<View>);

impl Handler for Apply {
    async fn handle(&self, message: Message) -> Result<(), HandlerError> {
        let view = &self.0;
        if message.event().event_type() == POISONED {
            // So that some of these fail while something goes wrong.
            sleep(Duration::from_millis(view.draw(300))).await;
            return Err(HandlerError::permanent("poisoned"));
        }
        view.moment.of(Bug::AckBeforeHandler).await;
        view.think().await;
        let applied = view.apply(&message).await;
        applied.map_err(|error| HandlerError::temporary(error.to_string()))
    }
}

/// The database of the service that consumes.
struct View {
    url: String,
    inbox: Inbox,
    bug: Option<Bug>,
    moment: Moment,
    random: Mutex<Random>,
    idle: Mutex<Vec<Database>>,
}

impl View {
    fn draw(&self, below: u64) -> u64 {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.below(below)
    }

    async fn think(&self) {
        sleep(Duration::from_millis(self.draw(8))).await;
    }

    async fn connection(&self) -> Result<Database> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        match idle {
            Some(database) => Ok(database),
            None => Database::connect(&self.url).await,
        }
    }

    fn give_back(&self, database: Database) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(database);
    }

    async fn apply(&self, message: &Message) -> Result<()> {
        let event = message.event();
        // Only one that ends well goes back: the others take their open transaction with them.
        let mut database = self.connection().await?;
        let sighting = if self.bug == Some(Bug::DedupBeforeCommit) {
            let mut other = self.connection().await?;
            let sighting = other.once_before_commit(&self.inbox, event).await?;
            self.give_back(other);
            self.moment.of(Bug::DedupBeforeCommit).await;
            database.begin().await?;
            sighting
        } else {
            database.begin().await?;
            database.once(&self.inbox, event).await?
        };
        if sighting == Sighting::Fresh {
            let data: Changed = message.json().map_err(|e| e.to_string())?;
            let (id, name, n) = (event.id(), data.name, data.n);
            let effect =
                format!("INSERT INTO effects (id, name, n) VALUES ('{id}', '{name}', {n})");
            database.sql(&effect).await?;
            self.think().await;
            if self.draw(50) == 0 {
                return Err("a failure after the effect and before the commit".into());
            }
        }
        database.sql("COMMIT").await.inspect_err(|error| {
            warn!(%error, "nobody knows whether this was committed");
        })?;
        self.give_back(database);
        Ok(())
    }
}

#[derive(serde::Deserialize)]
struct Changed {
    name: String,
    n: i64,
}
