//! What is wanted of a payload: compiled once for each signal.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

/// What is wanted at a place.
pub(super) enum Node {
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

pub(super) struct Record {
    /// `None` for the keyword arguments themselves.
    pub(super) class: Option<Py<PyAny>>,
    pub(super) name: Box<str>,
    pub(super) fields: Vec<Field>,
}

pub(super) struct Field {
    pub(super) name: Box<str>,
    pub(super) argument: Py<PyString>,
    pub(super) node: Node,
    pub(super) has_default: bool,
}

pub(super) fn compile(plan: &Bound<'_, PyTuple>) -> PyResult<Node> {
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
