//! Publishing events, and what Python learns of it.

use std::time::Duration;

use pyo3::prelude::*;
use tidings::{Draft, Event, PublishError, Receipt};

use crate::connection::{Connection, Open, Side};
use crate::error::Failure;
use crate::event::PyEvent;

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

pub(crate) type Published = Vec<Result<Vec<Receipt>, Failure>>;

pub(crate) fn drafts(
    events: Vec<(PyRef<'_, PyEvent>, Option<String>)>,
) -> Vec<(Event, Option<String>)> {
    let events = events.into_iter();
    events
        .map(|(event, topic)| (event.get().clone(), topic))
        .collect()
}

pub(crate) async fn publish(
    connection: &Connection,
    side: Side,
    events: Vec<(Event, Option<String>)>,
    limit: Option<Duration>,
) -> Result<Published, Failure> {
    connection
        .within(side, limit, |open| async move {
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
                    Some(topic) => open.producer.publish_to(&topic, event).await,
                    None => open.producer.publish(event).await,
                };
                results.push(count(&open, result));
            }
            results
        })
        .await
}

pub(crate) fn count(
    open: &Open,
    result: Result<Vec<Receipt>, PublishError>,
) -> Result<Vec<Receipt>, Failure> {
    if let Ok(receipts) = &result {
        for receipt in receipts {
            open.published(receipt.topic.as_str(), 1);
        }
    }
    result.map_err(Failure::from)
}

pub(crate) fn table(py: Python<'_>, published: Result<Published, Failure>) -> PyResult<Py<PyAny>> {
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
