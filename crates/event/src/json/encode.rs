//! From an event to a JSON document.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::{Data, Event, Value};

/// Writes the JSON structured document of an event.
pub fn encode(event: &Event) -> Vec<u8> {
    let mut document = Vec::with_capacity(estimate(event));
    encode_into(event, &mut document);
    document
}

/// Appends the JSON structured document of an event, in one pass. JSON payloads are copied as
/// they are.
pub fn encode_into(event: &Event, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"specversion":"1.0""#);
    member(out, "id", event.id());
    member(out, "source", event.source());
    member(out, "type", event.event_type());
    let optional = [
        ("subject", event.subject()),
        ("time", event.time().map(|time| time.as_str())),
        ("datacontenttype", event.datacontenttype()),
        ("dataschema", event.dataschema()),
    ];
    for (name, text) in optional {
        if let Some(text) = text {
            member(out, name, text);
        }
    }
    for (name, value) in event.extensions() {
        match value {
            Value::String(text) => member(out, name, text),
            Value::Boolean(_) | Value::Integer(_) => {
                member_name(out, name);
                out.extend_from_slice(value.text().as_bytes());
            }
            _ => member(out, name, &value.text()),
        }
    }
    match event.data() {
        None => {}
        Some(Data::Json(json)) => {
            member_name(out, "data");
            out.extend_from_slice(json.as_str().as_bytes());
        }
        Some(Data::Text(text)) => member(out, "data", text),
        Some(Data::Binary(bytes)) => member(out, "data_base64", &STANDARD.encode(bytes)),
    }
    out.push(b'}');
}

/// Bytes that will do for most events: the payload, and the attributes with room to spare.
fn estimate(event: &Event) -> usize {
    let payload = match event.data() {
        Some(Data::Binary(bytes)) => bytes.len() / 3 * 4 + 4,
        Some(data) => data.as_bytes().len(),
        None => 0,
    };
    let attributes = event.id().len() + event.source().len() + event.event_type().len();
    payload + attributes + 384
}

fn member(out: &mut Vec<u8>, name: &str, text: &str) {
    member_name(out, name);
    string(out, text);
}

/// Names are lower-case letters, digits and underscores: nothing to escape.
fn member_name(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    // Nearly no string has anything to escape: a look at all bytes is faster than a search.
    if !rest.iter().fold(false, |found, b| found | needs_escape(*b)) {
        out.extend_from_slice(rest);
        out.push(b'"');
        return;
    }
    while let Some(at) = rest.iter().position(|b| needs_escape(*b)) {
        out.extend_from_slice(&rest[..at]);
        escape(out, rest[at]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn needs_escape(b: u8) -> bool {
    b < 0x20 || b == b'"' || b == b'\\'
}

fn escape(out: &mut Vec<u8>, b: u8) {
    match b {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', b]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => out.extend_from_slice(format!("\\u{b:04x}").as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    proptest! {
        #[test]
        fn strings_come_back(text in any::<String>()) {
            let mut out = Vec::new();
            super::string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }

    #[test]
    fn every_control_character_is_escaped() {
        let text: String = (0..=0x20_u8).map(char::from).collect();
        let mut out = Vec::new();
        super::string(&mut out, &text);
        assert!(out.iter().all(|b| *b >= 0x20));
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }
}
