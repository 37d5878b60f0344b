//! An entry of the Open edX wire, made of Python objects.

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tidings::event::openedx;
use tidings::transport::Field;
use tidings::{Event, ForeignEntry, Key};

use crate::avro::PyEncoder;
use crate::error::Failure;

/// What an outbox keeps of an event: the topic without a prefix, the key, the document.
type Kept<'py> = (String, Option<String>, Bound<'py, PyBytes>);

/// An event of the Open edX wire, encoded: ready for the log, or for an outbox.
#[pyclass(frozen, name = "Entry", module = "tidings._tidings")]
pub(crate) struct PyEntry {
    pub(crate) topic: String,
    pub(crate) entry: ForeignEntry,
}

#[pymethods]
impl PyEntry {
    /// Encodes the data of an event. `headers` are the fields before the payload, in their order.
    /// `key_avro` is the key as a wire of Kafka has it: the encoder of its schema, and its Avro.
    #[new]
    #[pyo3(signature = (encoder, topic, id, headers, data, key, key_avro=None))]
    fn new(
        encoder: &PyEncoder,
        topic: String,
        id: String,
        headers: Vec<(String, String)>,
        data: &Bound<'_, PyAny>,
        key: Option<String>,
        key_avro: Option<(Py<PyEncoder>, Vec<u8>)>,
    ) -> PyResult<Self> {
        let payload = encoder.bytes(data)?;
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
        let mut entry = ForeignEntry::new(id, fields)
            .key(key.map(Key::new))
            .schema(encoder.schema.clone());
        if let Some((encoder, avro)) = key_avro {
            entry = entry.key_avro(encoder.get().schema.clone(), avro);
        }
        Ok(Self { topic, entry })
    }

    /// The id of the event.
    #[getter]
    fn id(&self) -> &str {
        &self.entry.id
    }

    /// The type of the event.
    #[getter]
    fn r#type(&self) -> &str {
        let named = |f: &&Field| &*f.name == "type";
        let field = self.entry.fields.iter().find(named);
        let text = field.and_then(|field| std::str::from_utf8(&field.value).ok());
        text.unwrap_or_default()
    }

    /// What an outbox keeps of it.
    fn kept<'py>(&self, py: Python<'py>) -> PyResult<Kept<'py>> {
        let document = self
            .document()
            .map_err(|e| e.of(Some(&self.entry.id)).raise(py))?;
        let key = self.entry.key.as_ref().map(|key| key.as_str().to_owned());
        Ok((self.topic.clone(), key, PyBytes::new(py, &document)))
    }
}

impl PyEntry {
    /// The event as a CloudEvents document.
    fn document(&self) -> Result<Vec<u8>, Failure> {
        Ok(self.event()?.to_json())
    }

    /// The event.
    pub(crate) fn event(&self) -> Result<Event, Failure> {
        let unfit = |e: openedx::Error| Failure::new("encoding", e.to_string());
        let schema = self.entry.schema.as_ref().expect("every entry has one");
        let fields = self.entry.fields.iter();
        let parsed = openedx::Entry::parse(fields.map(|f| (&*f.name, &*f.value))).map_err(unfit)?;
        parsed.decode(schema).map_err(unfit)
    }
}
