//! Tells Python what happens while nobody calls: log records, and events that were lost after
//! `publish` had returned.
//!
//! One thread per process calls into Python, so that no thread of the runtime ever waits for the
//! interpreter. It is ended before the interpreter is.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use pyo3::prelude::*;
use tidings::{Count, Gap};

/// Something to tell.
pub(crate) enum Report {
    /// A log record.
    Log {
        level: &'static str,
        target: &'static str,
        message: String,
        fields: Vec<(&'static str, String)>,
    },
    /// A buffered event that did not reach the log.
    Undelivered {
        tell: Py<PyAny>,
        id: String,
        topic: String,
        kind: &'static str,
        message: String,
        temporary: bool,
    },
    /// Everything before it has been told.
    Mark(SyncSender<()>),
    /// Events that a group will never get.
    Gap {
        tell: Arc<Py<PyAny>>,
        gap: Gap,
    },
    End,
}

/// Log records that wait for Python; more are dropped, since logging must not hold up work.
const WAITING: usize = 10_000;

pub(crate) struct Reporter {
    sender: SyncSender<Report>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Reporter {
    pub(crate) fn start() -> io::Result<Self> {
        let (sender, receiver) = sync_channel(WAITING);
        let thread = Builder::new()
            .name("tidings-reporter".into())
            .spawn(move || run(&receiver))?;
        Ok(Self {
            sender,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Tells something, unless too much waits already.
    pub(crate) fn tell(&self, report: Report) -> bool {
        match self.sender.try_send(report) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }

    /// Tells something, and waits while too much waits already.
    pub(crate) fn must_tell(&self, report: Report) {
        // It fails only after `end`, when nothing can be told any more.
        let _ = self.sender.send(report);
    }

    /// Waits until everything so far has been told. Call it without the interpreter, which the
    /// thread needs.
    pub(crate) fn told(&self, within: Duration) {
        let (mark, told) = sync_channel(1);
        if self.tell(Report::Mark(mark)) {
            let _ = told.recv_timeout(within);
        }
    }

    /// Tells the rest and ends. Call it without the interpreter, which the thread needs.
    pub(crate) fn end(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // A full queue is emptied by the thread, so this does not wait for ever.
            let _ = self.sender.send(Report::End);
            let _ = thread.join();
        }
    }
}

fn run(receiver: &Receiver<Report>) {
    while let Ok(first) = receiver.recv() {
        let mut more = true;
        let attached = Python::try_attach(|py| {
            more = hand(py, first);
            while more && let Ok(next) = receiver.try_recv() {
                more = hand(py, next);
            }
        });
        if attached.is_none() || !more {
            return;
        }
    }
}

/// Calls Python; `false` ends the thread.
fn hand(py: Python<'_>, report: Report) -> bool {
    let told = match report {
        Report::End => return false,
        Report::Mark(told) => {
            // Nobody waits any more when it took too long.
            let _ = told.try_send(());
            return true;
        }
        Report::Log {
            level,
            target,
            message,
            fields,
        } => log(py, level, target, &message, fields),
        Report::Undelivered {
            tell,
            id,
            topic,
            kind,
            message,
            temporary,
        } => crate::error::raise(py, kind, message, temporary, Some(&id))
            .value(py)
            .call_method1("with_traceback", (py.None(),))
            .and_then(|error| tell.call1(py, (topic, error)).map(drop)),
        Report::Gap { tell, gap } => of_gap(py, &tell, &gap),
    };
    if let Err(error) = told {
        error.write_unraisable(py, None);
    }
    true
}

fn of_gap(py: Python<'_>, tell: &Py<PyAny>, gap: &Gap) -> PyResult<()> {
    let (lost, exact) = match gap.lost {
        Count::Exactly(n) => (Some(n), true),
        Count::AtLeast(n) => (Some(n), false),
        Count::Unknown => (None, false),
    };
    let after = gap.after.as_ref().map(|position| position.as_str());
    let until = gap.until.as_ref().map(|position| position.as_str());
    let (topic, group) = (gap.topic.as_str(), gap.group.as_str());
    let class = py.import("tidings.gap")?.getattr("Gap")?;
    let told = class.call1((topic, group, lost, exact, after, until, &gap.cause))?;
    tell.call1(py, (told,)).map(drop)
}

fn log(
    py: Python<'_>,
    level: &str,
    target: &str,
    message: &str,
    fields: Vec<(&'static str, String)>,
) -> PyResult<()> {
    let module = py.import("tidings._reports")?;
    module.call_method1("log", (level, target, message, fields))?;
    Ok(())
}
