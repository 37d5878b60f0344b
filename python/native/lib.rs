//! The native module `tidings._tidings` of the Python package `tidings`.
//!
//! Private: the package in `python/src/tidings` is what people use. Here is what must be Rust:
//! the bus, events, encoders, and the runtime that everything waits on. Python waits without the
//! interpreter, and nothing that runs meanwhile waits for it.

mod avro;
mod buffer;
mod bus;
mod connection;
mod definitions;
mod driver;
mod entry;
mod error;
mod event;
mod given;
mod handover;
mod later;
mod log;
mod logging;
mod message;
mod options;
mod process;
mod publishing;
mod reader;
mod rehearsal;
mod reporter;
mod stream;
mod wait;

use std::time::Duration;

use pyo3::prelude::*;

use process::{Process, with_thread_locals};

/// Ends everything of this process, within about so many seconds: consumers drain, what is
/// buffered goes out, threads end.
#[pyfunction]
fn shut_down(py: Python<'_>, seconds: f64) {
    let Some(process) = Process::begun().filter(|process| !process.has_ended()) else {
        return;
    };
    let limit = Duration::from_secs_f64(seconds.clamp(0.0, 1e6));
    py.detach(|| with_thread_locals(|| process.shut_down(limit)));
}

/// Stops the consumers of this process, without waiting for them.
#[pyfunction]
fn stop_streams() {
    for stream in Process::begun().map(Process::streams).unwrap_or_default() {
        stream.stop();
    }
}

/// Waits until what there was to tell (log records, say) has been told, at most so many seconds.
#[pyfunction]
fn reports_told(py: Python<'_>, seconds: f64) {
    if let Some(process) = Process::begun() {
        let limit = Duration::from_secs_f64(seconds.clamp(0.0, 1e6));
        py.detach(|| process.reporter.told(limit));
    }
}

/// A new UUID of version 1, unique across threads and forks.
#[pyfunction]
fn new_id() -> String {
    tidings::event::new_id()
}

#[pymodule]
mod _tidings {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::avro::PyEncoder;
    #[pymodule_export]
    use super::bus::PyBus;
    #[pymodule_export]
    use super::entry::PyEntry;
    #[pymodule_export]
    use super::event::PyEvent;
    #[pymodule_export]
    use super::log::PyLog;
    #[pymodule_export]
    use super::message::PyMessage;
    #[pymodule_export]
    use super::publishing::PyReceipt;
    #[pymodule_export]
    use super::reader::PyReader;
    #[pymodule_export]
    use super::stream::PyStream;
    #[pymodule_export]
    use super::{new_id, reports_told, shut_down, stop_streams};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        // rustls panics at its first use when nobody has chosen a provider. Another extension
        // cannot have chosen one in this copy of it, but importing twice may have.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let _ = tracing::subscriber::set_global_default(super::logging::ToPython);
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
