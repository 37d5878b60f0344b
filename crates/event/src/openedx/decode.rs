//! From an entry to an event.

use std::sync::Arc;

use bytestring::ByteString;

use super::entry::malformed;
use super::error::{Error, ErrorKind, Result};
use super::{
    Entry, ID, KEY, MINORVERSION, SOURCE, SOURCEHOST, SOURCELIB, TIME, UNKNOWN_SOURCE,
    UnknownSchema, with_slash,
};
use crate::attribute::Name;
use crate::avro::{Schema, decode_to_json};
use crate::parts::Parts;
use crate::{Data, Definitions, Event, Invalid, Json, Time, Value, new_id};

const JSON: &str = "application/json";

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

        let mut id = self.id;
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
                ID => id = Some(text),
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
        let id = id.filter(|id| !id.is_empty());
        let time = time.map(str::parse::<Time>).transpose();
        // Not by the builder, which is moved by each of its setters.
        let mut parts = Parts {
            event_type: self.event_type.into(),
            id: id.map_or_else(|| new_id().into(), Into::into),
            source: source.map_or(ByteString::from_static(UNKNOWN_SOURCE), Into::into),
            time: time.map_err(|e| malformed(TIME, &format!("is {e}")))?,
            subject: subject.map(Into::into),
            dataschema: dataschema.map(Into::into),
            datacontenttype: Some(media_type.map_or(ByteString::from_static(JSON), Into::into)),
            extensions: Vec::with_capacity(4 + others.len()),
            data: Some(Data::Json(Json::from_checked(json))),
        };
        let minorversion = Value::Integer(self.minorversion);
        parts.set_extension(Name::MINORVERSION, minorversion);
        let named = [
            (SOURCEHOST, sourcehost),
            (SOURCELIB, sourcelib),
            ("partitionkey", self.key),
        ];
        let named = named.into_iter().filter_map(|(n, text)| Some((n, text?)));
        for (name, text) in named.chain(others) {
            let name = Name::new(name).map_err(|e| broken(&e))?;
            parts.set_extension(name, text.into());
        }
        Event::from_parts(parts).map_err(|e| broken(&e))
    }

    fn shown_type(&self) -> String {
        crate::avro::printable(self.event_type)
    }
}

fn broken(invalid: &Invalid) -> Error {
    let field = match invalid.field() {
        "partitionkey" => KEY,
        field => field,
    };
    let rule = invalid.rule();
    malformed(
        field,
        &format!("cannot be an attribute of an event: it {rule}"),
    )
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
