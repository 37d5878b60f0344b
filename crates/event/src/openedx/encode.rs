//! From an event to an entry.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::decode::unknown_schema;
use super::error::{Error, ErrorKind, Result};
use super::isoformat::isoformat;
use super::{
    DATASCHEMA, EVENT_DATA, EXTENSION_PREFIX, ID, KEY, MINORVERSION, SOURCE, SOURCEHOST, SOURCELIB,
    TIME, TYPE, with_slash, without_slash,
};
use crate::avro::{Schema, encode_from_json, fingerprint_of_urn, printable};
use crate::{Data, Definitions, Event, Value};

/// An entry to write.
#[derive(Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Names and values of the fields, in the order of the package's, then the extra ones.
    pub fields: Vec<(Cow<'static, str>, Vec<u8>)>,
    /// The schema that the payload was written with. It belongs into the schema store before
    /// the first entry that names it.
    pub schema: Arc<Schema>,
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.fields.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("Encoded")
            .field("fields", &names)
            .field("schema", &self.schema)
            .finish()
    }
}

/// Writes an event as an entry that the package's readers take.
///
/// The schema is that of the type and its minor version; the newest if the event has none. Only
/// without a definition the schema counts that an event from this wire was written with before:
/// the package's readers ignore fingerprints and read with the schema of their own version, which
/// is what the definitions are to describe.
///
/// # Errors
/// [`UnknownSchema`](ErrorKind::UnknownSchema) if no definition has one;
/// [`Payload`](ErrorKind::Payload) if the payload does not fit it, with the path;
/// [`Unwritable`](ErrorKind::Unwritable) for a payload that is not JSON and for attributes that
/// the package's readers would stumble over.
pub fn encode(event: &Event, definitions: &dyn Definitions) -> Result<Encoded> {
    let event_type = event.event_type();
    let minor = minorversion(event)?;
    let definition = definitions.definition(event_type, minor);
    let own = event.dataschema().and_then(fingerprint_of_urn);
    let schema = definition
        .as_ref()
        .and_then(|definition| definition.schema.clone())
        .or_else(|| definitions.schema(own?))
        .ok_or_else(|| unknown_schema(&printable(event_type), minor))?;
    let minor = minor
        .or_else(|| definition.map(|d| d.minorversion))
        .unwrap_or(0);

    let Some(json) = event.data().and_then(Data::as_json) else {
        return Err(unwritable(
            "data",
            "must be JSON, since the wire writes it as Avro",
        ));
    };
    let payload = encode_from_json(&schema, json.as_bytes()).map_err(|e| {
        Error::payload(
            format!(
                "the payload of type `{}` does not fit its Avro schema",
                printable(event_type)
            ),
            e,
        )
    })?;
    if Uuid::try_parse(event.id()).is_err() {
        return Err(unwritable("id", "must be a UUID"));
    }

    let mut entry = Writer::default();
    entry.field(TYPE, event_type);
    entry.field(ID, event.id());
    entry.attribute(
        SOURCE,
        event.source(),
        Some(without_slash(event.source())),
        with_slash,
    );
    if let Some(time) = event.time() {
        let Some(text) = isoformat(time) else {
            return Err(unwritable("time", "must lie in the years 1 to 9999"));
        };
        entry.attribute(TIME, time.as_str(), Some(&text), str::to_owned);
    }
    entry.field(MINORVERSION, &minor.to_string());
    if let Some(host) = event.extension(SOURCEHOST) {
        let host = host.text();
        entry.attribute(SOURCEHOST, &host, Some(&host), str::to_owned);
    }
    if let Some(library) = event.extension(SOURCELIB) {
        let library = library.text();
        let shown = is_version(&library).then_some(&*library);
        entry.attribute(SOURCELIB, &library, shown, str::to_owned);
    }
    entry.fields.push((EVENT_DATA.into(), payload));

    if let Some(key) = event.extension("partitionkey") {
        entry.field(KEY, &key.text());
    }
    entry.field(DATASCHEMA, &schema.urn());
    if own.is_none()
        && let Some(dataschema) = event.dataschema()
    {
        entry
            .extra
            .push((DATASCHEMA.to_owned(), dataschema.to_owned()));
    }
    if let Some(media_type) = event.datacontenttype().filter(|m| *m != "application/json") {
        entry
            .extra
            .push(("datacontenttype".to_owned(), media_type.to_owned()));
    }
    if let Some(subject) = event.subject() {
        entry.extra.push(("subject".to_owned(), subject.to_owned()));
    }
    for (name, value) in event.extensions() {
        if ![MINORVERSION, SOURCEHOST, SOURCELIB, "partitionkey"].contains(&name) {
            entry
                .extra
                .push((name.to_owned(), value.text().into_owned()));
        }
    }
    Ok(Encoded {
        fields: entry.finish(),
        schema,
    })
}

#[derive(Default)]
struct Writer {
    fields: Vec<(Cow<'static, str>, Vec<u8>)>,
    /// What goes into `ce_{name}`.
    extra: Vec<(String, String)>,
}

impl Writer {
    fn field(&mut self, name: &'static str, text: &str) {
        self.fields.push((name.into(), text.as_bytes().to_vec()));
    }

    /// Writes an attribute in the form of the wire, if it has one, and as it is if reading that
    /// form gives something else. An empty field reads as a missing one.
    fn attribute(
        &mut self,
        name: &'static str,
        text: &str,
        wire: Option<&str>,
        read: impl Fn(&str) -> String,
    ) {
        let wire = wire.filter(|wire| !wire.is_empty());
        if wire.is_none_or(|wire| read(wire) != text) {
            self.extra.push((name.to_owned(), text.to_owned()));
        }
        if let Some(wire) = wire {
            self.field(name, wire);
        }
    }

    fn finish(mut self) -> Vec<(Cow<'static, str>, Vec<u8>)> {
        let extra = self.extra.into_iter();
        self.fields.extend(extra.map(|(name, text)| {
            (
                format!("{EXTENSION_PREFIX}{name}").into(),
                text.into_bytes(),
            )
        }));
        self.fields
    }
}

fn minorversion(event: &Event) -> Result<Option<i32>> {
    match event.extension(MINORVERSION) {
        None => Ok(None),
        Some(Value::Integer(minor)) if *minor >= 0 => Ok(Some(*minor)),
        Some(_) => Err(unwritable(MINORVERSION, "must be an Integer from 0")),
    }
}

/// Whether the package can read a text as the version of a library: whole numbers and dots.
fn is_version(text: &str) -> bool {
    text.split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

fn unwritable(attribute: &str, rule: &str) -> Error {
    Error::new(
        ErrorKind::Unwritable,
        format!("`{attribute}` {rule}, or readers of the Open edX wire drop the event"),
    )
}
