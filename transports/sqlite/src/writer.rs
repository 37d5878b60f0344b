//! The one thread of a handle that writes.
//!
//! What gathers while it waits for its turn goes into one transaction and one sync.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use crate::config::{Durability, SqliteConfig};
use crate::error::{Failure, Fault};
use crate::job::{Job, Order, Ticket, Work, job};
use crate::schema;
use crate::turn::Turnstile;
use crate::wake::Wake;
use crate::wire;

/// How many jobs may wait; who comes later waits for a place.
const QUEUE: usize = 256;
/// Most rows of one transaction, so that others get their turn within tens of milliseconds.
const MAX_ROWS: usize = 4_000;
/// From this many pages on the write-ahead log is moved into the file: 8 MiB.
const CHECKPOINT: i32 = 2_000;
/// From this many pages on writers wait until it was moved: 256 MiB.
const CHECKPOINT_AT_ALL_COSTS: i32 = 65_536;

thread_local! {
    /// Pages in the write-ahead log after the last commit of this thread's connection. SQLite
    /// hands it to a bare function, and a connection stays on its thread.
    static WAL_PAGES: Cell<i32> = const { Cell::new(0) };
}

/// The way to the writer's thread. The thread ends when the last one is dropped.
#[derive(Clone)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
    path: Arc<Path>,
    patience: Duration,
}

impl Writer {
    /// Opens the file and starts the thread. Blocks until the file is open.
    pub(crate) fn start(config: SqliteConfig, wake: Arc<Wake>) -> Result<Self, Fault> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (opened, ready) = std::sync::mpsc::channel();
        let writer = Self {
            jobs,
            path: config.path.as_path().into(),
            // Room for a turn that comes at the last moment and a slow sync.
            patience: config.busy_timeout * 2 + Duration::from_secs(1),
        };
        let gate = schema::open_beside(&config.path, "-wake")?;
        let lock = schema::open_beside(&config.path, "-lock")?;
        std::thread::Builder::new()
            .name("tidings-sqlite-w".into())
            .spawn(move || {
                let mut turnstile = Turnstile::new(gate, lock);
                let mut desk = Desk {
                    config,
                    wake,
                    db: None,
                    opening: 0,
                    identity: None,
                    synced: None,
                    beyond: None,
                    finish_checkpoint: false,
                };
                let first = match turnstile.take(desk.config.busy_timeout) {
                    Ok(_turn) => desk.open(),
                    Err(fault) => Err(fault),
                };
                let good = first.is_ok();
                let _ = opened.send(first);
                if good {
                    desk.work(queue, &mut turnstile);
                }
            })?;
        ready.recv().map_err(|_| Fault::Ended)??;
        Ok(writer)
    }

    /// Hands in a job, and returns where its answer will come. The job runs even if nobody waits.
    pub(crate) async fn submit<T, F>(&self, order: Order, run: F) -> Result<Answer<T>, Failure>
    where
        T: Send + 'static,
        F: FnMut(&mut Work<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let (job, ticket, answer) = job(order, self.path.clone(), run);
        let answer = Answer {
            answer,
            ticket,
            operation: order.operation,
            path: self.path.clone(),
            patience: self.patience,
        };
        match tokio::time::timeout(self.patience, self.jobs.send(job)).await {
            Ok(Ok(())) => Ok(answer),
            Ok(Err(_)) => Err(answer.error(Fault::Ended)),
            Err(_) => Err(answer.error(Fault::NoTurn(self.patience))),
        }
    }

    /// Hands in a job and waits for its answer.
    pub(crate) async fn run<T, F>(&self, order: Order, run: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnMut(&mut Work<'_>) -> Result<T, Fault> + Send + 'static,
    {
        self.submit(order, run).await?.wait().await
    }
}

/// The answer to a job, to come.
pub(crate) struct Answer<T> {
    answer: oneshot::Receiver<Result<T, Failure>>,
    ticket: Ticket,
    operation: &'static str,
    path: Arc<Path>,
    patience: Duration,
}

impl<T> Answer<T> {
    /// Waits. May be dropped and called again: the answer stays.
    pub(crate) async fn wait(&mut self) -> Result<T, Failure> {
        if let Ok(answer) = tokio::time::timeout(self.patience, &mut self.answer).await {
            return answer.unwrap_or_else(|_| Err(self.error(Fault::Ended)));
        }
        if self.ticket.give_up() {
            return Err(self.error(Fault::NoTurn(self.patience)));
        }
        // It has begun, so its outcome is near, and worth waiting for.
        let answer = (&mut self.answer).await;
        answer.unwrap_or_else(|_| Err(self.error(Fault::Ended)))
    }

    fn error(&self, fault: Fault) -> Failure {
        Failure::new(self.operation, &self.path, fault)
    }
}

/// A job and what its transaction came to: whether to wake those who wait.
struct Done {
    job: Box<dyn Job>,
    outcome: Result<bool, Failure>,
}

/// What the thread works with.
struct Desk {
    config: SqliteConfig,
    wake: Arc<Wake>,
    db: Option<Connection>,
    /// Counts openings: after the file was replaced, row numbers mean something else.
    opening: u64,
    /// Which device and inode the open file is.
    identity: Option<(u64, u64)>,
    /// How the connection is set now.
    synced: Option<bool>,
    /// Whether the file may grow by more than what is published, as the connection is set now.
    beyond: Option<bool>,
    /// The log was partly moved while others wrote; the rest is little, and is moved in turn.
    finish_checkpoint: bool,
}

impl Desk {
    fn open(&mut self) -> Result<(), Fault> {
        self.db = None;
        self.synced = None;
        self.beyond = None;
        let db = schema::open_writer(&self.config)?;
        db.wal_hook(Some(|_, pages| {
            WAL_PAGES.set(pages);
            Ok(())
        }));
        self.identity = Some(schema::identity(&self.config.path)?);
        self.opening += 1;
        self.db = Some(db);
        Ok(())
    }

    fn work(&mut self, mut queue: mpsc::Receiver<Box<dyn Job>>, turnstile: &mut Turnstile) {
        while let Some(first) = queue.blocking_recv() {
            let mut jobs = vec![first];
            match turnstile.take(self.config.busy_timeout) {
                Ok(turn) => {
                    // What came while we waited for our turn goes along.
                    let mut rows = jobs[0].order().rows;
                    while rows < MAX_ROWS
                        && let Ok(job) = queue.try_recv()
                    {
                        rows += job.order().rows;
                        jobs.push(job);
                    }
                    jobs.retain(|job| job.begin());
                    let done = self.commit(jobs);
                    self.finish_checkpoint();
                    drop(turn);
                    if done.iter().any(|d| matches!(d.outcome, Ok(true))) {
                        self.wake.call();
                    }
                    for Done { job, outcome } in done {
                        job.finish(outcome.err());
                    }
                    self.begin_checkpoint();
                }
                Err(fault) => {
                    let failure = Failure::new("", &self.config.path, fault);
                    for job in jobs {
                        job.finish(Some(failure.clone()));
                    }
                }
            }
        }
    }

    /// Commits the jobs together or, if that fails, each alone: one that the disk has no room for
    /// must not take the others with it.
    fn commit(&mut self, mut jobs: Vec<Box<dyn Job>>) -> Vec<Done> {
        let outcome = self.transact(&mut jobs);
        let each_alone = match &outcome {
            Err(failure) => jobs.len() > 1 && !failure.committing && !failure.fault.is_busy(),
            Ok(_) => false,
        };
        let mut done = Vec::with_capacity(jobs.len());
        for mut job in jobs {
            let outcome = if each_alone {
                self.transact(std::slice::from_mut(&mut job))
            } else {
                outcome.clone()
            };
            done.push(Done { job, outcome });
        }
        done
    }

    /// One transaction. Says whether to wake those who wait.
    fn transact(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<bool, Failure> {
        if jobs.is_empty() {
            return Ok(false);
        }
        let outcome = self.try_transact(jobs);
        if let Err((fault, _)) = &outcome
            && fault.breaks_connection()
        {
            self.db = None;
        }
        outcome.map_err(|(fault, committing)| Failure {
            committing,
            ..Failure::new("", &self.config.path, fault)
        })
    }

    fn try_transact(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<bool, (Fault, bool)> {
        let before = |fault: Fault| (fault, false);
        // Writing to a file that has lost its name would be acknowledged and lost.
        let identity = schema::identity(&self.config.path).map_err(before)?;
        if self.db.is_none() || self.identity != Some(identity) {
            self.open().map_err(before)?;
        }
        let opening = self.opening;
        let synced =
            self.config.durability == Durability::Full && jobs.iter().any(|job| job.order().synced);
        let beyond = jobs.iter().all(|job| job.order().operation != "publish");
        let Some(db) = &mut self.db else {
            return Err(before(Fault::Ended));
        };
        if self.beyond != Some(beyond) {
            schema::limit(db, &self.config, beyond).map_err(before)?;
            self.beyond = Some(beyond);
        }
        if self.synced != Some(synced) {
            let level = if synced { "full" } else { "normal" };
            db.pragma_update(None, "synchronous", level)
                .map_err(|e| before(e.into()))?;
            self.synced = Some(synced);
        }
        let tx = db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|e| before(e.into()))?;
        let mut work = Work {
            db: &tx,
            now: wire::now(),
            opening,
            wake: false,
        };
        for job in jobs {
            job.run(&mut work).map_err(before)?;
        }
        let wake = work.wake;
        tx.commit().map_err(|e| (e.into(), true))?;
        Ok(wake)
    }

    /// Moves the bulk of a long log into the file while others write. SQLite's own automatic
    /// checkpoint would do it in our turn, with everybody waiting for the disk.
    fn begin_checkpoint(&mut self) {
        if WAL_PAGES.get() >= CHECKPOINT && !self.finish_checkpoint {
            self.checkpoint("PASSIVE");
            self.finish_checkpoint = true;
        }
    }

    /// Moves what is left of the log, while nobody writes, so that it starts over.
    fn finish_checkpoint(&mut self) {
        if self.finish_checkpoint {
            self.finish_checkpoint = false;
            self.checkpoint("PASSIVE");
        } else if WAL_PAGES.get() >= CHECKPOINT_AT_ALL_COSTS {
            // A reader that never ends keeps the log from starting over: wait for it a little.
            self.checkpoint("RESTART");
        }
    }

    fn checkpoint(&self, mode: &str) {
        let Some(db) = &self.db else { return };
        // Failing is no failure: the log grows on, and the next one tries again.
        let _ = db.busy_timeout(Duration::from_millis(50));
        if let Err(error) = db.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))
        {
            tracing::debug!(%error, mode, "checkpoint");
        }
        let _ = db.busy_timeout(self.config.busy_timeout);
    }
}
