//! From a message to an event.

use super::encode::has_header;
use super::{AVRO, AVRO_TOO, DATACONTENTTYPE, EXACT_PREFIX};
use crate::Event;
use crate::avro::Schema;
use crate::kafka::{CONTENT_TYPE, PREFIX, frame};
use crate::openedx::entry::{each_once, malformed};
use crate::openedx::{
    DATASCHEMA, Entry, Error, ErrorKind, ID, MINORVERSION, Result, SOURCE, SOURCEHOST, SOURCELIB,
    TIME, TYPE,
};

/// A message whose value is Avro in a frame, checked as far as that needs no schema: of the
/// Open edX wire, or of any other producer that follows the Kafka binding of CloudEvents and has a
/// registry.
///
/// A header that stands twice with different values is refused, and so is a message without
/// `ce_type` or `ce_id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaMessage<'a> {
    entry: Entry<'a>,
    schema: u32,
    key: Option<&'a [u8]>,
}

impl<'a> KafkaMessage<'a> {
    /// Whether a message is of this kind: its headers declare Avro, and its value is in a frame.
    pub fn recognise<'h>(
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
        value: Option<&[u8]>,
    ) -> bool {
        let avro = |text: &[u8]| {
            let essence = text.split(|b| *b == b';').next().unwrap_or_default();
            let essence = essence.trim_ascii();
            let is = |name: &str| essence.eq_ignore_ascii_case(name.as_bytes());
            is(AVRO) || AVRO_TOO.into_iter().any(is)
        };
        let declares =
            |name: &str| name.eq_ignore_ascii_case(CONTENT_TYPE) || name == DATACONTENTTYPE;
        value.and_then(frame::open).is_some()
            && headers
                .into_iter()
                .any(|(name, value)| declares(name) && avro(value))
    }

    /// Takes a message apart.
    ///
    /// # Errors
    /// [`Malformed`](ErrorKind::Malformed), naming the header;
    /// [`Unrecognised`](ErrorKind::Unrecognised) if the value is in no frame.
    pub fn parse(
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        key: Option<&'a [u8]>,
        value: &'a [u8],
    ) -> Result<Self> {
        let (schema, data) = frame::open(value).ok_or_else(|| {
            let what = "the value is not in the frame of a schema registry: it should begin with \
                        a zero byte and the four bytes of a schema's id";
            Error::new(ErrorKind::Unrecognised, what)
        })?;
        let mut message = Self {
            entry: Entry::of(data),
            schema,
            key,
        };
        let mut seen = Vec::with_capacity(16);
        for (name, value) in headers {
            let Some(known) = Header::of(name) else {
                continue;
            };
            seen.push((name, value));
            let text = std::str::from_utf8(value).map_err(|_| malformed(name, "is not UTF-8"))?;
            message.header(name, known, text)?;
        }
        each_once(seen)?;
        let required = [
            ("ce_type", message.entry.event_type),
            ("ce_id", message.entry.id.unwrap_or_default()),
        ];
        for (name, text) in required {
            if text.is_empty() {
                return Err(malformed(name, "is missing or empty"));
            }
        }
        Ok(message)
    }

    fn header(&mut self, name: &str, known: Header<'a>, text: &'a str) -> Result<()> {
        let entry = &mut self.entry;
        match known {
            Header::Attribute("specversion") => {
                if text != "1.0" {
                    return Err(malformed(name, "must be 1.0"));
                }
            }
            // What the value is, not what the payload becomes.
            Header::Attribute("datacontenttype") => {}
            // To the package an empty header of its own is a missing one.
            Header::Attribute(name) if text.is_empty() && has_header(name) => {}
            Header::Attribute(TYPE) => entry.event_type = text,
            Header::Attribute(ID) => entry.id = Some(text),
            Header::Attribute(SOURCE) => entry.source = Some(text),
            Header::Attribute(TIME) => entry.time = Some(text),
            Header::Attribute(SOURCEHOST) => entry.sourcehost = Some(text),
            Header::Attribute(SOURCELIB) => entry.sourcelib = Some(text),
            Header::Attribute(DATASCHEMA) => entry.dataschema = Some(text),
            Header::Attribute("partitionkey") => entry.key = Some(text),
            Header::Attribute(MINORVERSION) => {
                let minor = text.parse().ok().filter(|minor| *minor >= 0);
                entry.minorversion =
                    minor.ok_or_else(|| malformed(name, "is not a whole number from 0"))?;
            }
            Header::Attribute(other) | Header::Exact(other) => entry.extensions.push((other, text)),
        }
        Ok(())
    }

    /// The id of the schema that the payload was written with, in the registry of its writer.
    pub fn schema_id(&self) -> u32 {
        self.schema
    }

    /// The event type.
    pub fn event_type(&self) -> &'a str {
        self.entry.event_type
    }

    /// Makes the event, its payload as JSON, by the schema it was written with.
    ///
    /// # Errors
    /// As [`Entry::decode`].
    pub fn decode(&self, schema: &Schema) -> Result<Event> {
        let urn = schema.urn();
        let key = self.key.and_then(frame::key_text);
        let mut entry = self.entry.clone();
        entry.dataschema.get_or_insert(&urn);
        if entry.key.is_none() {
            entry.key = key.as_deref();
        }
        entry.decode(schema)
    }
}

/// What a header says.
enum Header<'a> {
    /// An attribute, by its name.
    Attribute(&'a str),
    /// An attribute's exact text.
    Exact(&'a str),
}

impl<'a> Header<'a> {
    fn of(name: &'a str) -> Option<Self> {
        if let Some(attribute) = name.strip_prefix(PREFIX) {
            return Some(Self::Attribute(attribute));
        }
        if let Some(attribute) = name.strip_prefix(EXACT_PREFIX) {
            return has_header(attribute).then_some(Self::Exact(attribute));
        }
        super::UNPREFIXED
            .contains(&name)
            .then_some(Self::Attribute(name))
    }
}
