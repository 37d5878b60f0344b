//! Changes entities, and says so in the same transaction.

use std::sync::Arc;
use std::time::Duration;

use tidings::{Emitter, NoDefinitions, Role as EmitterRole};
use tidings_outbox::Outbox;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tracing::debug;

use super::asked_to_end;
use crate::args::RoleArgs;
use crate::database::Database;
use crate::planted::Bug;
use crate::random::Random;
use crate::words::{CHANGED, ENTITIES, POISONED, Result, TOPICS, entity, topic_of};

/// Transactions that are open at once.
const SESSIONS: u64 = 4;

pub async fn play(args: &RoleArgs) -> Result<()> {
    let outbox = Outbox::builder(Arc::new(NoDefinitions))
        .emitter(Emitter::new("example", "chaos", EmitterRole::Worker)?)
        .build()?;
    let is_file = args.database.starts_with("sqlite:");
    let sessions = if is_file { 1 } else { SESSIONS };
    for number in 0..sessions {
        let session = Session {
            outbox: outbox.clone(),
            url: args.database.clone(),
            random: Random::new(args.seed, number + 1),
            every: Duration::from_secs(sessions) / u32::try_from(args.rate)?,
            poison_once_in: match args.plant {
                Some(Bug::IgnoredDeadLetter) => 5,
                _ => 100,
            },
            longest: if is_file { 10 } else { 400 },
        };
        tokio::spawn(session.run());
    }
    asked_to_end().await;
    // Transactions that are open end as those of a killed process do.
    Ok(())
}

struct Session {
    outbox: Outbox,
    url: String,
    random: Random,
    every: Duration,
    poison_once_in: u64,
    /// How long a transaction may stay open, in milliseconds.
    longest: u64,
}

impl Session {
    async fn run(mut self) {
        let mut tick = interval(self.every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut database = None;
        loop {
            tick.tick().await;
            let mut open = match database.take() {
                Some(open) => open,
                None => match Database::connect(&self.url).await {
                    Ok(open) => open,
                    Err(error) => {
                        debug!(%error, "the database is away");
                        sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
            };
            match self.transaction(&mut open).await {
                Ok(true) => database = Some(open),
                // Rolled back by the end of the connection.
                Ok(false) => {}
                Err(error) => debug!(%error, "a transaction failed"),
            }
        }
    }

    /// One transaction. Whether its connection can go on.
    async fn transaction(&mut self, database: &mut Database) -> Result<bool> {
        let mut numbers: Vec<u64> = (0..1 + self.random.below(3))
            .map(|_| self.random.below(ENTITIES))
            .collect();
        // In one order, so that transactions do not wait for each other in a ring.
        numbers.sort_unstable();
        numbers.dedup();
        database.begin().await?;
        for number in numbers {
            let name = entity(number);
            let of = format!("WHERE name = '{name}'");
            // The lock comes first: transactions of one entity follow each other.
            let update = format!("UPDATE entities SET version = version + 1 {of}");
            database.sql(&update).await?;
            let version = format!("SELECT version FROM entities {of}");
            let n = database.number(&version).await?;
            let event = self.outbox.event(CHANGED).partition_key(&name);
            let event = event.data_json(format!(r#"{{"name":"{name}","n":{n}}}"#));
            let rows = database
                .enqueue(&self.outbox, topic_of(number), vec![event])
                .await?;
            let id = &rows[0].id;
            let written = format!("INSERT INTO written VALUES ('{id}', '{name}', {n})");
            database.sql(&written).await?;
        }
        if self.random.once_in(self.poison_once_in) {
            let event = self.outbox.event(POISONED).data_json("{}");
            let rows = database
                .enqueue(&self.outbox, TOPICS[0], vec![event])
                .await?;
            let id = &rows[0].id;
            let written = format!("INSERT INTO written VALUES ('{id}', NULL, NULL)");
            database.sql(&written).await?;
        }
        if self.random.once_in(8) {
            let held = self.random.below(self.longest);
            sleep(Duration::from_millis(held)).await;
        }
        match self.random.below(10) {
            0 => database.sql("ROLLBACK").await.map(|()| true),
            1 => Ok(false),
            _ => database.sql("COMMIT").await.map(|()| true),
        }
    }
}
