//! From a JSON document to an event.

use std::borrow::Cow;
use std::str::Utf8Error;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use bytestring::ByteString;
use serde_json::value::RawValue;

use super::check_depth;
use super::envelope::{Envelope, Slot, Text};
use crate::attribute::{Name, is_json};
use crate::builder::invalid_time;
use crate::event::SPECVERSION;
use crate::parts::Parts;
use crate::{Data, DecodeError, Event, Invalid, Json, Limits, Time, Value};

/// Reads one event from its JSON structured document.
///
/// `null` attributes count as absent. Unknown extensions are kept in order; strings stay
/// strings, since JSON does not tell a URI or a time from text, but `minorversion` is an
/// Integer even if it was written as a string.
///
/// # Errors
/// [`DecodeError`] if the document is too large or too deep, is not JSON, or is not a
/// CloudEvents 1.0 event.
pub fn decode(document: &[u8], limits: &Limits) -> Result<Event, DecodeError> {
    decode_text(checked_text(document, limits)?.into(), limits)
}

/// Reads one event whose texts are slices of its document: nothing is copied, and the document stays
/// in memory as long as the event.
///
/// # Errors
/// As [`decode`].
pub fn decode_shared(document: Bytes, limits: &Limits) -> Result<Event, DecodeError> {
    check_size(&document, limits)?;
    decode_text(document.try_into().map_err(not_utf8)?, limits)
}

/// The document as text, if it is UTF-8 and small enough.
pub(super) fn checked_text<'a>(
    document: &'a [u8],
    limits: &Limits,
) -> Result<&'a str, DecodeError> {
    check_size(document, limits)?;
    str::from_utf8(document).map_err(not_utf8)
}

fn check_size(document: &[u8], limits: &Limits) -> Result<(), DecodeError> {
    let (found, limit) = (document.len(), limits.document);
    match found > limit {
        true => Err(DecodeError::TooLarge { found, limit }),
        false => Ok(()),
    }
}

fn not_utf8(error: Utf8Error) -> DecodeError {
    DecodeError::NotUtf8 {
        offset: error.valid_up_to(),
    }
}

pub(super) fn decode_text(text: ByteString, limits: &Limits) -> Result<Event, DecodeError> {
    // Without this look the parser's own message would repeat the value it found instead.
    let first = text.trim_ascii_start().as_bytes().first();
    if first.is_some_and(|b| *b != b'{') {
        let remedy = "send one CloudEvents JSON object, without a byte order mark";
        return Err(Invalid::new("document", "must be a JSON object", remedy).into());
    }
    let envelope: Envelope<'_> =
        serde_json::from_str(&text).map_err(|e| DecodeError::from_json(&e))?;
    let parts = envelope.into_parts(&text, limits)?;
    Ok(Event::from_parts(parts)?)
}

impl Envelope<'_> {
    /// `document` is what it was borrowed from.
    fn into_parts(self, document: &ByteString, limits: &Limits) -> Result<Parts, DecodeError> {
        if let Some(name) = &self.duplicate {
            let remedy = "write every attribute once";
            return Err(Invalid::new(name, "comes more than once", remedy).into());
        }
        let version = self.specversion.required("specversion")?;
        check_specversion(&version)?;
        let datacontenttype = self.datacontenttype.optional("datacontenttype")?;
        let kept = |text: Cow<'_, str>| kept(document, text);
        let data = read_data(
            document,
            self.data,
            self.data_base64,
            datacontenttype.as_deref(),
            limits,
        )?;
        let time = self
            .time
            .optional("time")?
            .map(|text| Time::new(kept(text)).map_err(|_| invalid_time()));
        let extensions = self
            .extensions
            .into_iter()
            .filter_map(|(name, raw)| read_extension(&name, raw).transpose());
        Ok(Parts {
            id: kept(self.id.required("id")?),
            source: kept(self.source.required("source")?),
            event_type: kept(self.event_type.required("type")?),
            subject: self.subject.optional("subject")?.map(kept),
            time: time.transpose()?,
            datacontenttype: datacontenttype.map(kept),
            dataschema: self.dataschema.optional("dataschema")?.map(kept),
            extensions: extensions.collect::<Result<_, Invalid>>()?,
            data,
        })
    }
}

/// A text of a document: its part there, or what its escapes stand for.
fn kept(document: &ByteString, text: Cow<'_, str>) -> ByteString {
    match text {
        Cow::Borrowed(part) => document.slice_ref(part),
        Cow::Owned(text) => text.into(),
    }
}

impl<'a> Slot<'a> {
    fn required(self, name: &str) -> Result<Cow<'a, str>, Invalid> {
        self.optional(name)?.ok_or_else(|| missing(name))
    }

    fn optional(self, name: &str) -> Result<Option<Cow<'a, str>>, Invalid> {
        match self {
            Self::Absent | Self::Null => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Other => Err(Invalid::new(name, "must be a string", "write it in quotes")),
        }
    }
}

pub(crate) fn missing(name: &str) -> Invalid {
    let remedy = format!("add the attribute `{name}`");
    Invalid::new(name, "is required and missing", remedy)
}

pub(crate) fn check_specversion(version: &str) -> Result<(), Invalid> {
    if version == SPECVERSION {
        return Ok(());
    }
    let remedy = "send a CloudEvents 1.0 event with specversion `1.0`";
    Err(Invalid::new("specversion", "must be `1.0`", remedy))
}

/// JSON format, section 3.1.2.
fn read_data(
    document: &ByteString,
    data: Option<&RawValue>,
    base64: Slot<'_>,
    datacontenttype: Option<&str>,
    limits: &Limits,
) -> Result<Option<Data>, DecodeError> {
    let json = datacontenttype.is_none_or(is_json);
    let base64 = base64.optional("data_base64")?;
    match (data, base64) {
        (None, None) => Ok(None),
        // Many libraries write both members and leave one of them null.
        (None, Some(text)) => Ok(Some(read_base64(&text)?)),
        (Some(raw), Some(text)) if raw.get() == "null" => Ok(Some(read_base64(&text)?)),
        (Some(_), Some(_)) => {
            let rule = "`data` and `data_base64` exclude each other";
            Err(Invalid::new("data", rule, "write one of them").into())
        }
        (Some(raw), None) if json => {
            check_depth(raw.get(), limits.depth)?;
            Ok(Some(Data::Json(Json::from_checked(
                document.slice_ref(raw.get()),
            ))))
        }
        (Some(raw), None) if raw.get() == "null" => Ok(None),
        (Some(raw), None) if raw.get().starts_with('"') => {
            let Text(text) = string(raw).ok_or_else(|| lone_surrogate("data"))?;
            Ok(Some(Data::Text(text.into())))
        }
        (Some(_), None) => Err(Invalid::new(
            "data",
            "must be a string, since `datacontenttype` does not declare JSON",
            "write the content as a string, or change `datacontenttype`",
        )
        .into()),
    }
}

fn read_base64(text: &str) -> Result<Data, Invalid> {
    // Padding is wanted, and its absence harmless.
    const LIBERAL: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let bytes = LIBERAL.decode(text).map_err(|_| {
        let remedy = "encode the bytes with the standard alphabet of RFC 4648";
        Invalid::new("data_base64", "must be base64", remedy)
    })?;
    Ok(Data::Binary(bytes.into()))
}

/// JSON format, section 2.2. `None` for `null`.
fn read_extension(name: &str, raw: &RawValue) -> Result<Option<(Name, Value)>, Invalid> {
    let text = raw.get();
    let name = Name::new(name)?;
    let value = match text.as_bytes().first() {
        Some(b'n') => return Ok(None),
        Some(b't') => Value::Boolean(true),
        Some(b'f') => Value::Boolean(false),
        Some(b'"') => {
            let Text(text) = string(raw).ok_or_else(|| lone_surrogate(name.as_str()))?;
            Value::typed_by_name(name.as_str(), text.into_owned())
        }
        Some(b'{' | b'[') => {
            let rule = "must be a string, a number or a boolean";
            return Err(Invalid::new(
                name.as_str(),
                rule,
                "carry structures in `data`",
            ));
        }
        _ => Value::Integer(text.parse().map_err(|_| {
            let rule = "must be a whole number of 32 bits";
            Invalid::new(name.as_str(), rule, "write other numbers as a string")
        })?),
    };
    Ok(Some((name, value)))
}

/// What a JSON string says; `None` for a lone surrogate.
fn string(raw: &RawValue) -> Option<Text<'_>> {
    let quoted = raw.get();
    // The parser has been here: without escapes it says what stands between the quotes.
    match quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"')) {
        Some(plain) if !plain.as_bytes().contains(&b'\\') => Some(Text(Cow::Borrowed(plain))),
        _ => serde_json::from_str(quoted).ok(),
    }
}

fn lone_surrogate(field: &str) -> Invalid {
    let rule = "has an escape that is half a surrogate pair";
    Invalid::new(field, rule, "write both halves, or the character itself")
}
