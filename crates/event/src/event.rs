//! The event.

use std::fmt;

use bytes::Bytes;

use crate::attribute::Name;
use crate::json;
use crate::parts::Parts;
use crate::{Data, DecodeError, EventBuilder, Invalid, Limits, Time, Value};

/// A CloudEvents 1.0 event.
///
/// An `Event` is always valid by the CloudEvents specification; whether it also follows OEP-41
/// is what [`profile::check`](crate::profile::check) says. Extensions keep their order, the
/// payload its bytes. `Debug` shows neither payload nor values of extensions.
///
/// # Example
/// ```
/// use tidings_event::Event;
///
/// let event = Event::builder("org.openedx.catalog.course.created.v1")
///     .source("/openedx/discovery/web")
///     .minorversion(2)
///     .data_json(r#"{"course": {"course_key": "edX+DemoX"}}"#)
///     .build()?;
/// let document = event.to_json();
/// assert_eq!(Event::from_json(&document)?, event);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    parts: Parts,
}

impl Event {
    /// Starts an event of a type.
    ///
    /// Services use an [`Emitter`](crate::Emitter), which also stamps source, host and time.
    pub fn builder(event_type: impl Into<String>) -> EventBuilder {
        EventBuilder::new(event_type.into())
    }

    /// Reads a JSON structured document, with the default [`Limits`].
    ///
    /// # Errors
    /// [`DecodeError`] if it is not one CloudEvents 1.0 event.
    pub fn from_json(document: &[u8]) -> Result<Self, DecodeError> {
        json::decode(document, &Limits::default())
    }

    /// Reads a JSON structured document that is shared, with the default [`Limits`]: attributes and payload
    /// are slices of it, so nothing is copied, and the document stays in memory as long as the event.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    ///
    /// # Example
    /// ```
    /// use bytes::Bytes;
    /// use tidings_event::Event;
    ///
    /// let document = Bytes::from_static(
    ///     br#"{"specversion":"1.0","id":"1","source":"/a","type":"org.example.course.created.v1"}"#,
    /// );
    /// let event = Event::from_shared_json(document)?;
    /// assert_eq!(event.id(), "1");
    /// # Ok::<(), tidings_event::DecodeError>(())
    /// ```
    pub fn from_shared_json(document: Bytes) -> Result<Self, DecodeError> {
        json::decode_shared(document, &Limits::default())
    }

    /// Writes the JSON structured document: one object on one line, unless the payload holds
    /// line breaks between its tokens (see [`json::single_line`]).
    pub fn to_json(&self) -> Vec<u8> {
        json::encode(self)
    }

    /// The one gate to an `Event`: everything that makes one comes through here.
    pub(crate) fn from_parts(parts: Parts) -> Result<Self, Invalid> {
        parts.check()?;
        Ok(Self { parts })
    }

    pub(crate) fn into_parts(self) -> Parts {
        self.parts
    }

    /// Identifies the event within its source.
    pub fn id(&self) -> &str {
        &self.parts.id
    }

    /// Where the event comes from, as a URI-reference.
    pub fn source(&self) -> &str {
        &self.parts.source
    }

    /// What kind of thing happened: the attribute `type`.
    pub fn event_type(&self) -> &str {
        &self.parts.event_type
    }

    /// The version of CloudEvents: always `1.0`.
    pub fn specversion(&self) -> &'static str {
        SPECVERSION
    }

    /// What the event is about, within its source.
    pub fn subject(&self) -> Option<&str> {
        self.parts.subject.as_deref()
    }

    /// When it happened.
    pub fn time(&self) -> Option<&Time> {
        self.parts.time.as_ref()
    }

    /// The media type of the payload; absent means JSON, unless the payload is binary.
    pub fn datacontenttype(&self) -> Option<&str> {
        self.parts.datacontenttype.as_deref()
    }

    /// The schema of the payload, as a URI.
    pub fn dataschema(&self) -> Option<&str> {
        self.parts.dataschema.as_deref()
    }

    /// The minor version of the type (OEP-41), if there is an Integer of that name.
    pub fn minorversion(&self) -> Option<i32> {
        self.extension("minorversion").and_then(Value::as_integer)
    }

    /// The host that emitted the event (OEP-41).
    pub fn sourcehost(&self) -> Option<&str> {
        self.extension("sourcehost").and_then(Value::as_str)
    }

    /// The key that the event states itself: the CloudEvents extension `partitionkey`.
    pub fn partition_key(&self) -> Option<&str> {
        self.extension("partitionkey").and_then(Value::as_str)
    }

    /// The value of an extension attribute.
    pub fn extension(&self, name: &str) -> Option<&Value> {
        self.parts.extension(name)
    }

    /// The extension attributes, in their order.
    pub fn extensions(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.parts
            .extensions
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// The payload.
    pub fn data(&self) -> Option<&Data> {
        self.parts.data.as_ref()
    }

    /// Sets an extension attribute; one that exists keeps its place.
    ///
    /// # Errors
    /// [`Invalid`] if name or value break the rules of CloudEvents; nothing is changed.
    pub fn set_extension(&mut self, name: &str, value: impl Into<Value>) -> Result<(), Invalid> {
        let (name, value) = (Name::new(name)?, value.into());
        value.check(name.as_str())?;
        self.parts.set_extension(name, value);
        Ok(())
    }

    /// Removes an extension attribute and gives its value.
    pub fn remove_extension(&mut self, name: &str) -> Option<Value> {
        let extensions = &mut self.parts.extensions;
        let at = extensions.iter().position(|(n, _)| n.as_str() == name)?;
        Some(extensions.remove(at).1)
    }
}

/// The version of the specification that this crate speaks.
pub(crate) const SPECVERSION: &str = "1.0";

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extensions: Vec<&str> = self.extensions().map(|(name, _)| name).collect();
        f.debug_struct("Event")
            .field("id", &self.id())
            .field("type", &self.event_type())
            .field("source", &self.source())
            .field("time", &self.time().map(Time::as_str))
            .field("datacontenttype", &self.datacontenttype())
            .field("dataschema", &self.dataschema())
            .field("extensions", &extensions)
            .field("data", &self.data())
            .finish_non_exhaustive()
    }
}
