//! From a value of JSON to the object that is wanted at its place.

use std::fmt;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyList, PyString};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess};
use serde::de::{Unexpected, Visitor};

use super::plan::{Field, Node};
use super::walk::Walk;

/// A value that is being read.
#[derive(Clone, Copy)]
pub(super) struct Place<'a, 'py> {
    pub(super) node: &'a Node,
    pub(super) walk: &'a Walk<'a, 'py>,
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
