//! From an event to headers and a body.

use std::borrow::Cow;

use bytes::Bytes;

use crate::attribute::charset;
use crate::event::SPECVERSION;
use crate::{Data, Event, Invalid};

/// Names and values of all attributes but `datacontenttype`, in the order in which they are
/// written.
pub(crate) fn attributes(event: &Event) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    let required = [
        ("specversion", SPECVERSION),
        ("id", event.id()),
        ("source", event.source()),
        ("type", event.event_type()),
    ];
    let optional = [
        ("subject", event.subject()),
        ("time", event.time().map(|time| time.as_str())),
        ("dataschema", event.dataschema()),
    ];
    let optional = optional
        .into_iter()
        .filter_map(|(name, text)| Some((name, text?)));
    required
        .into_iter()
        .chain(optional)
        .map(|(name, text)| (name, Cow::Borrowed(text)))
        .chain(event.extensions().map(|(name, value)| (name, value.text())))
}

/// The payload as it is.
pub(crate) fn payload(event: &Event) -> Option<Bytes> {
    Some(match event.data()? {
        Data::Binary(bytes) => bytes.clone(),
        data => Bytes::copy_from_slice(data.as_bytes()),
    })
}

/// The media type to declare: JSON without `datacontenttype` is declared as JSON.
pub(crate) fn content_type(event: &Event) -> Result<Option<&str>, Invalid> {
    let Some(media_type) = event.datacontenttype() else {
        let json = matches!(event.data(), Some(Data::Json(_)));
        return Ok(json.then_some("application/json"));
    };
    if !media_type.is_ascii() {
        let rule = "must be ASCII to become the header `content-type`";
        return Err(Invalid::new(
            "datacontenttype",
            rule,
            "leave other characters out",
        ));
    }
    let text = matches!(event.data(), Some(Data::Json(_) | Data::Text(_)));
    let utf8 = |charset: &str| {
        charset.eq_ignore_ascii_case("utf-8")
            || charset.eq_ignore_ascii_case("us-ascii") && event_is_ascii(event)
    };
    if text && !charset(media_type).is_none_or(utf8) {
        let rule = "must declare UTF-8 or no charset for a payload that is text";
        return Err(Invalid::new(
            "datacontenttype",
            rule,
            "carry other charsets as bytes",
        ));
    }
    Ok(Some(media_type))
}

fn event_is_ascii(event: &Event) -> bool {
    event.data().is_none_or(|data| data.as_bytes().is_ascii())
}
