//! What a handler is given.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tidings::{HandlerError, Message};
use tokio::sync::oneshot;

use crate::event::PyEvent;
use crate::handover::{Ended, Handed, Handover};

/// One attempt at one event. To be settled once.
#[pyclass(frozen, name = "Message", module = "tidings")]
pub(crate) struct PyMessage {
    message: Message,
    event: PyOnceLock<Py<PyEvent>>,
    ended: Mutex<Option<oneshot::Sender<Ended>>>,
    handover: Arc<Handover>,
}

impl PyMessage {
    pub(crate) fn new((message, ended): Handed, handover: Arc<Handover>) -> Self {
        Self {
            message,
            event: PyOnceLock::new(),
            ended: Mutex::new(Some(ended)),
            handover,
        }
    }

    fn end(&self, result: Ended) -> bool {
        let ended = self
            .ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        ended.is_some_and(|ended| self.handover.end(ended, result))
    }
}

#[pymethods]
impl PyMessage {
    #[getter]
    fn event(&self, py: Python<'_>) -> PyResult<Py<PyEvent>> {
        let event = self
            .event
            .get_or_try_init(py, || Py::new(py, PyEvent::received(self.message.clone())))?;
        Ok(event.clone_ref(py))
    }

    /// The payload of the event.
    #[getter]
    fn data(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.event(py)?.getattr(py, "data")
    }

    #[getter]
    fn topic(&self) -> &str {
        self.message.topic().as_str()
    }

    #[getter]
    fn group(&self) -> &str {
        self.message.group().as_str()
    }

    #[getter]
    fn position(&self) -> &str {
        self.message.position().as_str()
    }

    #[getter]
    fn key(&self) -> Option<&str> {
        self.message.key().map(|key| key.as_str())
    }

    #[getter]
    fn attempt(&self) -> u32 {
        self.message.attempt()
    }

    /// The handler succeeded. Returns `False` if the message was settled before, or has passed
    /// to another consumer.
    fn ack(&self) -> bool {
        self.end(Ok(()))
    }

    /// The handler failed. A temporary failure is tried again; poison, an event that nobody can
    /// use, becomes a dead letter in any case and holds up nothing.
    #[pyo3(signature = (reason, *, temporary = true, poison = false))]
    fn fail(&self, reason: &str, temporary: bool, poison: bool) -> bool {
        self.end(Err(match (temporary, poison) {
            (_, true) => HandlerError::poison(reason),
            (true, false) => HandlerError::temporary(reason),
            (false, false) => HandlerError::permanent(reason),
        }))
    }

    #[getter]
    fn settled(&self) -> bool {
        self.ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none()
    }

    /// Shows no payload.
    fn __repr__(&self) -> String {
        let event = self.message.event();
        format!(
            "<Message type={:?} id={:?} topic={:?} position={:?} attempt={}>",
            event.event_type(),
            event.id(),
            self.topic(),
            self.position(),
            self.attempt()
        )
    }
}
