//! What an event consists of, before it is known to be one.

use bytestring::ByteString;

use crate::attribute::{
    Name, STRING_REMEDY, STRING_RULE, URI_REMEDY, is_json, is_media_type, is_permitted, is_uri,
    is_uri_reference,
};
use crate::{Data, Invalid, Time, Value};

/// The attributes and payload of an event. Decoders and the builder fill it, and
/// [`Event::from_parts`](crate::Event) lets it through or not. Texts of a document are slices of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) id: ByteString,
    pub(crate) source: ByteString,
    pub(crate) event_type: ByteString,
    pub(crate) subject: Option<ByteString>,
    pub(crate) time: Option<Time>,
    pub(crate) datacontenttype: Option<ByteString>,
    pub(crate) dataschema: Option<ByteString>,
    pub(crate) extensions: Vec<(Name, Value)>,
    pub(crate) data: Option<Data>,
}

impl Parts {
    pub(crate) fn extension(&self, name: &str) -> Option<&Value> {
        let found = self.extensions.iter().find(|(n, _)| n.as_str() == name);
        found.map(|(_, value)| value)
    }

    pub(crate) fn set_extension(&mut self, name: Name, value: Value) {
        let value = match value {
            Value::String(text) => Value::typed_by_name(name.as_str(), text),
            other => other,
        };
        match self.extensions.iter_mut().find(|(n, _)| *n == name) {
            Some((_, old)) => *old = value,
            None => self.extensions.push((name, value)),
        }
    }

    /// Adds an extension that is not there yet, before the one that stands at this place.
    pub(crate) fn insert_extension(&mut self, at: usize, name: Name, value: Value) {
        let at = at.min(self.extensions.len());
        self.extensions.insert(at, (name, value));
    }

    /// Checks the rules of CloudEvents 1.0. Names of extensions are valid and distinct already.
    pub(crate) fn check(&self) -> Result<(), Invalid> {
        check_string("id", &self.id)?;
        check_uri(
            "source",
            &self.source,
            is_uri_reference,
            "must be a URI-reference",
        )?;
        check_string("type", &self.event_type)?;
        if let Some(subject) = &self.subject {
            check_string("subject", subject)?;
        }
        if let Some(media_type) = &self.datacontenttype {
            check_media_type(media_type)?;
        }
        if let Some(schema) = &self.dataschema {
            check_uri("dataschema", schema, is_uri, "must be an absolute URI")?;
        }
        for (name, value) in &self.extensions {
            value.check(name.as_str())?;
        }
        self.check_data()
    }

    /// JSON format, section 3.1: the media type decides how a payload is read back.
    fn check_data(&self) -> Result<(), Invalid> {
        let json = self.datacontenttype.as_deref().is_none_or(is_json);
        match &self.data {
            Some(Data::Json(_)) if !json => Err(Invalid::new(
                "datacontenttype",
                "must declare JSON for a JSON payload",
                "write `application/json`, or give the payload as text or bytes",
            )),
            Some(Data::Text(_)) if json => Err(Invalid::new(
                "datacontenttype",
                "must declare a format other than JSON for a text payload",
                "write the format of the text, such as `text/xml`",
            )),
            _ => Ok(()),
        }
    }
}

fn check_string(name: &str, text: &str) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(empty(name));
    }
    if is_permitted(text) {
        Ok(())
    } else {
        Err(Invalid::new(name, STRING_RULE, STRING_REMEDY))
    }
}

fn check_uri(
    name: &str,
    text: &str,
    valid: fn(&str) -> bool,
    rule: &'static str,
) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(empty(name));
    }
    if valid(text) {
        Ok(())
    } else {
        Err(Invalid::new(name, rule, URI_REMEDY))
    }
}

fn check_media_type(text: &str) -> Result<(), Invalid> {
    check_string("datacontenttype", text)?;
    if is_media_type(text) {
        return Ok(());
    }
    let rule = "must be a media type by RFC 2046";
    Err(Invalid::new(
        "datacontenttype",
        rule,
        "write it like `application/json`",
    ))
}

fn empty(name: &str) -> Invalid {
    Invalid::new(
        name,
        "must not be empty",
        "give it a value, or leave an optional attribute out",
    )
}
