//! From an entry to an event.

use std::sync::Arc;

use super::entry::malformed;
use super::error::{Error, ErrorKind, Result};
use super::{
    Entry, ID, KEY, MINORVERSION, SOURCE, SOURCEHOST, SOURCELIB, TIME, UNKNOWN_SOURCE,
    UnknownSchema, with_slash,
};
use crate::avro::{Schema, decode_to_json};
use crate::{Definitions, Event, Time};

/// Reads an entry: [`Entry::parse`], [`Entry::schema`] and [`Entry::decode`] in one.
///
/// # Errors
/// Those of the three. After [`UnknownFingerprint`](ErrorKind::UnknownFingerprint) a schema
/// store may still have the schema; then take the three steps.
pub fn decode<'a>(
    fields: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    definitions: &dyn Definitions,
    unknown: UnknownSchema,
) -> Result<Event> {
    let entry = Entry::parse(fields)?;
    let schema = entry.schema(definitions, unknown)?;
    entry.decode(&schema)
}

impl Entry<'_> {
    /// Looks up the schema to read the payload with: by the entry's fingerprint, or else as the
    /// reader's setting says.
    ///
    /// # Errors
    /// [`UnknownFingerprint`](ErrorKind::UnknownFingerprint),
    /// [`UnknownSchema`](ErrorKind::UnknownSchema), [`Unnamed`](ErrorKind::Unnamed).
    pub fn schema(
        &self,
        definitions: &dyn Definitions,
        unknown: UnknownSchema,
    ) -> Result<Arc<Schema>> {
        if let Some(fingerprint) = self.fingerprint() {
            return definitions.schema(fingerprint).ok_or_else(|| {
                Error::new(
                    ErrorKind::UnknownFingerprint,
                    format!(
                        "an entry of type `{}` was written with the schema {fingerprint}, which \
                         no catalog has",
                        self.shown_type()
                    ),
                )
            });
        }
        let minor = match unknown {
            UnknownSchema::Refuse => {
                return Err(Error::new(
                    ErrorKind::Unnamed,
                    format!(
                        "an entry of type `{}` does not say which schema it was written with, \
                         and `unknown_schema` is `refuse`",
                        self.shown_type()
                    ),
                ));
            }
            UnknownSchema::Declared => self.minorversion(),
            // A larger number than any definition can have finds none.
            UnknownSchema::Minor(minor) => i32::try_from(minor).unwrap_or(i32::MAX),
        };
        definitions
            .definition(self.event_type, Some(minor))
            .and_then(|definition| definition.schema.clone())
            .ok_or_else(|| unknown_schema(&self.shown_type(), Some(minor)))
    }

    /// Makes the event, its payload as JSON, by the schema it was written with.
    ///
    /// # Errors
    /// [`Payload`](ErrorKind::Payload) if the payload was written with another schema, as far
    /// as that can be seen; [`Malformed`](ErrorKind::Malformed) if a field cannot be an
    /// attribute of an event.
    pub fn decode(&self, schema: &Schema) -> Result<Event> {
        let json = decode_to_json(schema, self.data).map_err(|e| {
            Error::payload(
                format!(
                    "the payload of an entry of type `{}` cannot be read with the schema {}",
                    self.shown_type(),
                    schema.fingerprint()
                ),
                e,
            )
        })?;
        let json = String::from_utf8(json)
            .map_err(|_| malformed(super::EVENT_DATA, "does not decode to UTF-8"))?;

        let mut id = self.id.map(str::to_owned);
        let mut source = self.source.map(with_slash);
        let mut time = self.time;
        let mut sourcehost = self.sourcehost;
        let mut sourcelib = self.sourcelib;
        let mut dataschema = self.dataschema;
        let mut media_type = None;
        let mut subject = None;
        let mut others = Vec::new();
        for (name, text) in &self.extensions {
            match *name {
                ID => id = Some((*text).to_owned()),
                SOURCE => source = Some((*text).to_owned()),
                TIME => time = Some(text),
                SOURCEHOST => sourcehost = Some(text),
                SOURCELIB => sourcelib = Some(text),
                "dataschema" => dataschema = Some(text),
                "datacontenttype" => media_type = Some(*text),
                "subject" => subject = Some(*text),
                // These have fields of their own, or are no names of extensions.
                MINORVERSION | "type" | "specversion" | "data" => {}
                name if is_extension_name(name) => others.push((name, *text)),
                _ => {}
            }
        }

        let mut builder = Event::builder(self.event_type)
            .source(source.unwrap_or_else(|| UNKNOWN_SOURCE.to_owned()))
            .minorversion(self.minorversion)
            .data_json(json)
            .datacontenttype(media_type.unwrap_or("application/json"));
        if let Some(id) = id {
            builder = builder.id(id);
        }
        if let Some(text) = time {
            let time: Time = text
                .parse()
                .map_err(|e| malformed(TIME, &format!("is {e}")))?;
            builder = builder.time(time);
        }
        if let Some(subject) = subject {
            builder = builder.subject(subject);
        }
        if let Some(dataschema) = dataschema {
            builder = builder.dataschema(dataschema);
        }
        let named = [
            (SOURCEHOST, sourcehost),
            (SOURCELIB, sourcelib),
            ("partitionkey", self.key),
        ];
        for (name, text) in named {
            if let Some(text) = text {
                builder = builder.extension(name, text);
            }
        }
        for (name, text) in others {
            builder = builder.extension(name, text);
        }
        builder.build().map_err(|e| {
            let field = if e.field() == "partitionkey" {
                KEY
            } else {
                e.field()
            };
            malformed(
                field,
                &format!("cannot be an attribute of an event: it {}", e.rule()),
            )
        })
    }

    fn shown_type(&self) -> String {
        crate::avro::printable(self.event_type)
    }
}

/// Attribute names of CloudEvents: anything else after `ce_` is no attribute, and unknown fields
/// are ignored.
fn is_extension_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

pub(super) fn unknown_schema(shown_type: &str, minor: Option<i32>) -> Error {
    let version = minor.map_or(String::new(), |minor| format!(" at minor version {minor}"));
    Error::new(
        ErrorKind::UnknownSchema,
        format!(
            "no Avro schema for the type `{shown_type}`{version}: add a folder with \
             `{shown_type}.avsc` to the catalogs"
        ),
    )
}
