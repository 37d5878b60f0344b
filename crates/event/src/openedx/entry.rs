//! An entry of `edx-event-bus-redis`, its fields told apart.

use super::error::{Error, ErrorKind, Result};
use super::{
    DATASCHEMA, EVENT_DATA, EXTENSION_PREFIX, EntryForm, ID, KEY, MINORVERSION, SOURCE, SOURCEHOST,
    SOURCELIB, TIME, TYPE,
};
use crate::avro;

/// The fields of an Open edX entry, checked as far as that needs no schema.
///
/// Like the package's own reader it accepts that every field but `type` and `event_data` is
/// missing or empty, and ignores fields that it does not know. Unlike it, it refuses a field
/// that stands twice with different values.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    pub(super) event_type: &'a str,
    pub(super) id: Option<&'a str>,
    pub(super) source: Option<&'a str>,
    pub(super) time: Option<&'a str>,
    pub(super) minorversion: i32,
    pub(super) sourcehost: Option<&'a str>,
    pub(super) sourcelib: Option<&'a str>,
    pub(super) key: Option<&'a str>,
    pub(super) dataschema: Option<&'a str>,
    /// Name without prefix, and value, of each `ce_{name}`.
    pub(super) extensions: Vec<(&'a str, &'a str)>,
    pub(super) data: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Takes an entry apart.
    ///
    /// # Errors
    /// [`Unrecognised`](ErrorKind::Unrecognised) if it is not of this wire;
    /// [`Malformed`](ErrorKind::Malformed), naming the field.
    pub fn parse(fields: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self> {
        let fields: Vec<_> = fields.into_iter().collect();
        if EntryForm::recognise(fields.iter().map(|(name, _)| *name))? != EntryForm::OpenEdx {
            return Err(Error::new(
                ErrorKind::Unrecognised,
                "the entry is native, not of the Open edX wire",
            ));
        }
        let mut entry = Self::of(&[]);
        for (name, value) in &fields {
            entry.field(name, value)?;
        }
        each_once(fields)?;
        if entry.event_type.is_empty() {
            return Err(malformed(TYPE, "is empty"));
        }
        Ok(entry)
    }

    /// An entry that has nothing but its payload.
    pub(super) fn of(data: &'a [u8]) -> Self {
        Self {
            event_type: "",
            id: None,
            source: None,
            time: None,
            minorversion: 0,
            sourcehost: None,
            sourcelib: None,
            key: None,
            dataschema: None,
            extensions: Vec::new(),
            data,
        }
    }

    fn field(&mut self, name: &'a str, value: &'a [u8]) -> Result<()> {
        if name == EVENT_DATA {
            self.data = value;
            return Ok(());
        }
        let extension = name.strip_prefix(EXTENSION_PREFIX);
        let known = [
            TYPE,
            ID,
            SOURCE,
            TIME,
            MINORVERSION,
            SOURCEHOST,
            SOURCELIB,
            KEY,
            DATASCHEMA,
        ];
        if extension.is_none() && !known.contains(&name) {
            return Ok(());
        }
        let text = std::str::from_utf8(value).map_err(|_| malformed(name, "is not UTF-8"))?;
        if let Some(extension) = extension {
            if !self.extensions.contains(&(extension, text)) {
                self.extensions.push((extension, text));
            }
            return Ok(());
        }
        if text.is_empty() {
            // To the package an empty field is a missing one.
            return Ok(());
        }
        match name {
            TYPE => self.event_type = text,
            ID => self.id = Some(text),
            SOURCE => self.source = Some(text),
            TIME => self.time = Some(text),
            MINORVERSION => {
                self.minorversion = text
                    .parse()
                    .ok()
                    .filter(|minor| *minor >= 0)
                    .ok_or_else(|| malformed(name, "is not a whole number from 0"))?;
            }
            SOURCEHOST => self.sourcehost = Some(text),
            SOURCELIB => self.sourcelib = Some(text),
            KEY => self.key = Some(text),
            _ => self.dataschema = Some(text),
        }
        Ok(())
    }

    /// The event type.
    pub fn event_type(&self) -> &'a str {
        self.event_type
    }

    /// The minor version; 0 if the entry has none.
    pub fn minorversion(&self) -> i32 {
        self.minorversion
    }

    /// The key, if the writer gave one: the packages do not.
    pub fn key(&self) -> Option<&'a str> {
        self.key
    }

    /// The fingerprint of the schema that the payload was written with, as 64 hex digits, if
    /// the writer gave one: the packages do not.
    pub fn fingerprint(&self) -> Option<&'a str> {
        self.dataschema.and_then(avro::fingerprint_of_urn)
    }
}

impl std::fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("type", &self.event_type)
            .field("id", &self.id)
            .field("minorversion", &self.minorversion)
            .field("event_data", &format_args!("{} bytes", self.data.len()))
            .finish_non_exhaustive()
    }
}

pub(super) fn malformed(field: &str, problem: &str) -> Error {
    Error::new(
        ErrorKind::Malformed,
        format!("the field `{}` {problem}", avro::printable(field)),
    )
}

/// Refuses what stands twice with different values.
pub(super) fn each_once(mut fields: Vec<(&str, &[u8])>) -> Result<()> {
    // Sorted instead of hashed: there are a dozen.
    fields.sort_unstable();
    let twice = |pair: &&[(&str, &[u8])]| pair[0].0 == pair[1].0 && pair[0].1 != pair[1].1;
    match fields.windows(2).find(twice) {
        Some(pair) => Err(malformed(pair[0].0, "stands twice, with different values")),
        None => Ok(()),
    }
}
