//! The log below producers and consumers: groups, reading, seeking, faults in tests.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tidings::transport::{Count, Error, Memory, Position, Redelivery};
use tidings::{Group, Key, Reading, Start, Topic};

use crate::bus::PyBus;
use crate::connection::Open;
use crate::error::Failure;
use crate::event::{PyEvent, datetime};

fn named(open: &Open, topic: &str, group: &str) -> Result<(Topic, Group), Failure> {
    Ok((open.bus.topic(topic)?, Group::new(group)?))
}

fn count(count: Count) -> Option<u64> {
    match count {
        Count::Exactly(n) | Count::AtLeast(n) => Some(n),
        Count::Unknown => None,
    }
}

fn memory(py: Python<'_>, open: &Open) -> PyResult<Arc<Memory>> {
    open.memory.clone().ok_or_else(|| {
        let rule = "faults can only be injected into a bus \"memory:\"";
        Failure::new("unsupported", rule).raise(py)
    })
}

fn errors(py: Python<'_>, results: Vec<Result<(), Error>>) -> Vec<Option<Py<PyAny>>> {
    let error = |e| Failure::from(e).raise(py).into_value(py).into_any();
    results.into_iter().map(|r| r.err().map(error)).collect()
}

/// The log of a bus.
#[pyclass(frozen, name = "Log", module = "tidings._tidings")]
pub(crate) struct PyLog {
    bus: Py<PyBus>,
}

impl PyLog {
    /// Runs something on the open log.
    fn ask<T, F>(&self, py: Python<'_>, ask: impl FnOnce(Arc<Open>) -> F + Send) -> PyResult<T>
    where
        T: Send,
        F: Future<Output = Result<T, Failure>> + Send,
    {
        self.bus.get().ask(py, ask)
    }
}

#[pymethods]
impl PyLog {
    #[new]
    fn new(bus: Py<PyBus>) -> Self {
        Self { bus }
    }

    /// Checks that the log answers, and returns what it is.
    fn ping(&self, py: Python<'_>) -> PyResult<String> {
        self.ask(
            py,
            |open| async move { Ok(open.bus.transport().ping().await?) },
        )
    }

    /// The process that keeps the log and for how many seconds it has been up, where one that ends
    /// may take acknowledged records with it and the log tells.
    fn process(&self, py: Python<'_>) -> PyResult<Option<(String, f64)>> {
        self.ask(py, |open| async move {
            let process = open.bus.transport().process().await?;
            Ok(process.map(|process| (process.id, process.up.as_secs_f64())))
        })
    }

    /// Makes a group before its first consumer; returns whether it existed.
    #[pyo3(signature = (topic, group, start = "latest"))]
    fn create_group(
        &self,
        py: Python<'_>,
        topic: String,
        group: String,
        start: &str,
    ) -> PyResult<bool> {
        let start: Result<Start, _> = start.parse();
        let start = start.map_err(|e| Failure::from(e).raise(py))?;
        self.ask(py, |open| async move {
            let (topic, group) = named(&open, &topic, &group)?;
            let opened = open
                .bus
                .transport()
                .create_group(&topic, &group, &start)
                .await?;
            Ok(opened.existed)
        })
    }

    /// Moves a group.
    fn seek(&self, py: Python<'_>, topic: String, group: String, to: &str) -> PyResult<()> {
        let to: Result<Start, _> = to.parse();
        let to = to.map_err(|e| Failure::from(e).raise(py))?;
        self.ask(py, |open| async move {
            let (topic, group) = named(&open, &topic, &group)?;
            open.bus.transport().seek(&topic, &group, &to).await?;
            Ok(())
        })
    }

    /// The groups of a topic by name; none when there is no such topic.
    fn groups<'py>(&self, py: Python<'py>, topic: String) -> PyResult<Bound<'py, PyDict>> {
        let groups = self.ask(py, |open| async move {
            let topic = open.bus.topic(&topic)?;
            match open.bus.transport().groups(&topic).await {
                Ok(groups) => Ok(groups),
                Err(e) if e.kind() == tidings::transport::ErrorKind::NotFound => Ok(Vec::new()),
                Err(e) => Err(e.into()),
            }
        })?;
        let table = PyDict::new(py);
        for group in groups {
            let facts = PyDict::new(py);
            facts.set_item("position", group.position.as_str())?;
            facts.set_item("lag", count(group.lag.events))?;
            facts.set_item("lag_seconds", group.lag.age.as_secs_f64())?;
            facts.set_item("pending", group.pending)?;
            facts.set_item("consumers", group.consumers)?;
            facts.set_item("dead_letters", group.dead_letters)?;
            facts.set_item("parked_keys", group.parked_keys)?;
            facts.set_item("lost", count(group.lost))?;
            table.set_item(group.group.as_str(), facts)?;
        }
        Ok(table)
    }

    /// The full names of the topics, and how many records each holds.
    fn topics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let topics = self.ask(py, |open| async move {
            Ok(open.bus.transport().topics().await?)
        })?;
        let table = PyDict::new(py);
        for topic in topics {
            table.set_item(topic.topic.as_str(), topic.length)?;
        }
        Ok(table)
    }

    /// Reads events without a trace: `(position, event)`, or `(position, reason)` for what is no
    /// event.
    #[pyo3(signature = (topic, start = "earliest", limit = 1000))]
    fn read(
        &self,
        py: Python<'_>,
        topic: String,
        start: &str,
        limit: usize,
    ) -> PyResult<Vec<(String, Py<PyAny>)>> {
        let start: Result<Start, _> = start.parse();
        let start = start.map_err(|e| Failure::from(e).raise(py))?;
        let found = self.ask(py, |open| async move {
            let topic = open.bus.topic(&topic)?;
            let decoder = open.bus.decoder();
            let mut found = Vec::new();
            for stored in open.bus.transport().read(&topic, &start, limit).await? {
                let reading = decoder.resolve(&stored.body).await?;
                found.push((stored.position.as_str().to_owned(), reading));
            }
            Ok(found)
        })?;
        let table = found.into_iter().map(|(position, reading)| {
            let reading = match reading {
                Reading::Event(event) => Py::new(py, PyEvent::new(event))?.into_any(),
                Reading::Undecodable(why) => why.into_pyobject(py)?.into_any().unbind(),
                Reading::Unresolved(id) => {
                    let why = format!("its schema {id} is not known");
                    why.into_pyobject(py)?.into_any().unbind()
                }
            };
            Ok((position, reading))
        });
        table.collect()
    }

    /// The dead letters of a group.
    #[pyo3(signature = (topic, group, limit = 1000))]
    fn dead_letters<'py>(
        &self,
        py: Python<'py>,
        topic: String,
        group: String,
        limit: usize,
    ) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let letters = self.ask(py, |open| async move {
            let (topic, group) = named(&open, &topic, &group)?;
            let transport = open.bus.transport();
            let letters = transport.dead_letters(&topic, &group, None, limit).await?;
            let decoder = open.bus.decoder();
            let mut read = Vec::with_capacity(letters.len());
            for letter in letters {
                let event = match decoder.resolve(&letter.body).await? {
                    Reading::Event(event) => Some(event),
                    _ => None,
                };
                read.push((letter, event));
            }
            Ok(read)
        })?;
        let mut table = Vec::with_capacity(letters.len());
        for (letter, event) in letters {
            let facts = PyDict::new(py);
            facts.set_item("topic", letter.topic.as_str())?;
            facts.set_item("group", letter.group.as_str())?;
            facts.set_item("id", letter.id.as_str())?;
            facts.set_item("position", letter.position.as_str())?;
            facts.set_item("key", letter.key.as_ref().map(|key| key.as_str()))?;
            facts.set_item("attempts", letter.attempts)?;
            let failures = letter.reason.as_ref();
            for (name, time) in [
                ("first_failure", failures.map(|r| r.first_failure)),
                ("last_failure", failures.map(|r| r.last_failure)),
            ] {
                facts.set_item(name, time.map(|time| datetime(py, time)).transpose()?)?;
            }
            facts.set_item("reason", letter.reason.as_ref().map(|r| r.class.clone()))?;
            facts.set_item("message", letter.reason.map(|r| r.message))?;
            facts.set_item("parked", letter.parked)?;
            facts.set_item("event", event.map(PyEvent::new))?;
            table.push(facts);
        }
        Ok(table)
    }

    /// Lets the events of a parked key run, in their order and before newer ones; how many wait.
    fn release(&self, py: Python<'_>, topic: String, group: String, key: String) -> PyResult<u64> {
        self.ask(py, |open| async move {
            let (topic, group) = named(&open, &topic, &group)?;
            let transport = open.bus.transport();
            Ok(transport.release(&topic, &group, &Key::new(key)).await?)
        })
    }

    /// Hands dead letters to their group once more, by their ids; for each an exception, or
    /// `None`.
    fn redeliver(
        &self,
        py: Python<'_>,
        topic: String,
        group: String,
        ids: Vec<String>,
    ) -> PyResult<Vec<Option<Py<PyAny>>>> {
        let results = self.ask(py, |open| async move {
            let (topic, group) = named(&open, &topic, &group)?;
            let letters = ids.into_iter().map(Position::new);
            let letters: Vec<_> = letters.map(Redelivery::DeadLetter).collect();
            Ok(open
                .bus
                .transport()
                .redeliver(&topic, &group, &letters)
                .await)
        })?;
        Ok(errors(py, results))
    }

    /// Removes dead letters for good, by their ids; for each an exception, or `None`.
    fn discard(
        &self,
        py: Python<'_>,
        topic: String,
        group: String,
        ids: Vec<String>,
    ) -> PyResult<Vec<Option<Py<PyAny>>>> {
        let results = self.ask(py, |open| async move {
            let (topic, group) = named(&open, &topic, &group)?;
            let letters: Vec<_> = ids.into_iter().map(Position::new).collect();
            Ok(open.bus.transport().discard(&topic, &group, &letters).await)
        })?;
        Ok(errors(py, results))
    }

    /// Makes the log of a bus `memory:` go away, or come back.
    fn set_available(&self, py: Python<'_>, available: bool) -> PyResult<()> {
        let open = self.ask(py, |open| async move { Ok(open) })?;
        memory(py, &open)?.set_available(available);
        Ok(())
    }

    /// Removes the oldest records of a topic of a bus `memory:`, as somebody else's trim would.
    fn drop_records(&self, py: Python<'_>, topic: &str, n: usize) -> PyResult<usize> {
        let open = self.ask(py, |open| async move { Ok(open) })?;
        let full = open.bus.topic(topic);
        let full = full.map_err(|e| Failure::from(e).raise(py))?;
        Ok(memory(py, &open)?.drop_records(&full, n))
    }
}
