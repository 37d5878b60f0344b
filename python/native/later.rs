//! Results that Python gets by a call from another thread: for asyncio.

use pyo3::prelude::*;

/// Calls `done(result, error)`. What happens after the interpreter has begun to end is dropped.
pub(crate) fn call(done: Py<PyAny>, result: impl FnOnce(Python<'_>) -> PyResult<Py<PyAny>>) {
    // The call only hands the result to the event loop, so this holds up the runtime for no
    // longer than the interpreter is busy.
    tokio::task::block_in_place(|| {
        Python::try_attach(|py| {
            let called = match result(py) {
                Ok(value) => done.call1(py, (value, py.None())),
                Err(error) => done.call1(py, (py.None(), error.value(py))),
            };
            if let Err(error) = called {
                error.write_unraisable(py, None);
            }
            drop(done);
        });
    });
}
