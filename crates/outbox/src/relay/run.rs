//! The relay.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidings_runtime::{Backoff, Operation, Producer, ProducerBuilder, PublishRetry};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::active::Active;
use super::settings::Settings;
use super::{RelayCounters, RelayCounts};
use crate::database::{Database, Session, Table, bounded};
use crate::{Error, ErrorKind, Result};

/// Publishes the rows of an outbox after their commit, in order per key, and deletes them when
/// the bus has them.
///
/// One relay is active per database; the others stand by and take over within seconds. An event
/// whose fate is unknown is published again, with the same id. What the bus refuses for good is
/// set aside with the reason, and holds later rows of its own key and no other. What it does not
/// permit is set aside too, and tried again until it does. A bus or a database that is away is
/// waited for.
///
/// ```no_run
/// # async fn example(bus: tidings_runtime::ProducerBuilder) -> tidings_outbox::Result<()> {
/// use tidings_outbox::{Database, Relay};
///
/// let database = Database::new("postgres://app@db.internal/app")?;
/// let relay = Relay::new(database, bus);
/// let counters = relay.counters();
/// relay.run(tidings_runtime::shutdown_signal()).await?;
/// println!("{} published", counters.snapshot().published);
/// # Ok(())
/// # }
/// ```
#[must_use = "a relay works in `run`"]
pub struct Relay {
    database: Database,
    producer: ProducerBuilder,
    settings: Settings,
    counters: Arc<RelayCounters>,
}

impl Relay {
    /// A relay from a database to a bus. The producer tells the prefix, the wire and how strictly
    /// rows are checked that were not enqueued by Tidings; its own retries are not used.
    pub fn new(database: Database, producer: ProducerBuilder) -> Self {
        Self {
            database,
            producer,
            settings: Settings::default(),
            counters: Arc::default(),
        }
    }

    /// Bounds a batch: rows (default 1,000) and bytes (default 4 MiB); at least one row.
    pub fn batch(mut self, rows: usize, bytes: usize) -> Self {
        self.settings.batch = rows.max(1);
        self.settings.batch_bytes = bytes.max(1);
        self
    }

    /// The longest wait between two looks at an idle outbox. Default: 250 ms; 1 s on PostgreSQL,
    /// where commits wake the relay.
    pub fn poll(mut self, longest: Duration) -> Self {
        self.settings.poll = Some(longest);
        self
    }

    /// Keeps published rows in `tidings_outbox_published` for so long. Default: they are deleted.
    pub fn keep(mut self, age: Duration) -> Self {
        self.settings.keep = Some(age);
        self
    }

    /// Publishes again what was published within so long before the log lost its process, with the
    /// same ids, and keeps published rows for that in `tidings_outbox_published`: for a log that
    /// acknowledges before it syncs, as Redis with `appendfsync everysec`, which may lose two
    /// seconds. Five are plenty. [`run`](Self::run) refuses a log that does not tell of its process.
    /// Default: no.
    pub fn resend(mut self, window: Duration) -> Self {
        self.settings.resend = Some(window);
        self
    }

    /// How often a standby asks whether it may take over. Default: 1 s.
    pub fn standby(mut self, every: Duration) -> Self {
        self.settings.standby = every;
        self
    }

    /// The waits while the bus or the database is away. Default: 100 ms, growing to 5 s.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.settings.backoff = backoff;
        self
    }

    /// Ends [`run`](Self::run) with an error when the database could not be reached for so long at
    /// the start. Default: it is waited for. Later it is always waited for.
    pub fn give_up_after(mut self, away: Duration) -> Self {
        self.settings.give_up_after = Some(away);
        self
    }

    /// Plants a bug, for the test that must find it.
    #[cfg(feature = "sabotage")]
    pub fn sabotage(mut self, bug: crate::Sabotage) -> Self {
        self.settings.sabotage = Some(bug);
        self
    }

    /// The running counts and gauges.
    pub fn counters(&self) -> Arc<RelayCounters> {
        self.counters.clone()
    }

    /// Works until `shutdown` completes; then ends the batch in hand and returns.
    ///
    /// # Errors
    /// What trying again will not mend: tables that are missing, a pooler in between, credentials
    /// that are refused. A database that is away is waited for, at the start as long as
    /// [`give_up_after`](Self::give_up_after) allows.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<RelayCounts> {
        let stop = CancellationToken::new();
        let counters = self.counters.clone();
        let working = self.work(&stop);
        tokio::pin!(working);
        let result = tokio::select! {
            result = &mut working => result,
            () = shutdown => {
                stop.cancel();
                working.await
            }
        };
        result.map(|()| counters.snapshot())
    }

    async fn work(self, stop: &CancellationToken) -> Result<()> {
        // A batch of the relay is one batch of the log, and the relay alone decides what is sent
        // again: so nothing passes by what failed.
        let producer = self
            .producer
            .forwarding()
            .operation(Operation::Relay)
            .retry(PublishRetry::never())
            .batch(usize::MAX, usize::MAX)
            .build()
            .map_err(|e| Error::new(ErrorKind::Invalid, "relay", e.to_string()).with_source(e))?;
        let wake = Arc::new(Notify::new());
        let listener = self.database.listen(wake.clone()).map(Abort);
        let poll = self.settings.poll.unwrap_or(match listener {
            Some(_) => Duration::from_secs(1),
            None => Duration::from_millis(250),
        });
        let work = Work {
            database: &self.database,
            producer: &producer,
            settings: &self.settings,
            counters: &self.counters,
            wake: &wake,
            poll,
        };
        let (mut failures, mut terms, mut began) = (0_u32, 0, false);
        let start = Instant::now();
        loop {
            let ended = work.turn(&mut began, stop).await;
            self.counters.end_term();
            let error = match ended {
                Ok(()) => return Ok(()),
                Err(error) if error.is_temporary() => error,
                Err(error) => return Err(error),
            };
            self.counters.outage();
            let limit = self.settings.give_up_after.filter(|_| !began);
            if limit.is_some_and(|limit| start.elapsed() >= limit) {
                return Err(error);
            }
            // A term that began is a success of the connection before.
            let counts = self.counters.snapshot();
            if counts.terms > terms {
                (failures, terms) = (0, counts.terms);
            }
            match (failures, began) {
                (0, false) => warn!(%error, "the database is away; waiting for it"),
                (0, true) => {
                    warn!(%error, "the database went away, or the lock with it; trying again");
                }
                _ => debug!(%error, failures, "the database is away"),
            }
            failures = failures.saturating_add(1);
            let wait = self.settings.backoff.draw(failures);
            // Not longer than until it is time to give up.
            let wait = limit.map_or(wait, |limit| {
                wait.min(limit.saturating_sub(start.elapsed()))
            });
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = sleep(wait) => {}
            }
        }
    }
}

/// What does not change from one connection to the next.
struct Work<'a> {
    database: &'a Database,
    producer: &'a Producer,
    settings: &'a Settings,
    counters: &'a RelayCounters,
    wake: &'a Notify,
    poll: Duration,
}

impl Work<'_> {
    /// Opens a session and works with it until asked to end. `began` says whether one was ever
    /// open, and becomes so.
    async fn turn(&self, began: &mut bool, stop: &CancellationToken) -> Result<()> {
        let mut session = tokio::select! {
            session = self.open() => session?,
            () = stop.cancelled() => return Ok(()),
        };
        if !*began {
            bounded(session.check_direct()).await?;
            *began = true;
        }
        self.counters.connected();
        self.term(&mut *session, stop).await
    }

    async fn open(&self) -> Result<Box<dyn Session>> {
        let mut session = self.database.session().await?;
        bounded(session.check(Table::Outbox)).await?;
        if self.settings.kept().is_some() {
            bounded(session.check(Table::Published)).await?;
        }
        Ok(session)
    }

    /// Stands by until the lock is free, and works until asked to end.
    async fn term(&self, session: &mut dyn Session, stop: &CancellationToken) -> Result<()> {
        let mut waits = false;
        while !bounded(session.take()).await? {
            if !waits {
                info!("another relay is active; standing by");
                waits = true;
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = sleep(self.settings.standby) => {}
            }
        }
        self.counters.begin_term();
        info!(database = self.database.kind(), "relaying");
        let mut active = Active::begin(
            session,
            self.producer,
            self.settings,
            self.counters,
            self.wake,
            self.poll,
        )
        .await?;
        active.run(stop).await?;
        bounded(session.give_back()).await
    }
}

/// Ends a task with its owner.
struct Abort(JoinHandle<()>);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}
