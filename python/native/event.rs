//! The event.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::Offset;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyString};
use tidings::{Data, Event, EventBuilder, Message, Value};

use crate::error::Failure;

/// Where the event is.
enum Held {
    Own(Arc<Event>),
    Received(Message),
}

/// A CloudEvents 1.0 event. Never changes.
#[pyclass(frozen, name = "Event", module = "tidings")]
pub(crate) struct PyEvent {
    held: Held,
    data: PyOnceLock<Py<PyAny>>,
    time: PyOnceLock<Py<PyAny>>,
}

impl PyEvent {
    pub(crate) fn new(event: Event) -> Self {
        Self::of(Held::Own(Arc::new(event)))
    }

    pub(crate) fn received(message: Message) -> Self {
        Self::of(Held::Received(message))
    }

    fn of(held: Held) -> Self {
        Self {
            held,
            data: PyOnceLock::new(),
            time: PyOnceLock::new(),
        }
    }

    pub(crate) fn get(&self) -> &Event {
        match &self.held {
            Held::Own(event) => event,
            Held::Received(message) => message.event(),
        }
    }
}

/// What Python may say of an event.
#[derive(FromPyObject)]
pub(crate) struct Attributes {
    #[pyo3(item("type"))]
    event_type: String,
    #[pyo3(item)]
    id: Option<String>,
    #[pyo3(item)]
    source: Option<String>,
    #[pyo3(item)]
    time: Option<String>,
    #[pyo3(item)]
    subject: Option<String>,
    #[pyo3(item)]
    key: Option<String>,
    #[pyo3(item)]
    minorversion: Option<i32>,
    #[pyo3(item)]
    dataschema: Option<String>,
    #[pyo3(item)]
    datacontenttype: Option<String>,
    /// Bytes are taken as they are, a string is JSON text.
    #[pyo3(item)]
    data: Option<Py<PyAny>>,
    #[pyo3(item)]
    extensions: Option<Vec<(String, Py<PyAny>)>>,
}

impl Attributes {
    /// Takes what a person wrote: times and payloads as Python objects.
    pub(crate) fn of(py: Python<'_>, written: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let module = py.import(intern!(py, "tidings._attributes"))?;
        let normalise = module.getattr(intern!(py, "normalise"))?;
        normalise.call((), written)?.extract()
    }

    /// Collects them; `start` may have stamped some.
    pub(crate) fn collect(
        self,
        py: Python<'_>,
        start: impl FnOnce(String) -> EventBuilder,
    ) -> PyResult<EventBuilder> {
        let mut builder = start(self.event_type);
        if let Some(id) = self.id {
            builder = builder.id(id);
        }
        if let Some(source) = self.source {
            builder = builder.source(source);
        }
        if let Some(time) = self.time {
            builder = builder.time_text(time);
        }
        if let Some(subject) = self.subject {
            builder = builder.subject(subject);
        }
        if let Some(key) = self.key {
            builder = builder.partition_key(key);
        }
        if let Some(minor) = self.minorversion {
            builder = builder.minorversion(minor);
        }
        if let Some(uri) = self.dataschema {
            builder = builder.dataschema(uri);
        }
        for (name, value) in self.extensions.unwrap_or_default() {
            builder = builder.extension(&name, extension(py, &name, value.bind(py))?);
        }
        let Some(data) = self.data else {
            if let Some(media_type) = self.datacontenttype {
                builder = builder.datacontenttype(media_type);
            }
            return Ok(builder);
        };
        let data = data.bind(py);
        if let Ok(json) = data.cast::<PyString>() {
            if let Some(media_type) = self.datacontenttype {
                builder = builder.datacontenttype(media_type);
            }
            return Ok(builder.data_json(json.to_cow()?.as_ref()));
        }
        let bytes: &[u8] = data.cast::<PyBytes>()?.as_bytes();
        let media_type = self.datacontenttype.unwrap_or_default();
        let (kind, _) = media_type.split_once(';').unwrap_or((&media_type, ""));
        let kind = kind.trim().to_ascii_lowercase();
        let text = std::str::from_utf8(bytes).ok();
        Ok(match text {
            Some(json)
                if kind.is_empty() || kind == "application/json" || kind.ends_with("+json") =>
            {
                if !media_type.is_empty() {
                    builder = builder.datacontenttype(media_type);
                }
                builder.data_json(json)
            }
            Some(text) if kind.starts_with("text/") || kind.ends_with("xml") => {
                builder.data_text(media_type, text)
            }
            _ if kind.is_empty() => {
                let rule = "datacontenttype: is missing; bytes that are not JSON need one";
                return Err(Failure::invalid(rule).raise(py));
            }
            _ => builder.data_binary(media_type, bytes.to_vec()),
        })
    }
}

fn extension(py: Python<'_>, name: &str, value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(flag.is_true().into());
    }
    if value.is_instance_of::<PyInt>()
        && let Ok(number) = value.extract::<i32>()
    {
        return Ok(number.into());
    }
    if let Ok(text) = value.extract::<String>() {
        return Ok(text.into());
    }
    let rule = format!("extension {name:?}: must be a string, a boolean or an integer of 32 bits");
    Err(Failure::invalid(rule).raise(py))
}

/// Makes the event of a builder.
pub(crate) fn build(py: Python<'_>, builder: EventBuilder) -> PyResult<PyEvent> {
    match builder.build() {
        Ok(event) => Ok(PyEvent::new(event)),
        Err(invalid) => Err(Failure::invalid(invalid.to_string()).raise(py)),
    }
}

#[pymethods]
impl PyEvent {
    #[new]
    #[pyo3(signature = (**attributes))]
    fn make(py: Python<'_>, attributes: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        build(
            py,
            Attributes::of(py, attributes)?.collect(py, Event::builder)?,
        )
    }

    /// Reads a CloudEvents JSON document.
    #[staticmethod]
    fn from_json(py: Python<'_>, document: &Bound<'_, PyAny>) -> PyResult<Self> {
        let read = match document.cast::<PyString>() {
            Ok(text) => Event::from_json(text.to_cow()?.as_bytes()),
            Err(_) => Event::from_json(document.cast::<PyBytes>()?.as_bytes()),
        };
        match read {
            Ok(event) => Ok(Self::new(event)),
            Err(error) => Err(Failure::invalid(error.to_string()).raise(py)),
        }
    }

    /// The CloudEvents JSON document.
    fn to_json<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.get().to_json())
    }

    #[getter]
    fn id(&self) -> &str {
        self.get().id()
    }

    #[getter]
    fn r#type(&self) -> &str {
        self.get().event_type()
    }

    #[getter]
    fn source(&self) -> &str {
        self.get().source()
    }

    #[getter]
    fn specversion(&self) -> &'static str {
        self.get().specversion()
    }

    #[getter]
    fn subject(&self) -> Option<&str> {
        self.get().subject()
    }

    #[getter]
    fn datacontenttype(&self) -> Option<&str> {
        self.get().datacontenttype()
    }

    #[getter]
    fn dataschema(&self) -> Option<&str> {
        self.get().dataschema()
    }

    #[getter]
    fn minorversion(&self) -> Option<i32> {
        self.get().minorversion()
    }

    #[getter]
    fn sourcehost(&self) -> Option<&str> {
        self.get().sourcehost()
    }

    #[getter]
    fn key(&self) -> Option<&str> {
        self.get().partition_key()
    }

    #[getter]
    fn time_text(&self) -> Option<&str> {
        self.get().time().map(|time| time.as_str())
    }

    /// In UTC, cut to microseconds.
    #[getter]
    fn time(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let Some(time) = self.get().time() else {
            return Ok(None);
        };
        let parsed = self
            .time
            .get_or_try_init(py, || datetime(py, time.timestamp()));
        parsed.map(|time| Some(time.clone_ref(py)))
    }

    /// The extensions, in their order: strings, booleans, integers.
    #[getter]
    fn extensions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let extensions = PyDict::new(py);
        for (name, value) in self.get().extensions() {
            match value {
                Value::Boolean(flag) => extensions.set_item(name, flag)?,
                Value::Integer(number) => extensions.set_item(name, number)?,
                other => extensions.set_item(name, &*other.text())?,
            }
        }
        Ok(extensions)
    }

    #[getter]
    fn data_bytes<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let data = self.get().data()?;
        Some(PyBytes::new(py, data.as_bytes()))
    }

    /// JSON as Python objects, parsed at the first use; text as a string; else bytes.
    #[getter]
    fn data(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let parsed = self.data.get_or_try_init(py, || match self.get().data() {
            None => Ok(py.None()),
            Some(Data::Text(text)) => Ok(PyString::new(py, text).into_any().unbind()),
            Some(Data::Binary(bytes)) => Ok(PyBytes::new(py, bytes).into_any().unbind()),
            Some(Data::Json(json)) => {
                let module = py.import(intern!(py, "json"))?;
                let loads = module.getattr(intern!(py, "loads"))?;
                loads.call1((json.as_str(),)).map(Bound::unbind)
            }
        });
        parsed.map(|data| data.clone_ref(py))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        let other = other.cast::<Self>();
        other.is_ok_and(|other| other.get().get() == self.get())
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        (self.get().source(), self.get().id()).hash(&mut hasher);
        hasher.finish()
    }

    /// Shows no payload.
    fn __repr__(&self) -> String {
        let event = self.get();
        format!(
            "<Event type={:?} id={:?} source={:?}>",
            event.event_type(),
            event.id(),
            event.source()
        )
    }

    fn __reduce__<'py>(
        slf: PyRef<'py, Self>,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let document = PyBytes::new(py, &slf.get().to_json());
        let read = py.get_type::<Self>().getattr("from_json")?;
        Ok((read, (document,)))
    }
}

/// A `datetime` in UTC, cut to microseconds.
pub(crate) fn datetime(py: Python<'_>, time: Timestamp) -> PyResult<Py<PyAny>> {
    let civil = Offset::UTC.to_datetime(time);
    let micros = civil.subsec_nanosecond() / 1_000;
    let text = format!("{}.{micros:06}+00:00", civil.strftime("%Y-%m-%dT%H:%M:%S"));
    let module = py.import(intern!(py, "datetime"))?;
    let class = module.getattr(intern!(py, "datetime"))?;
    let parsed = class.call_method1(intern!(py, "fromisoformat"), (text,))?;
    Ok(parsed.unbind())
}
