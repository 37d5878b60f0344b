//! A bus: publishing and subscribing.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use tidings::transport::Field;
use tidings::{
    Draft, Emitter, Event, ForeignEntry, Key, KeyPath, PublishError, Receipt, Role, Route,
};
use tokio::time::Instant;

use crate::avro::PyEncoder;
use crate::buffer::{Waiting, pump};
use crate::connection::{Connection, Open, Settings};
use crate::error::Failure;
use crate::event::{Attributes, PyEvent, build};
use crate::later;
use crate::process::{Process, new_id};
use crate::rehearsal::Rehearsal;
use crate::stream::{Options, PyStream, seconds};
use crate::wait::{process, wait};

/// A bus, opened anew in each process that uses it.
#[pyclass(frozen, subclass, name = "Bus", module = "tidings._tidings")]
pub(crate) struct PyBus {
    id: u64,
    settings: Arc<Settings>,
    rehearsal: OnceLock<Rehearsal>,
}

/// What an outbox keeps of an event: the topic without a prefix, the key, the document.
type Kept<'py> = (String, Option<String>, Bound<'py, PyBytes>);

/// What Python says of a bus.
#[derive(FromPyObject)]
struct Given {
    #[pyo3(item)]
    url: String,
    #[pyo3(item)]
    prefix: Option<String>,
    #[pyo3(item)]
    namespace: String,
    #[pyo3(item)]
    service: Option<String>,
    #[pyo3(item)]
    role: String,
    /// Event type, topic, key path.
    #[pyo3(item)]
    routes: Vec<(String, String, Option<String>)>,
    #[pyo3(item)]
    profile: Option<String>,
    #[pyo3(item)]
    wire: Option<String>,
    #[pyo3(item)]
    send_timeout: f64,
    /// Event type, minor version, Avro schema.
    #[pyo3(item)]
    definitions: Vec<(String, i32, String)>,
    /// Folders of event definitions.
    #[pyo3(item)]
    catalog: Vec<String>,
    #[pyo3(item)]
    max_len: Option<u64>,
    #[pyo3(item)]
    hard_max_len: Option<u64>,
    #[pyo3(item)]
    buffer: usize,
}

impl Given {
    fn settings(self) -> Result<Settings, Failure> {
        let role = match self.role.as_str() {
            "web" => Role::Web,
            "worker" => Role::Worker,
            _ => return Err(Failure::invalid("role: must be \"web\" or \"worker\"")),
        };
        let emitter = self
            .service
            .map(|s| Emitter::new(&self.namespace, &s, role));
        let emitter = emitter
            .transpose()
            .map_err(|e| Failure::invalid(e.to_string()))?;
        let mut routes = Vec::with_capacity(self.routes.len());
        for (event_type, topic, key_path) in self.routes {
            let mut route = Route::to(topic);
            if let Some(path) = key_path {
                let path: Result<KeyPath, _> = path.parse();
                let path = path.map_err(|e| Failure::invalid(format!("routes: {e}")))?;
                route = route.key(path);
            }
            routes.push((event_type, route));
        }
        let profile = match self.profile.as_deref() {
            None => None,
            Some("enforce") => Some(tidings::Mode::Enforce),
            Some("warn") => Some(tidings::Mode::Warn),
            Some("off") => Some(tidings::Mode::Off),
            Some(_) => {
                let rule = "profile: must be \"enforce\", \"warn\" or \"off\"";
                return Err(Failure::invalid(rule));
            }
        };
        let wire = self.wire.map(|wire| wire.parse()).transpose();
        let wire = wire.map_err(|e| Failure::invalid(format!("wire: {e}")))?;
        Ok(Settings {
            url: self.url,
            prefix: self.prefix,
            emitter,
            routes,
            profile,
            wire,
            send_timeout: seconds("send_timeout", self.send_timeout)?,
            definitions: self.definitions,
            catalog: self.catalog,
            max_len: self.max_len,
            hard_max_len: self.hard_max_len,
            buffer: self.buffer.max(1),
        })
    }
}

/// The log has this event.
#[pyclass(frozen, get_all, name = "Receipt", module = "tidings")]
pub(crate) struct PyReceipt {
    id: String,
    topic: String,
    position: String,
}

#[pymethods]
impl PyReceipt {
    fn __repr__(&self) -> String {
        format!(
            "<Receipt id={:?} topic={:?} position={:?}>",
            self.id, self.topic, self.position
        )
    }
}

impl From<Receipt> for PyReceipt {
    fn from(receipt: Receipt) -> Self {
        Self {
            id: receipt.id,
            topic: receipt.topic.as_str().to_owned(),
            position: receipt.position.as_str().to_owned(),
        }
    }
}

type Published = Vec<Result<Vec<Receipt>, Failure>>;

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
            let open = connection.open().await?;
            ask(open).await
        })?;
        answer.map_err(|e| e.raise(py))
    }
}

async fn publish(
    connection: &Connection,
    events: Vec<(Event, Option<String>)>,
    limit: Option<Duration>,
) -> Result<Published, Failure> {
    connection
        .within(limit, |open| async move {
            let mut results = Vec::with_capacity(events.len());
            if events.iter().all(|(_, topic)| topic.is_none()) {
                let events = events.into_iter().map(|(event, _)| Draft::from(event));
                for result in open.producer.publish_all(events).await {
                    results.push(count(&open, result));
                }
                return results;
            }
            for (event, topic) in events {
                let result = match topic {
                    Some(topic) => open
                        .producer
                        .publish_to(&topic, event)
                        .await
                        .map(|r| vec![r]),
                    None => open.producer.publish(event).await,
                };
                results.push(count(&open, result));
            }
            results
        })
        .await
}

fn count(open: &Open, result: Result<Vec<Receipt>, PublishError>) -> Result<Vec<Receipt>, Failure> {
    if let Ok(receipts) = &result {
        for receipt in receipts {
            open.published(receipt.topic.as_str(), 1);
        }
    }
    result.map_err(Failure::from)
}

fn table(py: Python<'_>, published: Result<Published, Failure>) -> PyResult<Py<PyAny>> {
    let published = published.map_err(|e| e.raise(py))?;
    let mut results: Vec<Py<PyAny>> = Vec::with_capacity(published.len());
    for result in published {
        results.push(match result {
            Ok(receipts) => {
                let receipts = receipts
                    .into_iter()
                    .map(|r| Py::new(py, PyReceipt::from(r)));
                let receipts: Vec<Py<PyReceipt>> = receipts.collect::<PyResult<_>>()?;
                receipts.into_pyobject(py)?.into_any().unbind()
            }
            Err(failure) => failure.raise(py).into_value(py).into_any(),
        });
    }
    Ok(results.into_pyobject(py)?.into_any().unbind())
}

fn limit(py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Duration>> {
    let limit = timeout.map(|s| seconds("timeout", s)).transpose();
    limit.map_err(|e| e.raise(py))
}

fn drafts(events: Vec<(PyRef<'_, PyEvent>, Option<String>)>) -> Vec<(Event, Option<String>)> {
    let events = events.into_iter();
    events
        .map(|(event, topic)| (event.get().clone(), topic))
        .collect()
}

/// An entry of the Open edX wire, as Python gives it.
#[derive(FromPyObject)]
struct Entry<'py>(
    /// Topic.
    String,
    /// Fields before the payload, the id among them.
    Vec<(String, String)>,
    /// What the encoder takes.
    Bound<'py, PyAny>,
    /// Key.
    Option<String>,
    /// Id.
    String,
);

impl Entry<'_> {
    fn encode(self, encoder: &PyEncoder) -> PyResult<(String, ForeignEntry)> {
        let Self(topic, headers, data, key, id) = self;
        let payload = encoder.bytes(&data)?;
        let mut fields = Vec::with_capacity(headers.len() + 3);
        let mut field = |name: &str, value: Bytes| {
            fields.push(Field {
                name: name.into(),
                value,
            });
        };
        for (name, value) in headers {
            field(&name, value.into());
        }
        field("event_data", payload.into());
        if let Some(key) = &key {
            field("key", key.clone().into());
        }
        field("dataschema", encoder.schema.urn().into());
        let entry = ForeignEntry::new(id, fields)
            .key(key.map(Key::new))
            .schema(encoder.schema.clone());
        Ok((topic, entry))
    }
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
            let open = connection.within(limit, |open| async { open }).await;
            open.map(|open| open.bus.address().to_owned())
        })?;
        opened.map_err(|e| e.raise(py))
    }

    /// Makes an event, stamped by the service of this bus.
    #[pyo3(signature = (**attributes))]
    fn event(&self, py: Python<'_>, attributes: Option<&Bound<'_, PyDict>>) -> PyResult<PyEvent> {
        let attributes = Attributes::of(py, attributes)?;
        let builder = attributes.collect(py, Event::builder)?;
        let Some(emitter) = &self.settings.emitter else {
            return build(py, builder);
        };
        build(py, emitter.stamp(builder))
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
    /// for each topic `(topic without a prefix, key, document)`.
    #[pyo3(signature = (event, topic = None))]
    fn prepare<'py>(
        &self,
        py: Python<'py>,
        event: PyRef<'py, PyEvent>,
        topic: Option<&str>,
    ) -> PyResult<Vec<Kept<'py>>> {
        let prepared = self.rehearsal(py)?.prepare(event.get().clone(), topic);
        let prepared = prepared.map_err(|e| e.raise(py))?.into_iter();
        Ok(prepared
            .map(|(topic, key, document)| (topic, key, PyBytes::new(py, &document)))
            .collect())
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
        let published = wait(py, process, publish(&connection, events, limit))?;
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
        process.handle().spawn(async move {
            let published = publish(&connection, events, limit).await;
            later::call(done, move |py| table(py, published));
        });
        Ok(())
    }

    /// Publishes finished CloudEvents documents to a topic, byte for byte, in this order.
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
                let results = open.producer.publish_documents(&topic, documents).await;
                let results = results.into_iter();
                results
                    .map(|result| count(&open, result.map(|receipt| vec![receipt])))
                    .collect()
            };
            connection.within(limit, publish).await
        })?;
        table(py, published)
    }

    /// Publishes an entry of the Open edX wire and waits for the log.
    #[pyo3(signature = (encoder, entry, timeout = None))]
    fn publish_entry(
        &self,
        py: Python<'_>,
        encoder: &PyEncoder,
        entry: Entry<'_>,
        timeout: Option<f64>,
    ) -> PyResult<PyReceipt> {
        let (process, connection) = self.here(py)?;
        let limit = limit(py, timeout)?;
        let (topic, entry) = entry.encode(encoder)?;
        let id = entry.id.clone();
        let published = wait(py, process, async move {
            let publish = |open: Arc<Open>| async move {
                let named = [(topic.clone(), entry)];
                let result = open.producer.publish_entries(named).await.pop();
                let result = result.expect("one result for one entry");
                if result.is_ok() {
                    open.published(&topic, 1);
                }
                result.map_err(Failure::from)
            };
            connection.within(limit, publish).await
        })?;
        match published.and_then(|result| result) {
            Ok(receipt) => Ok(receipt.into()),
            Err(failure) => Err(failure.of(Some(&id)).raise(py)),
        }
    }

    /// Accepts an entry of the Open edX wire; `tell(topic, error)` is called from another
    /// thread if it does not reach the log.
    fn buffer_entry(
        &self,
        py: Python<'_>,
        encoder: &PyEncoder,
        entry: Entry<'_>,
        tell: Py<PyAny>,
    ) -> PyResult<()> {
        let (process, connection) = self.here(py)?;
        let (topic, entry) = entry.encode(encoder)?;
        let id = entry.id.clone();
        let waiting = Waiting {
            topic,
            entry,
            tell,
            deadline: Instant::now() + self.settings.send_timeout,
        };
        if connection.buffer.push(waiting).is_err() {
            let message = format!(
                "{} events wait for the log already; this one was not taken",
                self.settings.buffer
            );
            let failure = Failure::new("full", message).temporary().of(Some(&id));
            return Err(failure.raise(py));
        }
        pump(process, &connection);
        Ok(())
    }

    /// Waits until what was buffered has been answered; `False` when the time was too short.
    #[pyo3(signature = (timeout = None))]
    fn flush(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let (process, connection) = self.here(py)?;
        let limit = limit(py, timeout)?.unwrap_or(Duration::from_secs(1 << 30));
        wait(py, process, async move {
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
        Ok(PyStream::start(process, connection, topics, group, options))
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
