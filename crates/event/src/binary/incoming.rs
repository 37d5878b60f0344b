//! From headers and a body to an event.

use bytes::Bytes;
use bytestring::ByteString;

use crate::attribute::{Name, charset, is_json, is_text};
use crate::builder::invalid_time;
use crate::json::{check_depth, check_specversion, missing};
use crate::parts::Parts;
use crate::{Data, DecodeError, Event, Invalid, Json, Limits, Time, Value};

/// Refuses what is larger than the reader's limit, before it is read.
pub(crate) fn check_size<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    body: usize,
    limits: &Limits,
) -> Result<(), DecodeError> {
    let mut size = body;
    for (name, value) in headers {
        size = size.saturating_add(name.len()).saturating_add(value.len());
    }
    match size > limits.document {
        true => Err(DecodeError::TooLarge {
            found: size,
            limit: limits.document,
        }),
        false => Ok(()),
    }
}

/// A message in binary mode, its attributes as they come in.
#[derive(Default)]
pub(crate) struct Incoming {
    specversion: Option<ByteString>,
    id: Option<ByteString>,
    source: Option<ByteString>,
    event_type: Option<ByteString>,
    time: Option<ByteString>,
    rest: Parts,
}

impl Incoming {
    /// Takes an attribute in.
    pub(crate) fn attribute(&mut self, attribute: &str, text: String) -> Result<(), Invalid> {
        let slot = match attribute {
            "specversion" => &mut self.specversion,
            "id" => &mut self.id,
            "source" => &mut self.source,
            "type" => &mut self.event_type,
            "time" => &mut self.time,
            "subject" => &mut self.rest.subject,
            "dataschema" => &mut self.rest.dataschema,
            name => return self.add_extension(name, text),
        };
        fill(slot, attribute, text)
    }

    /// Takes the media type of the payload in, from the header that states it.
    pub(crate) fn media_type(&mut self, header: &str, text: String) -> Result<(), Invalid> {
        fill(&mut self.rest.datacontenttype, header, text)
    }

    fn add_extension(&mut self, name: &str, text: String) -> Result<(), Invalid> {
        if self.rest.extension(name).is_some() {
            return Err(repeated(name));
        }
        let value = Value::typed_by_name(name, text);
        self.rest.extensions.push((Name::new(name)?, value));
        Ok(())
    }

    /// Makes the event.
    pub(crate) fn into_event(
        self,
        body: Option<Bytes>,
        limits: &Limits,
    ) -> Result<Event, DecodeError> {
        let required = |value: Option<ByteString>, name| value.ok_or_else(|| missing(name));
        check_specversion(&required(self.specversion, "specversion")?)?;
        let time = self
            .time
            .map(|text| Time::new(text).map_err(|_| invalid_time()));
        let mut parts = self.rest;
        parts.id = required(self.id, "id")?;
        parts.source = required(self.source, "source")?;
        parts.event_type = required(self.event_type, "type")?;
        parts.time = time.transpose()?;
        if let Some(body) = body {
            parts.data = Some(read_body(body, parts.datacontenttype.as_deref(), limits)?);
        }
        Ok(Event::from_parts(parts)?)
    }
}

fn fill(slot: &mut Option<ByteString>, name: &str, text: String) -> Result<(), Invalid> {
    match slot.replace(text.into()) {
        None => Ok(()),
        Some(_) => Err(repeated(name)),
    }
}

fn read_body(body: Bytes, media_type: Option<&str>, limits: &Limits) -> Result<Data, DecodeError> {
    let Some(media_type) = media_type else {
        return Ok(Data::Binary(body));
    };
    let utf8_declared = charset(media_type).is_none_or(|charset| {
        charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("us-ascii")
    });
    let text = str::from_utf8(&body).ok().filter(|_| utf8_declared);
    match text {
        Some(text) if is_json(media_type) => {
            let json = Json::new(text).map_err(|_| not_json())?;
            check_depth(json.as_str(), limits.depth)?;
            Ok(Data::Json(json))
        }
        None if is_json(media_type) && utf8_declared => Err(not_json().into()),
        Some(text) if is_text(media_type) => Ok(Data::Text(text.into())),
        _ => Ok(Data::Binary(body)),
    }
}

fn not_json() -> Invalid {
    let rule = "must be JSON in UTF-8, as `content-type` declares";
    Invalid::new(
        "data",
        rule,
        "check the body, or declare its real media type",
    )
}

fn repeated(name: &str) -> Invalid {
    Invalid::new(name, "comes more than once", "send every header once")
}
