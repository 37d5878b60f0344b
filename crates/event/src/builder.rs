//! Making an event.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use serde::Serialize;

use crate::attribute::Name;
use crate::parts::Parts;
use crate::{Data, Definitions, Event, Invalid, Json, Time, Value, id};

/// Collects the parts of an event; [`build`](EventBuilder::build) checks them.
#[derive(Clone)]
#[must_use = "an event is made by `build`"]
pub struct EventBuilder {
    parts: Parts,
    // The first mistake of a setter; `build` reports it, so that calls can be chained.
    mistake: Option<Invalid>,
    // Where the minor version will stand among the extensions. It is 0 if nobody has said it when
    // the event is made: until then a definition may.
    minorversion_at: Option<usize>,
}

impl EventBuilder {
    pub(crate) fn new(event_type: String) -> Self {
        let parts = Parts {
            event_type: event_type.into(),
            ..Parts::default()
        };
        Self {
            parts,
            mistake: None,
            minorversion_at: None,
        }
    }

    /// Sees to it that the event will have a minor version.
    pub(crate) fn with_some_minorversion(mut self) -> Self {
        self.minorversion_at = Some(self.parts.extensions.len());
        self
    }

    /// Sets the minor version, unless there is one.
    fn fill_minorversion(&mut self, minor: i32) {
        if self.parts.extension("minorversion").is_none() {
            let at = self.minorversion_at.unwrap_or(usize::MAX);
            let (name, value) = (Name::MINORVERSION, Value::Integer(minor));
            self.parts.insert_extension(at, name, value);
        }
    }

    /// Adds what the definition of its type says, where it is missing: the `minorversion`, which
    /// is the newest, and the `dataschema` of a JSON payload. Changes nothing if there is no
    /// definition.
    pub fn defined_by(mut self, definitions: &dyn Definitions) -> Self {
        let Some(definition) = definitions.definition(&self.parts.event_type, None) else {
            return self;
        };
        self.fill_minorversion(definition.minorversion);
        let stated = self.parts.extension("minorversion");
        let newest = Value::Integer(definition.minorversion);
        let is_json = matches!(self.parts.data, Some(Data::Json(_)));
        if stated == Some(&newest) && is_json && self.parts.dataschema.is_none() {
            self.parts.dataschema = definition.dataschema.as_deref().map(Into::into);
        }
        self
    }

    /// The parts of an event, to make another.
    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Where the event comes from, as a URI-reference. Required.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.parts.source = source.into().into();
        self
    }

    /// Identifies the event; a new UUID of version 1 if it is not set.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.parts.id = id.into().into();
        self
    }

    /// When it happened: a [`jiff::Timestamp`] or a [`Time`].
    ///
    /// If the event tells of a database row, this is the row's own `created_at` or `updated_at`.
    pub fn time(mut self, time: impl Into<Time>) -> Self {
        self.parts.time = Some(time.into());
        self
    }

    /// When it happened, as RFC 3339 text, kept as it is.
    pub fn time_text(mut self, text: impl Into<String>) -> Self {
        match Time::try_from(text.into()) {
            Ok(time) => self.parts.time = Some(time),
            Err(_) => self.note(invalid_time()),
        }
        self
    }

    /// What the event is about, within its source.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.parts.subject = Some(subject.into().into());
        self
    }

    /// The schema of the payload, as a URI.
    pub fn dataschema(mut self, uri: impl Into<String>) -> Self {
        self.parts.dataschema = Some(uri.into().into());
        self
    }

    /// The media type of the payload. JSON payloads get `application/json` by themselves.
    pub fn datacontenttype(mut self, media_type: impl Into<String>) -> Self {
        self.parts.datacontenttype = Some(media_type.into().into());
        self
    }

    /// The payload as JSON text, kept byte for byte.
    pub fn data_json(mut self, json: impl Into<String>) -> Self {
        match Json::new(json) {
            Ok(json) => self.parts.data = Some(Data::Json(json)),
            Err(_) => self.note(Invalid::new(
                "data",
                "must be one JSON value",
                "check the text",
            )),
        }
        self
    }

    /// The payload as a value that serialises to JSON.
    pub fn data_value<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::value::to_raw_value(value) {
            Ok(raw) => self.parts.data = Some(Data::Json(Json::from_checked(raw.get()))),
            Err(_) => self.note(Invalid::new(
                "data",
                "must be serialisable as JSON",
                "use strings, numbers or booleans as keys of maps",
            )),
        }
        self
    }

    /// The payload as text of a format other than JSON, such as `text/xml`.
    pub fn data_text(self, media_type: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        self.datacontenttype(media_type)
            .data(Data::Text(text.into()))
    }

    /// The payload as bytes of a format.
    pub fn data_binary(self, media_type: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        self.datacontenttype(media_type)
            .data(Data::Binary(bytes.into()))
    }

    /// The payload of another event, say.
    pub fn data(mut self, data: Data) -> Self {
        self.parts.data = Some(data);
        self
    }

    /// An extension attribute; the last one of a name counts.
    pub fn extension(mut self, name: &str, value: impl Into<Value>) -> Self {
        match Name::new(name) {
            Ok(name) => self.parts.set_extension(name, value.into()),
            Err(invalid) => self.note(invalid),
        }
        self
    }

    /// The entity that the event is about; events of one key stay in order. This is the
    /// CloudEvents extension `partitionkey`.
    pub fn partition_key(self, key: impl Into<String>) -> Self {
        self.extension("partitionkey", key.into())
    }

    /// The minor version of the type (OEP-41), from 0.
    pub fn minorversion(self, minor: i32) -> Self {
        self.extension("minorversion", minor)
    }

    /// Makes the event.
    ///
    /// # Errors
    /// [`Invalid`] if a setter was given something wrong, a required attribute is missing, or
    /// the event would break a rule of CloudEvents.
    pub fn build(mut self) -> Result<Event, Invalid> {
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        if self.minorversion_at.is_some() {
            self.fill_minorversion(0);
        }
        let parts = &mut self.parts;
        if parts.id.is_empty() {
            parts.id = id::new_id().into();
        }
        if parts.datacontenttype.is_none() && matches!(parts.data, Some(Data::Json(_))) {
            parts.datacontenttype = Some(ByteString::from_static("application/json"));
        }
        Event::from_parts(self.parts)
    }

    fn note(&mut self, mistake: Invalid) {
        self.mistake.get_or_insert(mistake);
    }
}

impl From<Event> for EventBuilder {
    /// Starts from an event, to make another that differs.
    fn from(event: Event) -> Self {
        Self {
            parts: event.into_parts(),
            mistake: None,
            minorversion_at: None,
        }
    }
}

impl fmt::Debug for EventBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBuilder")
            .field("type", &self.parts.event_type)
            .field("id", &self.parts.id)
            .field("source", &self.parts.source)
            .field("data", &self.parts.data)
            .finish_non_exhaustive()
    }
}

pub(crate) fn invalid_time() -> Invalid {
    Invalid::new(
        "time",
        "must be an RFC 3339 time with date, time and offset",
        "write it like 2026-11-23T20:57:12Z",
    )
}
