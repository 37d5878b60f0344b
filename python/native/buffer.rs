//! Events that were accepted and are published in the background.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use tidings::ForeignEntry;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::connection::{Connection, Side};
use crate::error::Failure;
use crate::process::Process;
use crate::reporter::Report;

/// What is sent in one go.
const BATCH: usize = 500;

/// How long the first event waits for others to go along with it: a caller that sends many wakes
/// the runtime once in so long, and not for each.
const LINGER: Duration = Duration::from_millis(2);

/// One event on its way, and whom to tell if it does not arrive.
pub(crate) struct Waiting {
    pub(crate) topic: String,
    pub(crate) entry: ForeignEntry,
    pub(crate) tell: Py<PyAny>,
    /// Until when it may wait for a log that is away.
    pub(crate) deadline: Instant,
}

/// A bounded queue, emptied in order by one task.
pub(crate) struct Buffer {
    bound: usize,
    queue: Mutex<Queue>,
    emptied: Notify,
    pumping: AtomicBool,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    sending: usize,
}

impl Buffer {
    pub(crate) fn new(bound: usize) -> Self {
        Self {
            bound,
            queue: Mutex::default(),
            emptied: Notify::new(),
            pumping: AtomicBool::new(false),
        }
    }

    /// Takes an event, or gives it back when the buffer is full.
    #[allow(clippy::result_large_err)]
    pub(crate) fn push(&self, waiting: Waiting) -> Result<(), Waiting> {
        let mut queue = self.lock();
        if queue.waiting.len() + queue.sending >= self.bound {
            return Err(waiting);
        }
        queue.waiting.push_back(waiting);
        Ok(())
    }

    /// How many events have not been answered.
    pub(crate) fn len(&self) -> usize {
        let queue = self.lock();
        queue.waiting.len() + queue.sending
    }

    /// Returns when everything accepted before has been answered.
    pub(crate) async fn flushed(&self) {
        loop {
            let emptied = self.emptied.notified();
            let mut emptied = std::pin::pin!(emptied);
            emptied.as_mut().enable();
            if self.len() == 0 {
                return;
            }
            emptied.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<Waiting> {
        let mut queue = self.lock();
        let n = queue.waiting.len().min(BATCH);
        queue.sending = n;
        queue.waiting.drain(..n).collect()
    }

    fn answered(&self) {
        self.lock().sending = 0;
        self.emptied.notify_waiters();
    }
}

/// Sees to it that somebody empties the buffer.
pub(crate) fn pump(process: &'static Process, background: &Handle, connection: &Arc<Connection>) {
    if connection.buffer.pumping.swap(true, Ordering::AcqRel) {
        return;
    }
    background.spawn(empty(process, connection.clone()));
}

async fn empty(process: &'static Process, connection: Arc<Connection>) {
    let buffer = &connection.buffer;
    loop {
        if buffer.len() < BATCH {
            tokio::time::sleep(LINGER).await;
        }
        let batch = buffer.take();
        if batch.is_empty() {
            buffer.pumping.store(false, Ordering::Release);
            // What came between the two lines above found the task at work and went home.
            if buffer.len() > 0 && !buffer.pumping.swap(true, Ordering::AcqRel) {
                continue;
            }
            return;
        }
        send(process, &connection, batch).await;
        buffer.answered();
    }
}

async fn send(process: &'static Process, connection: &Connection, batch: Vec<Waiting>) {
    let mut targets = Vec::with_capacity(batch.len());
    let mut entries = Vec::with_capacity(batch.len());
    let mut until = Instant::now();
    for waiting in batch {
        let Waiting {
            topic,
            entry,
            tell,
            deadline,
        } = waiting;
        until = until.max(deadline);
        targets.push((tell, topic.clone(), entry.id.clone()));
        entries.push((topic, entry));
    }
    let open = loop {
        match connection.open(Side::Background).await {
            Ok(open) => break Ok(open),
            Err(failure) if failure.temporary && Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(failure) => break Err(failure),
        }
    };
    let results: Vec<Result<(), Failure>> = match open {
        Err(failure) => targets.iter().map(|_| Err(failure.clone())).collect(),
        Ok(open) => {
            let results = open.producer.publish_entries(entries).await;
            let results = results.into_iter().zip(&targets);
            results
                .map(|(result, (_, topic, _))| match result {
                    Ok(_) => {
                        open.published(topic, 1);
                        Ok(())
                    }
                    Err(error) => Err(error.into()),
                })
                .collect()
        }
    };
    for (result, (tell, topic, id)) in results.into_iter().zip(targets) {
        match result {
            // PyO3 gives the reference back when a thread next has the interpreter.
            Ok(()) => drop(tell),
            Err(failure) => {
                let report = Report::Undelivered {
                    tell,
                    id,
                    topic,
                    kind: failure.kind,
                    message: failure.message,
                    temporary: failure.temporary,
                };
                // A loss must be told, so this waits where a log record would be dropped.
                let tell = move || process.reporter.must_tell(report);
                let _ = tokio::task::spawn_blocking(tell).await;
            }
        }
    }
}
