//! A consumer whose handler is Python: messages are taken one by one, and settled.

use std::sync::atomic::{AtomicU64, Ordering as Atomic};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tidings::{Backoff, ConsumeError, Counters, Counts, Message, Summary};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::connection::{Connection, Side};
use crate::error::Failure;
use crate::handover::{Handed, Handover};
use crate::message::PyMessage;
use crate::options::Options;
use crate::process::{Process, new_id};
use crate::reporter::Report;
use crate::wait::{process, wait_for_background};

type Outcome = Result<Summary, Failure>;

/// A consumer at work in this process.
pub(crate) struct Running {
    pid: u32,
    handover: Arc<Handover>,
    stop: watch::Sender<bool>,
    outcome: watch::Receiver<Option<Outcome>>,
    counters: Mutex<Option<Arc<Counters>>>,
    /// Failures of the log so far.
    outages: Arc<AtomicU64>,
}

impl Running {
    /// No new handler starts, and what waits to be taken is given back; those that run may finish.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
        self.handover.close();
    }

    /// Waits for a message; `None` when there will be none and the consumer has ended.
    async fn take(&self) -> Option<Handed> {
        tokio::select! {
            biased;
            Some(taken) = self.handover.take() => Some(taken),
            _ = self.ended() => None,
        }
    }

    pub(crate) async fn ended(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        let ended = outcome.wait_for(Option::is_some).await;
        let gone = || {
            Err(Failure::new(
                "closed",
                "the consumer was ended with its runtime",
            ))
        };
        ended.map_or_else(|_| gone(), |outcome| outcome.clone().unwrap_or_else(gone))
    }
}

/// A subscription: messages until it is stopped.
#[pyclass(frozen, name = "Stream", module = "tidings._tidings")]
pub(crate) struct PyStream {
    id: u64,
    running: Arc<Running>,
}

impl PyStream {
    /// Starts a consumer on the runtime of this process.
    pub(crate) fn start(
        process: &'static Process,
        connection: Arc<Connection>,
        topics: Vec<String>,
        group: String,
        mut options: Options,
    ) -> Result<Self, Failure> {
        let background = process.background()?;
        let on_gap = options.on_gap.take().map(Arc::new);
        let handover = Arc::new(Handover::default());
        let (stop, mut stopped) = watch::channel(false);
        let (tell, outcome) = watch::channel(None);
        let running = Arc::new(Running {
            pid: std::process::id(),
            handover: handover.clone(),
            stop,
            outcome,
            counters: Mutex::new(None),
            outages: Arc::default(),
        });
        let (id, shared) = (new_id(), running.clone());
        process.add_stream(id, &running);
        background.spawn(async move {
            let run = async {
                let backoff = options.outage_backoff().transpose()?;
                let open = open(&connection, &mut stopped, backoff, &shared.outages).await?;
                let Some(open) = open else {
                    return Ok(Summary::default());
                };
                let outages = shared.outages.clone();
                let mut builder = options.apply(open.bus.consumer(group))?.topics(topics);
                if let Some(service) = connection.service() {
                    // Its contracts in the catalog count, where messages are held to one.
                    builder = builder.service(service);
                }
                let builder = builder.on_outage(move |_| {
                    outages.fetch_add(1, Atomic::Relaxed);
                });
                let builder = match on_gap {
                    None => builder,
                    Some(tell) => builder.on_gap(move |gap| {
                        let (tell, gap) = (tell.clone(), gap.clone());
                        // A loss must be told, so this waits where a log record would be dropped.
                        let report = Report::Gap { tell, gap };
                        tokio::task::spawn_blocking(|| process.reporter.must_tell(report));
                    }),
                };
                let handed = handover.clone();
                let consumer = builder.handler(move |message: Message| {
                    let handover = handed.clone();
                    async move { handover.hand(message).await }
                });
                *lock(&shared.counters) = Some(consumer.counters());
                let shutdown = async move {
                    // An error means that nobody is left who could take messages.
                    let _ = stopped.wait_for(|stop| *stop).await;
                };
                let summary = consumer.run(shutdown).await;
                summary.map_err(|error: ConsumeError| Failure::from(error))
            };
            let outcome = tokio::select! {
                outcome = run => outcome,
                () = handover.watch() => unreachable!("it watches for ever"),
            };
            // No handler begins on what has been given back.
            handover.close();
            process.forget_stream(id);
            tell.send_replace(Some(outcome));
        });
        Ok(Self { id, running })
    }

    fn here(&self) -> Result<&'static Process, Failure> {
        let process = process()?;
        if self.running.pid == std::process::id() {
            return Ok(process);
        }
        Err(Failure::new(
            "closed",
            format!(
                "the subscription belongs to the process {}, from which this one was forked; \
                 subscribe again here",
                self.running.pid
            ),
        ))
    }
}

impl Drop for PyStream {
    fn drop(&mut self) {
        // A child that inherited it has no part in it.
        if self.running.pid == std::process::id() {
            self.running.stop();
            if let Some(process) = Process::begun() {
                process.forget_stream(self.id);
            }
        }
    }
}

/// Opens the log, and tries again while it is away.
async fn open(
    connection: &Connection,
    stopped: &mut watch::Receiver<bool>,
    backoff: Option<Backoff>,
    outages: &AtomicU64,
) -> Result<Option<Arc<crate::connection::Open>>, Failure> {
    let usual = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
    let backoff = backoff.unwrap_or(usual);
    let mut failures = 0;
    loop {
        let failure = tokio::select! {
            open = connection.open(Side::Background) => match open {
                Ok(open) => return Ok(Some(open)),
                Err(failure) => failure,
            },
            _ = stopped.wait_for(|stop| *stop) => return Ok(None),
        };
        if !failure.temporary {
            return Err(failure);
        }
        if failures == 0 {
            tracing::warn!(
                error = failure.message,
                "the log does not answer; trying again"
            );
        }
        failures += 1;
        outages.fetch_add(1, Atomic::Relaxed);
        tokio::select! {
            () = tokio::time::sleep(backoff.draw(failures)) => {}
            _ = stopped.wait_for(|stop| *stop) => return Ok(None),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn counts<'py>(py: Python<'py>, counts: &Counts) -> PyResult<Bound<'py, PyDict>> {
    let table = PyDict::new(py);
    for (name, value) in [
        ("received", counts.received),
        ("delivered", counts.delivered),
        ("retried", counts.retried),
        ("dead", counts.dead),
        ("parked", counts.parked),
        ("followed", counts.followed),
        ("stale", counts.stale),
        ("gaps", counts.gaps),
    ] {
        table.set_item(name, value)?;
    }
    Ok(table)
}

#[pymethods]
impl PyStream {
    /// Waits for a message; `None` when none came in time, or the stream has ended.
    #[pyo3(signature = (timeout = None))]
    fn next(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<PyMessage>> {
        let process = self.here().map_err(|e| e.raise(py))?;
        let handover = &self.running.handover;
        let taken = match handover.try_take() {
            Some(taken) => Some(taken),
            None => {
                let taken = within(timeout, self.running.take());
                wait_for_background(py, process, taken)?.flatten()
            }
        };
        Ok(taken.map(|taken| PyMessage::new(taken, handover.clone())))
    }

    /// Takes a message in the background and calls `done(message | None)` from another thread.
    fn next_later(&self, py: Python<'_>, done: Py<PyAny>) -> PyResult<()> {
        let process = self.here().map_err(|e| e.raise(py))?;
        let running = self.running.clone();
        let background = process.background().map_err(|e| e.raise(py))?;
        background.spawn(async move {
            let taken = running.take().await;
            crate::later::call(done, move |py| {
                let message = taken.map(|taken| PyMessage::new(taken, running.handover.clone()));
                Ok(message.into_pyobject(py)?.unbind())
            })
            .await;
        });
        Ok(())
    }

    /// No new handler starts, and what nobody has taken is given back; what runs may finish.
    fn stop(&self) {
        self.running.stop();
    }

    /// Whether it has ended; `join` then says how.
    #[getter]
    fn ended(&self) -> bool {
        self.running.outcome.borrow().is_some() || self.running.outcome.has_changed().is_err()
    }

    /// Waits for the end. `None` when it has not come in time; raises what ended it.
    #[pyo3(signature = (timeout = None))]
    fn join<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        let process = self.here().map_err(|e| e.raise(py))?;
        let ended = within(timeout, self.running.ended());
        let ended = wait_for_background(py, process, ended)?;
        match ended {
            None => Ok(None),
            Some(Err(failure)) => Err(failure.raise(py)),
            Some(Ok(summary)) => {
                let table = counts(py, &summary.counts)?;
                table.set_item("abandoned", summary.abandoned)?;
                Ok(Some(table))
            }
        }
    }

    /// The running counts.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counters = lock(&self.running.counters).clone();
        let table = counts(py, &counters.map(|c| c.snapshot()).unwrap_or_default())?;
        table.set_item("outages", self.running.outages.load(Atomic::Relaxed))?;
        Ok(table)
    }
}

/// `None` when it takes longer than so many seconds.
async fn within<F: Future>(seconds: Option<f64>, future: F) -> Option<F::Output> {
    let limit = Duration::from_secs_f64(seconds.unwrap_or(f64::INFINITY).clamp(0.0, 1e9));
    timeout(limit, future).await.ok()
}
