//! From the JSON of a payload straight to the objects that a service wants.
//!
//! The plan is made once for each signal, by `tidings.openedx.avro`. Objects are made by calling
//! their classes with keyword arguments, so their converters and validators run as ever.

mod place;
mod plan;
mod walk;

use std::cell::{Cell, RefCell};

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use serde::de::DeserializeSeed;
use tidings::{Data, Event};

use crate::event::PyEvent;
use place::Place;
use plan::{Node, compile};
use walk::Walk;

/// Reads payloads for one signal.
#[pyclass(frozen, name = "Reader", module = "tidings._tidings")]
pub(crate) struct PyReader {
    root: Node,
    /// What is raised for a payload that does not fit. Its message names fields and types only.
    unusable: Py<PyAny>,
}

#[pymethods]
impl PyReader {
    #[new]
    fn new(plan: &Bound<'_, PyTuple>, unusable: Py<PyAny>) -> PyResult<Self> {
        Ok(Self {
            root: compile(plan)?,
            unusable,
        })
    }

    /// What the plan makes of the payload of an event.
    fn read<'py>(&self, py: Python<'py>, event: &PyEvent) -> PyResult<Bound<'py, PyAny>> {
        match json(event.get()) {
            Some(json) => self.parse(py, json, ""),
            None => Err(self.refuse(py, "the payload is no JSON object".into(), None)),
        }
    }

    /// What the plan makes of a JSON text that stands at a path.
    fn parse<'py>(&self, py: Python<'py>, json: &str, path: &str) -> PyResult<Bound<'py, PyAny>> {
        let walk = Walk {
            py,
            reader: self,
            path: RefCell::new(path.to_owned()),
            error: Cell::new(None),
        };
        let mut parser = serde_json::Deserializer::from_str(json);
        let place = Place {
            node: &self.root,
            walk: &walk,
        };
        let made = place.deserialize(&mut parser);
        match (made, walk.error.take()) {
            (_, Some(error)) => Err(error),
            (Ok(made), None) if parser.end().is_ok() => Ok(made),
            _ => Err(self.refuse(py, "the payload is no JSON object".into(), None)),
        }
    }
}

impl PyReader {
    fn refuse(&self, py: Python<'_>, message: String, cause: Option<PyErr>) -> PyErr {
        let error = match self.unusable.bind(py).call1((message,)) {
            Ok(made) => PyErr::from_value(made),
            Err(error) => error,
        };
        if let Some(cause) = cause {
            // Its traceback holds the value.
            cause.set_traceback(py, None);
            error.set_cause(py, Some(cause));
        }
        error
    }
}

fn json(event: &Event) -> Option<&str> {
    match event.data()? {
        Data::Json(json) => Some(json.as_str()),
        _ => None,
    }
}
