//! Results that Python gets by a call from another thread: for asyncio.

use pyo3::prelude::*;

/// Calls `done(result, error)`. What happens after the interpreter has begun to end is dropped.
pub(crate) async fn call(
    done: Py<PyAny>,
    result: impl FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send + 'static,
) {
    // On a thread of its own: the runtime does not wait for the interpreter.
    let call = move || {
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
    };
    let _ = tokio::task::spawn_blocking(call).await;
}
