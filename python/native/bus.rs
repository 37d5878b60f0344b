//! A bus: publishing and subscribing.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use tidings::{Event, Key};
use tokio::time::Instant;

use crate::buffer::{Waiting, pump};
use crate::connection::{Connection, Open, Settings, Side};
use crate::entry::PyEntry;
use crate::error::Failure;
use crate::event::{Attributes, PyEvent, build};
use crate::given::Given;
use crate::later;
use crate::options::{Options, seconds};
use crate::process::{Process, new_id};
use crate::publishing::{PyReceipt, count, drafts, publish, table};
use crate::rehearsal::Rehearsal;
use crate::stream::PyStream;
use crate::wait::{process, wait, wait_for_background};

/// What an outbox keeps of an event for one topic: its id and type, the topic without its prefix,
/// the key, the document.
type Prepared<'py> = (String, String, String, Option<String>, Bound<'py, PyBytes>);

/// A bus, opened anew in each process that uses it.
#[pyclass(frozen, subclass, name = "Bus", module = "tidings._tidings")]
pub(crate) struct PyBus {
    id: u64,
    settings: Arc<Settings>,
    rehearsal: OnceLock<Rehearsal>,
}

impl PyBus {
    pub(crate) fn connection(&self, process: &Process) -> Arc<Connection> {
        process.connection(self.id, || Connection::new(self.settings.clone()))
    }

    fn rehearsal(&self, py: Python<'_>) -> PyResult<&Rehearsal> {
        if let Some(rehearsal) = self.rehearsal.get() {
            return Ok(rehearsal);
        }
        let rehearsal = Rehearsal::new(&self.settings).map_err(|e| e.raise(py))?;
        Ok(self.rehearsal.get_or_init(|| rehearsal))
    }

    fn here(&self, py: Python<'_>) -> PyResult<(&'static Process, Arc<Connection>)> {
        let process = process().map_err(|e| e.raise(py))?;
        Ok((process, self.connection(process)))
    }

    /// Runs something on the open log.
    pub(crate) fn ask<T, F>(
        &self,
        py: Python<'_>,
        ask: impl FnOnce(Arc<Open>) -> F + Send,
    ) -> PyResult<T>
    where
        T: Send,
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let (process, connection) = self.here(py)?;
        let answer = wait(py, process, async move {
            let open = connection.open(Side::Caller).await?;
            ask(open).await
        })?;
        answer.map_err(|e| e.raise(py))
    }
}

fn limit(py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Duration>> {
    let limit = timeout.map(|s| seconds("timeout", s)).transpose();
    limit.map_err(|e| e.raise(py))
}

#[pymethods]
impl PyBus {
    #[new]
    fn new(py: Python<'_>, given: Given) -> PyResult<Self> {
        Ok(Self {
            id: new_id(),
            settings: Arc::new(given.settings().map_err(|e| e.raise(py))?),
            rehearsal: OnceLock::new(),
        })
    }

    /// Connects unless connected, and says which log it is, without credentials.
    #[pyo3(signature = (timeout = None))]
    fn open(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<String> {
        let (process, connection) = self.here(py)?;
        let limit = limit(py, timeout)?;
        let opened = wait(py, process, async move {
            let opened = |open| async { open };
            let open = connection.within(Side::Caller, limit, opened).await;
            open.map(|open| open.bus.address().to_owned())
        })?;
        opened.map_err(|e| e.raise(py))
    }

    /// Makes an event, stamped by the service of this bus.
    #[pyo3(signature = (**attributes))]
    fn event(&self, py: Python<'_>, attributes: Option<&Bound<'_, PyDict>>) -> PyResult<PyEvent> {
        let attributes = Attributes::of(py, attributes)?;
        let builder = attributes.collect(py, Event::builder)?;
        let builder = match &self.settings.emitter {
            Some(emitter) => emitter.stamp(builder),
            None => builder,
        };
        let builder = match self.settings.validation {
            Some(_) => self.rehearsal(py)?.define(builder),
            None => builder,
        };
        build(py, builder)
    }

    /// Checks the URL, the prefix and the routes, without I/O.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        self.rehearsal(py).map(drop)
    }

    /// The full name of a topic.
    fn full_topic(&self, py: Python<'_>, topic: &str) -> PyResult<String> {
        let full = self.rehearsal(py)?.full_topic(topic);
        full.map_err(|e| e.raise(py))
    }

    /// Checks an event as publishing does, and returns what an outbox keeps of it, without I/O:
    /// for each topic `(id, type, topic without a prefix, key, document)`. Earlier major versions
    /// that the catalog asks for come behind it, with ids of their own.
    #[pyo3(signature = (event, topic = None))]
    fn prepare<'py>(
        &self,
        py: Python<'py>,
        event: PyRef<'py, PyEvent>,
        topic: Option<&str>,
    ) -> PyResult<Vec<Prepared<'py>>> {
        let prepared = self.rehearsal(py)?.prepare(event.get().clone(), topic);
        let prepared = prepared.map_err(|e| e.raise(py))?.into_iter();
        Ok(prepared
            .map(|row| {
                let document = PyBytes::new(py, &row.document);
                (row.id, row.event_type, row.topic, row.key, document)
            })
            .collect())
    }

    /// Raises if the catalog refuses an entry of the Open edX wire; without I/O.
    fn hold_entry(&self, py: Python<'_>, entry: &PyEntry) -> PyResult<()> {
        if self.settings.validation.is_none() {
            return Ok(());
        }
        let rehearsal = self.rehearsal(py)?;
        let event = entry.event();
        let held = event.and_then(|event| rehearsal.hold(event, &entry.topic));
        held.map_err(|e| e.of(Some(&entry.entry.id)).raise(py))
    }

    /// Publishes events, each to a topic or to its routes; for each a list of receipts or an
    /// exception, which is returned and not raised.
    #[pyo3(signature = (events, timeout = None))]
    fn publish_events(
        &self,
        py: Python<'_>,
        events: Vec<(PyRef<'_, PyEvent>, Option<String>)>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let (process, connection) = self.here(py)?;
        let (events, limit) = (drafts(events), limit(py, timeout)?);
        let published = publish(&connection, Side::Caller, events, limit);
        let published = wait(py, process, published)?;
        table(py, published)
    }

    /// The same in the background; calls `done(results, error)` from another thread.
    #[pyo3(signature = (events, done, timeout = None))]
    fn publish_later(
        &self,
        py: Python<'_>,
        events: Vec<(PyRef<'_, PyEvent>, Option<String>)>,
        done: Py<PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        let (process, connection) = self.here(py)?;
        let (events, limit) = (drafts(events), limit(py, timeout)?);
        let background = process.background().map_err(|e| e.raise(py))?;
        background.spawn(async move {
            let published = publish(&connection, Side::Background, events, limit).await;
            later::call(done, move |py| table(py, published)).await;
        });
        Ok(())
    }

    /// Publishes finished CloudEvents documents to a topic, byte for byte, in this order. They are
    /// held to no catalog: `prepare` did.
    #[pyo3(signature = (topic, documents, timeout = None))]
    fn publish_documents(
        &self,
        py: Python<'_>,
        topic: String,
        documents: Vec<(Option<String>, Bound<'_, PyBytes>)>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let (process, connection) = self.here(py)?;
        let limit = limit(py, timeout)?;
        let documents: Vec<(Option<Key>, Bytes)> = documents
            .into_iter()
            .map(|(key, document)| {
                let bytes = Bytes::copy_from_slice(document.as_bytes());
                (key.map(Key::new), bytes)
            })
            .collect();
        let published = wait(py, process, async move {
            let publish = |open: Arc<Open>| async move {
                let results = open.forwarder.publish_documents(&topic, documents).await;
                let results = results.into_iter();
                results.map(|result| count(&open, result)).collect()
            };
            connection.within(Side::Caller, limit, publish).await
        })?;
        table(py, published)
    }

    /// Publishes an entry of the Open edX wire and waits for the log.
    #[pyo3(signature = (entry, timeout = None))]
    fn publish_entry(
        &self,
        py: Python<'_>,
        entry: &PyEntry,
        timeout: Option<f64>,
    ) -> PyResult<PyReceipt> {
        let (process, connection) = self.here(py)?;
        let limit = limit(py, timeout)?;
        let PyEntry { topic, entry } = entry;
        let published = wait(py, process, async {
            let publish = |open: Arc<Open>| async move {
                let named = [(topic.clone(), entry.clone())];
                let result = open.producer.publish_entries(named).await.pop();
                let result = result.expect("one result for one entry");
                if result.is_ok() {
                    open.published(topic, 1);
                }
                result.map_err(Failure::from)
            };
            connection.within(Side::Caller, limit, publish).await
        })?;
        match published.and_then(|result| result) {
            Ok(receipt) => Ok(receipt.into()),
            Err(failure) => Err(failure.of(Some(&entry.id)).raise(py)),
        }
    }

    /// Accepts an entry of the Open edX wire; `tell(topic, error)` is called from another
    /// thread if it does not reach the log.
    fn buffer_entry(&self, py: Python<'_>, entry: &PyEntry, tell: Py<PyAny>) -> PyResult<()> {
        let (process, connection) = self.here(py)?;
        let background = process.background().map_err(|e| e.raise(py))?;
        let waiting = Waiting {
            topic: entry.topic.clone(),
            entry: entry.entry.clone(),
            tell,
            deadline: Instant::now() + self.settings.send_timeout,
        };
        if connection.buffer.push(waiting).is_err() {
            let message = format!(
                "{} events wait for the log already; this one was not taken",
                self.settings.buffer
            );
            let failure = Failure::new("full", message).temporary();
            return Err(failure.of(Some(&entry.entry.id)).raise(py));
        }
        pump(process, &background, &connection);
        Ok(())
    }

    /// Waits until what was buffered has been answered; `False` when the time was too short.
    #[pyo3(signature = (timeout = None))]
    fn flush(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let (process, connection) = self.here(py)?;
        let limit = limit(py, timeout)?.unwrap_or(Duration::from_secs(1 << 30));
        wait_for_background(py, process, async move {
            let flushed = tokio::time::timeout(limit, connection.buffer.flushed()).await;
            flushed.is_ok()
        })
    }

    /// How many buffered events have not been answered.
    fn buffered(&self, py: Python<'_>) -> PyResult<usize> {
        let (_, connection) = self.here(py)?;
        Ok(connection.buffer.len())
    }

    /// Joins a group.
    fn subscribe_to(
        &self,
        py: Python<'_>,
        topics: Vec<String>,
        group: String,
        options: Options,
    ) -> PyResult<PyStream> {
        let (process, connection) = self.here(py)?;
        // What can be told at once shall not come from a thread later.
        options.check().map_err(|e| e.raise(py))?;
        let stream = PyStream::start(process, connection, topics, group, options);
        stream.map_err(|e| e.raise(py))
    }

    /// Closes the connections of this process. What comes later opens them anew.
    fn close(&self) {
        if let Some(process) = Process::begun() {
            process.forget_connection(self.id);
        }
    }
}

impl Drop for PyBus {
    fn drop(&mut self) {
        self.close();
    }
}
