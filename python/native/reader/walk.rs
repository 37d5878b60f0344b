//! One walk through a payload: where it is, and what went wrong.

use std::cell::{Cell, RefCell};
use std::fmt;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::PyReader;
use super::plan::{Field, Node, Record};

pub(super) struct Walk<'a, 'py> {
    pub(super) py: Python<'py>,
    pub(super) reader: &'a PyReader,
    pub(super) path: RefCell<String>,
    /// What went wrong: errors of the parser cannot carry it.
    pub(super) error: Cell<Option<PyErr>>,
}

impl<'py> Walk<'_, 'py> {
    pub(super) fn fail<E: serde::de::Error>(&self, error: PyErr) -> E {
        self.error.set(Some(error));
        E::custom("see the walk")
    }

    pub(super) fn unusable<E: serde::de::Error>(&self, said: &str, cause: Option<PyErr>) -> E {
        let message = format!("{}{said}", self.path.borrow());
        self.fail(self.reader.refuse(self.py, message, cause))
    }

    pub(super) fn unfit<E: serde::de::Error>(&self, found: &str, node: &Node) -> E {
        let wanted = match node {
            Node::Boolean => "a boolean",
            Node::Integer => "an integer",
            Node::Number => "a number",
            Node::Bytes => "bytes",
            Node::Text | Node::Made { .. } => "a string",
            Node::List(_) => "a list",
            Node::Dict(_) => "a dict",
            Node::Nullable(node) => return self.unfit(found, node),
            Node::Record(record) => &record.name,
        };
        self.unusable(&format!(": is of the type {found}, wanted {wanted}"), None)
    }

    /// Runs something one step further down.
    pub(super) fn below<T>(&self, step: fmt::Arguments<'_>, run: impl FnOnce() -> T) -> T {
        let length = {
            let mut path = self.path.borrow_mut();
            let length = path.len();
            let _ = fmt::write(&mut *path, step);
            length
        };
        let result = run();
        self.path.borrow_mut().truncate(length);
        result
    }

    pub(super) fn record<E: serde::de::Error>(
        &self,
        record: &Record,
        arguments: Bound<'py, PyDict>,
        found: u64,
    ) -> Result<Bound<'py, PyAny>, E> {
        for (n, field) in record.fields.iter().enumerate() {
            let is_there = match n {
                0..64 => found & 1 << n != 0,
                _ => self.there(&arguments, field)?,
            };
            if is_there || field.has_default {
                continue;
            }
            let default = match record.class {
                Some(_) => ", and there is no default",
                None => "",
            };
            let said = format!("the writer does not have it{default}");
            let dot = if self.path.borrow().is_empty() {
                ""
            } else {
                "."
            };
            return Err(self.below(format_args!("{dot}{}: ", field.name), || {
                self.unusable(&said, None)
            }));
        }
        let Some(class) = &record.class else {
            return Ok(arguments.into_any());
        };
        match class.bind(self.py).call((), Some(&arguments)) {
            Ok(made) => Ok(made),
            Err(error)
                if error.is_instance_of::<PyTypeError>(self.py)
                    || error.is_instance_of::<PyValueError>(self.py) =>
            {
                let kind = error.get_type(self.py).name();
                let kind = kind.map_or_else(|_| "an error".into(), |name| name.to_string());
                let said = format!(": {} refuses it ({kind})", record.name);
                Err(self.unusable(&said, Some(error)))
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    fn there<E: serde::de::Error>(
        &self,
        arguments: &Bound<'py, PyDict>,
        field: &Field,
    ) -> Result<bool, E> {
        let found = arguments.contains(field.argument.bind(self.py));
        found.map_err(|error| self.fail(error))
    }
}
