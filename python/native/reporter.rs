//! Tells Python what happens while nobody calls: log records, and events that were lost after
//! `publish` had returned.
//!
//! One thread per process calls into Python, so that no thread of the runtime ever waits for the
//! interpreter. It is ended before the interpreter is.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::Builder;
use std::time::{Duration, Instant};

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
    Gap { tell: Arc<Py<PyAny>>, gap: Gap },
    /// The same, and nothing comes after it.
    End(SyncSender<()>),
}

/// Log records that wait for Python; more are dropped, since logging must not hold up work.
const WAITING: usize = 10_000;

/// Begins with what there is to tell first.
#[derive(Default)]
pub(crate) struct Reporter {
    begun: OnceLock<Option<SyncSender<Report>>>,
}

impl Reporter {
    /// Where to put it down; `None` if there is no thread to be had.
    fn sender(&self) -> Option<&SyncSender<Report>> {
        let begun = self.begun.get_or_init(|| {
            let (sender, receiver) = sync_channel(WAITING);
            let builder = Builder::new().name("tidings-reporter".into());
            builder.spawn(move || run(&receiver)).ok().map(|_| sender)
        });
        begun.as_ref()
    }

    /// Tells something, unless too much waits already.
    pub(crate) fn tell(&self, report: Report) -> bool {
        self.sender()
            .is_some_and(|sender| sender.try_send(report).is_ok())
    }

    /// Tells something, and waits while too much waits already.
    pub(crate) fn must_tell(&self, report: Report) {
        // It fails only after `end`, when nothing can be told any more.
        if let Some(sender) = self.sender() {
            let _ = sender.send(report);
        }
    }

    /// Waits until everything so far has been told. Call it without the interpreter, which the
    /// thread needs.
    pub(crate) fn told(&self, within: Duration) {
        self.mark(Report::Mark, within);
    }

    /// Tells the rest and ends; what is not told in time is left. Call it without the interpreter,
    /// which the thread needs.
    pub(crate) fn end(&self, within: Duration) {
        self.mark(Report::End, within);
    }

    fn mark(&self, mark: impl FnOnce(SyncSender<()>) -> Report, within: Duration) {
        // What has not begun has told nothing, and has nothing to tell.
        let Some(Some(reports)) = self.begun.get() else {
            return;
        };
        let deadline = Instant::now() + within;
        let left = || deadline.saturating_duration_since(Instant::now());
        let (sender, told) = sync_channel(1);
        let mut mark = mark(sender);
        while let Err(TrySendError::Full(back)) = reports.try_send(mark) {
            if left().is_zero() {
                return;
            }
            mark = back;
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = told.recv_timeout(left());
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
        Report::End(told) => {
            let _ = told.try_send(());
            return false;
        }
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
