//! From the JSON of a payload straight to the objects that a service wants.
//!
//! The plan is made once for each signal, by `tidings.openedx.avro`. Objects are made by calling
//! their classes with keyword arguments, so their converters and validators run as ever.

use std::cell::{Cell, RefCell};
use std::fmt;

use pyo3::exceptions::{PyException, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyList, PyString, PyTuple};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess};
use serde::de::{Unexpected, Visitor};
use tidings::{Data, Event};

use crate::event::PyEvent;

/// What is wanted at a place.
enum Node {
    Boolean,
    Integer,
    Number,
    Text,
    Bytes,
    /// Text that a function makes something of: its name is for messages.
    Made {
        make: Py<PyAny>,
        name: Box<str>,
    },
    List(Box<Node>),
    Dict(Box<Node>),
    Nullable(Box<Node>),
    Record(Record),
}

struct Record {
    /// `None` for the keyword arguments themselves.
    class: Option<Py<PyAny>>,
    name: Box<str>,
    fields: Vec<Field>,
}

struct Field {
    name: Box<str>,
    argument: Py<PyString>,
    node: Node,
    has_default: bool,
}

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

fn compile(plan: &Bound<'_, PyTuple>) -> PyResult<Node> {
    let nested = |at: usize| -> PyResult<Box<Node>> {
        Ok(Box::new(compile(plan.get_item(at)?.cast::<PyTuple>()?)?))
    };
    let kind: String = plan.get_item(0)?.extract()?;
    Ok(match kind.as_str() {
        "bool" => Node::Boolean,
        "int" => Node::Integer,
        "float" => Node::Number,
        "str" => Node::Text,
        "bytes" => Node::Bytes,
        "made" => Node::Made {
            make: plan.get_item(1)?.unbind(),
            name: plan.get_item(2)?.extract::<String>()?.into(),
        },
        "list" => Node::List(nested(1)?),
        "dict" => Node::Dict(nested(1)?),
        "nullable" => Node::Nullable(nested(1)?),
        "record" => {
            let class = plan.get_item(1)?;
            let mut fields = Vec::new();
            for field in plan.get_item(3)?.cast::<PyTuple>()?.iter() {
                let field = field.cast_into::<PyTuple>()?;
                let argument: String = field.get_item(1)?.extract()?;
                fields.push(Field {
                    name: field.get_item(0)?.extract::<String>()?.into(),
                    argument: PyString::intern(plan.py(), &argument).unbind(),
                    node: compile(field.get_item(2)?.cast::<PyTuple>()?)?,
                    has_default: field.get_item(3)?.extract()?,
                });
            }
            Node::Record(Record {
                class: (!class.is_none()).then(|| class.unbind()),
                name: plan.get_item(2)?.extract::<String>()?.into(),
                fields,
            })
        }
        other => return Err(PyValueError::new_err(format!("no such plan: {other}"))),
    })
}

struct Walk<'a, 'py> {
    py: Python<'py>,
    reader: &'a PyReader,
    path: RefCell<String>,
    /// What went wrong: errors of the parser cannot carry it.
    error: Cell<Option<PyErr>>,
}

impl<'py> Walk<'_, 'py> {
    fn fail<E: serde::de::Error>(&self, error: PyErr) -> E {
        self.error.set(Some(error));
        E::custom("see the walk")
    }

    fn unusable<E: serde::de::Error>(&self, said: &str, cause: Option<PyErr>) -> E {
        let message = format!("{}{said}", self.path.borrow());
        self.fail(self.reader.refuse(self.py, message, cause))
    }

    fn unfit<E: serde::de::Error>(&self, found: &str, node: &Node) -> E {
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
    fn below<T>(&self, step: fmt::Arguments<'_>, run: impl FnOnce() -> T) -> T {
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

    fn record<E: serde::de::Error>(
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

/// A value that is being read.
#[derive(Clone, Copy)]
struct Place<'a, 'py> {
    node: &'a Node,
    walk: &'a Walk<'a, 'py>,
}

impl<'py> Place<'_, 'py> {
    /// What is wanted if it is not null.
    fn wanted(&self) -> &Node {
        let mut node = self.node;
        while let Node::Nullable(of) = node {
            node = of;
        }
        node
    }

    fn unfit<E: serde::de::Error>(&self, found: &str) -> E {
        self.walk.unfit(found, self.node)
    }

    fn made<E: serde::de::Error, T>(&self, made: Result<T, impl Into<PyErr>>) -> Result<T, E> {
        made.map_err(|error| self.walk.fail(error.into()))
    }
}

impl<'de, 'py> DeserializeSeed<'de> for Place<'_, 'py> {
    type Value = Bound<'py, PyAny>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, 'py> Visitor<'de> for Place<'_, 'py> {
    type Value = Bound<'py, PyAny>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        match self.node {
            Node::Nullable(_) => Ok(self.walk.py.None().into_bound(self.walk.py)),
            _ => Err(self.unfit("NoneType")),
        }
    }

    fn visit_bool<E: serde::de::Error>(self, flag: bool) -> Result<Self::Value, E> {
        match self.wanted() {
            Node::Boolean => {
                let made = flag.into_pyobject(self.walk.py);
                Ok(self.made(made)?.to_owned().into_any())
            }
            _ => Err(self.unfit("bool")),
        }
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Self::Value, E> {
        match self.wanted() {
            Node::Integer => Ok(self.made(number.into_pyobject(self.walk.py))?.into_any()),
            #[allow(clippy::cast_precision_loss)] // As Python's float(int).
            Node::Number => Ok(PyFloat::new(self.walk.py, number as f64).into_any()),
            _ => Err(self.unfit("int")),
        }
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            // More than a long of Avro.
            Err(_) => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Self::Value, E> {
        match self.wanted() {
            Node::Number => Ok(PyFloat::new(self.walk.py, number).into_any()),
            _ => Err(self.unfit("float")),
        }
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let py = self.walk.py;
        match self.wanted() {
            Node::Text => Ok(PyString::new(py, text).into_any()),
            Node::Made { make, name } => match make.bind(py).call1((text,)) {
                Ok(made) => Ok(made),
                Err(error) if error.is_instance_of::<PyException>(py) => {
                    // Its text would quote the value.
                    let said = format!(": is no {name}");
                    Err(self.walk.unusable(&said, Some(error)))
                }
                Err(error) => Err(self.walk.fail(error)),
            },
            Node::Bytes => {
                // Avro's JSON form of bytes: one character a byte.
                let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
                match bytes {
                    Ok(bytes) => Ok(PyBytes::new(py, &bytes).into_any()),
                    Err(_) => Err(self.unfit("str")),
                }
            }
            _ => Err(self.unfit("str")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let Node::List(of) = self.wanted() else {
            return Err(self.unfit("list"));
        };
        let list = PyList::empty(self.walk.py);
        let mut n = 0_usize;
        loop {
            let place = Place { node: of, ..self };
            let item = self
                .walk
                .below(format_args!("[{n}]"), || items.next_element_seed(place))?;
            let Some(item) = item else {
                return Ok(list.into_any());
            };
            self.made(list.append(item))?;
            n += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let dict = PyDict::new(self.walk.py);
        match self.wanted() {
            Node::Dict(of) => {
                let place = Place { node: of, ..self };
                while let Some(name) = members.next_key::<String>()? {
                    let value = self
                        .walk
                        .below(format_args!("[…]"), || members.next_value_seed(place))?;
                    self.made(dict.set_item(name, value))?;
                }
                Ok(dict.into_any())
            }
            Node::Record(record) => {
                let (mut found, mut next) = (0_u64, 0);
                while let Some(at) = members.next_key_seed(Name {
                    fields: &record.fields,
                    next,
                })? {
                    let Some(n) = at else {
                        members.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    let field = &record.fields[n];
                    let place = Place {
                        node: &field.node,
                        ..self
                    };
                    let dot = if self.walk.path.borrow().is_empty() {
                        ""
                    } else {
                        "."
                    };
                    let value = self.walk.below(format_args!("{dot}{}", field.name), || {
                        members.next_value_seed(place)
                    })?;
                    let argument = field.argument.bind(self.walk.py);
                    self.made(dict.set_item(argument, value))?;
                    if n < 64 {
                        found |= 1 << n;
                    }
                    next = n + 1;
                }
                self.walk.record(record, dict, found)
            }
            _ => Err(self.unfit("dict")),
        }
    }
}

/// The name of a member: which field it is. Writers usually have them in the order of the fields.
struct Name<'a> {
    fields: &'a [Field],
    next: usize,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        match self.fields.get(self.next) {
            Some(field) if &*field.name == name => Ok(Some(self.next)),
            _ => Ok(self.fields.iter().position(|field| &*field.name == name)),
        }
    }
}
