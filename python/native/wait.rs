//! Waiting for the runtime from Python: without the interpreter, and open to signals.

use std::future::Future;
use std::time::Duration;

use pyo3::prelude::*;
use tokio::time::timeout;

use crate::error::Failure;
use crate::process::{Process, with_thread_locals};

/// How long a signal may wait for its handler.
const SIGNALS: Duration = Duration::from_millis(200);

/// This process, unless its interpreter is ending.
pub(crate) fn process() -> Result<&'static Process, Failure> {
    let process = Process::current().map_err(|e| Failure::no_threads(&e))?;
    match process.has_ended() {
        true => Err(Failure::ending()),
        false => Ok(process),
    }
}

/// Runs a future to its end on this thread, or until a signal handler raises.
pub(crate) fn wait<F>(py: Python<'_>, process: &'static Process, future: F) -> PyResult<F::Output>
where
    F: Future + Send,
    F::Output: Send,
{
    let mut future = Box::pin(future);
    until_done(py, process, || {
        let slice = async { timeout(SIGNALS, &mut future).await };
        process.driver.block_on(slice).ok()
    })
}

/// Waits for what comes of something in the background, or until a signal handler raises.
pub(crate) fn wait_for_background<F>(
    py: Python<'_>,
    process: &'static Process,
    future: F,
) -> PyResult<F::Output>
where
    F: Future + Send,
    F::Output: Send,
{
    let mut future = Box::pin(future);
    let background = process.background().map_err(|e| e.raise(py))?;
    until_done(py, process, || {
        let slice = async { timeout(SIGNALS, &mut future).await };
        background.block_on(slice).ok()
    })
}

fn until_done<T: Send>(
    py: Python<'_>,
    process: &'static Process,
    mut slice: impl FnMut() -> Option<T> + Send,
) -> PyResult<T> {
    loop {
        let slice = py.detach(|| with_thread_locals(&mut slice));
        if let Some(output) = slice {
            return Ok(output);
        }
        py.check_signals()?;
        if process.has_ended() {
            return Err(Failure::ending().raise(py));
        }
    }
}
