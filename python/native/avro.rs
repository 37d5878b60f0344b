//! From Python objects straight to Avro: a schema compiled once, attributes walked here.
//!
//! What comes out is byte for byte what the Python packages write for the same objects.

use std::collections::HashMap;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::Value;
use tidings::event::avro::{MAX_DEPTH, Schema, Writer};

use crate::error::Failure;

enum Node {
    Boolean,
    Long,
    Double,
    Bytes,
    Text,
    Array(Arc<Node>),
    Map(Arc<Node>),
    Optional(Arc<Node>),
    Record(Vec<Field>),
}

struct Field {
    name: Py<PyString>,
    /// For messages.
    shown: Box<str>,
    node: Arc<Node>,
}

/// Writes objects of one schema.
#[pyclass(frozen, name = "Encoder", module = "tidings._tidings")]
pub(crate) struct PyEncoder {
    pub(crate) schema: Arc<Schema>,
    root: Arc<Node>,
    /// Turns a value that is no string into the string that stands for it.
    text: Py<PyAny>,
}

#[pymethods]
impl PyEncoder {
    #[new]
    fn new(py: Python<'_>, schema: &str, text: Py<PyAny>) -> PyResult<Self> {
        let parsed = Schema::parse(schema)
            .map_err(|e| Failure::invalid(format!("schema: {e}")).raise(py))?;
        let json: Value = serde_json::from_str(schema)
            .map_err(|e| Failure::invalid(format!("schema: {e}")).raise(py))?;
        let mut names = HashMap::new();
        let root = compile(py, &json, &mut names).map_err(|e| e.raise(py))?;
        Ok(Self {
            schema: Arc::new(parsed),
            root,
            text,
        })
    }

    /// The Avro bytes of an object: a mapping or an instance with the record's attributes.
    fn encode<'py>(&self, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(value.py(), &self.bytes(value)?))
    }

    /// SHA-256 of the schema's Parsing Canonical Form.
    #[getter]
    fn fingerprint(&self) -> &str {
        self.schema.fingerprint()
    }
}

impl PyEncoder {
    pub(crate) fn bytes(&self, value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
        let mut walk = Walk {
            out: Writer::with_capacity(256),
            path: Vec::new(),
            text: self.text.bind(value.py()),
        };
        walk.value(&self.root, value)?;
        Ok(walk.out.into_bytes())
    }
}

type Names = HashMap<String, Arc<Node>>;

fn compile(py: Python<'_>, schema: &Value, names: &mut Names) -> Result<Arc<Node>, Failure> {
    let unsupported =
        |what: &str| Err(Failure::invalid(format!("schema: {what} is not supported")));
    let node = match schema {
        Value::String(name) => match name.as_str() {
            "boolean" => Node::Boolean,
            "long" => Node::Long,
            "double" => Node::Double,
            "bytes" => Node::Bytes,
            "string" => Node::Text,
            name => match names.get(name) {
                Some(node) => return Ok(node.clone()),
                None => return unsupported(name),
            },
        },
        Value::Array(branches) => match branches.as_slice() {
            [Value::String(null), other] if null == "null" => {
                Node::Optional(compile(py, other, names)?)
            }
            _ => return unsupported("a union other than [\"null\", T]"),
        },
        Value::Object(object) => match object.get("type").and_then(Value::as_str) {
            Some("array") => Node::Array(compile(py, &object["items"], names)?),
            Some("map") => Node::Map(compile(py, &object["values"], names)?),
            Some("record") => {
                let mut fields = Vec::new();
                for field in object["fields"].as_array().into_iter().flatten() {
                    let name = field["name"].as_str().unwrap_or_default();
                    fields.push(Field {
                        name: PyString::intern(py, name).unbind(),
                        shown: name.into(),
                        node: compile(py, &field["type"], names)?,
                    });
                }
                let node = Arc::new(Node::Record(fields));
                if let Some(name) = object["name"].as_str() {
                    names.insert(name.to_owned(), node.clone());
                }
                return Ok(node);
            }
            _ => return compile(py, &object["type"], names),
        },
        _ => return unsupported("this"),
    };
    Ok(Arc::new(node))
}

struct Walk<'a, 'py> {
    out: Writer,
    path: Vec<&'a str>,
    text: &'a Bound<'py, PyAny>,
}

impl<'a, 'py> Walk<'a, 'py> {
    fn value(&mut self, node: &'a Node, value: &Bound<'py, PyAny>) -> PyResult<()> {
        match node {
            Node::Text => return self.string(value),
            Node::Long if value.is_instance_of::<PyInt>() => match value.extract::<i64>() {
                Ok(number) => self.out.long(number),
                Err(_) => return Err(self.refuse(value, "an integer of 64 bits")),
            },
            Node::Double if is_number(value) => self.out.double(value.extract()?),
            Node::Boolean => match value.cast::<PyBool>() {
                Ok(flag) => self.out.boolean(flag.is_true()),
                Err(_) => return Err(self.refuse(value, "a boolean")),
            },
            Node::Bytes => match value.cast::<PyBytes>() {
                Ok(bytes) => self.out.prefixed(bytes.as_bytes()),
                Err(_) => return Err(self.refuse(value, "bytes")),
            },
            Node::Optional(_) if value.is_none() => self.out.count(0),
            Node::Optional(of) => {
                self.out.count(1);
                self.value(of, value)?;
            }
            Node::Record(fields) if !value.is_none() => self.record(fields, value)?,
            Node::Array(of) => self.array(of, value)?,
            Node::Map(of) => self.map(of, value)?,
            Node::Long => return Err(self.refuse(value, "an integer")),
            Node::Double => return Err(self.refuse(value, "a number")),
            Node::Record(_) => return Err(self.refuse(value, "a record")),
        }
        Ok(())
    }

    fn string(&mut self, value: &Bound<'py, PyAny>) -> PyResult<()> {
        if let Ok(text) = value.cast::<PyString>() {
            return self.utf8(text);
        }
        if value.is_none() {
            return Err(self.refuse(value, "a string"));
        }
        let text = self.text.call1((value,))?;
        match text.cast::<PyString>() {
            Ok(text) => self.utf8(text),
            Err(_) => Err(self.refuse(value, "a string")),
        }
    }

    fn utf8(&mut self, text: &Bound<'py, PyString>) -> PyResult<()> {
        match text.to_cow() {
            Ok(text) => {
                self.out.prefixed(text.as_bytes());
                Ok(())
            }
            Err(_) => Err(self.refuse(text, "text that UTF-8 can write")),
        }
    }

    fn record(&mut self, fields: &'a [Field], value: &Bound<'py, PyAny>) -> PyResult<()> {
        let py = value.py();
        if self.path.len() >= MAX_DEPTH {
            return Err(self.refuse(value, "a record that is less deep"));
        }
        let mapping = value.cast::<PyDict>().ok();
        for field in fields {
            self.path.push(&field.shown);
            let name = field.name.bind(py);
            let found = match mapping {
                Some(mapping) => mapping.get_item(name)?,
                None => value.getattr_opt(name)?,
            };
            match (found, &*field.node) {
                (Some(found), node) => self.value(node, &found)?,
                (None, Node::Optional(_)) => self.out.count(0),
                (None, _) => {
                    let message = format!("{} is missing, and has no default", self.place());
                    return Err(self.error(py, message));
                }
            }
            self.path.pop();
        }
        Ok(())
    }

    fn array(&mut self, of: &'a Node, value: &Bound<'py, PyAny>) -> PyResult<()> {
        let items: Vec<Bound<'py, PyAny>> = if let Ok(list) = value.cast::<PyList>() {
            list.iter().collect()
        } else if let Ok(tuple) = value.cast::<PyTuple>() {
            tuple.iter().collect()
        } else {
            return Err(self.refuse(value, "a list"));
        };
        if !items.is_empty() {
            self.out.count(items.len());
        }
        for item in &items {
            self.value(of, item)?;
        }
        self.out.count(0);
        Ok(())
    }

    fn map(&mut self, of: &'a Node, value: &Bound<'py, PyAny>) -> PyResult<()> {
        let Ok(map) = value.cast::<PyDict>() else {
            return Err(self.refuse(value, "a dict"));
        };
        let mut members = Vec::with_capacity(map.len());
        for (key, item) in map.iter() {
            match key.extract::<String>() {
                Ok(key) => members.push((key, item)),
                Err(_) => return Err(self.refuse(&key, "a string as a key")),
            }
        }
        // The packages sort them on the way.
        members.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        if !members.is_empty() {
            self.out.count(members.len());
        }
        for (key, item) in &members {
            self.out.prefixed(key.as_bytes());
            self.value(of, item)?;
        }
        self.out.count(0);
        Ok(())
    }

    /// Says what stands where, never which value.
    fn refuse(&self, value: &Bound<'py, PyAny>, wanted: &str) -> PyErr {
        let class = value.get_type().qualname();
        let class = class.map_or_else(|_| "something".into(), |name| name.to_string());
        self.error(
            value.py(),
            format!(
                "{} must be {wanted}, and is of the type {class}",
                self.place()
            ),
        )
    }

    fn place(&self) -> String {
        match self.path.is_empty() {
            true => "the event data".into(),
            false => self.path.join("."),
        }
    }

    fn error(&self, py: Python<'py>, message: String) -> PyErr {
        Failure::new("encoding", message).raise(py)
    }
}

fn is_number(value: &Bound<'_, PyAny>) -> bool {
    value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>()
}
