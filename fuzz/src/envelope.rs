//! Bodies for the formats of the envelope.

use std::str;

use tidings_event::{
    Data, DecodeError, Event, KeyPath, Limits, Time, Value, http, json, kafka, profile,
};

/// The JSON structured form.
pub fn structured(input: &[u8]) {
    match json::decode(input, &Limits::default()) {
        Ok(event) => {
            let line = json::single_line(input);
            assert!(
                !line.contains(&b'\n'),
                "an event's document fits on one line"
            );
            let same = Event::from_json(&line).expect("removing white space harms nothing");
            assert_eq!(same.data().map(squeeze), event.data().map(squeeze));
            passes_through(&event);
        }
        Err(error) => reads_well(&error),
    }
}

/// The JSON batch form.
pub fn batch(input: &[u8]) {
    let limits = Limits::default();
    match json::decode_batch(input, &limits) {
        Ok(events) => {
            let documents = json::split_batch(input, &limits).expect("it was a batch");
            assert_eq!(documents.len(), events.len());
            let again = json::decode_batch(&json::encode_batch(&events), &limits);
            assert_eq!(again.expect("a batch that was written can be read"), events);
        }
        Err(error) => reads_well(&error),
    }
}

/// HTTP binary mode. The input is read like a message: lines `name: value`, an empty line, the
/// body.
pub fn binary_mode(input: &[u8]) {
    let (headers, body) = headers_and_body(input);
    let body = bytes::Bytes::copy_from_slice(body);
    match http::decode(headers, body, &Limits::default()) {
        Ok(event) => passes_through(&event),
        Err(error) => reads_well(&error),
    }
}

/// A Kafka message in either mode, read like one of HTTP; without the empty line it has no value.
/// The bytes behind the headers are a key as well.
pub fn kafka_message(input: &[u8]) {
    let (headers, value) = headers_and_body(input);
    if let Some(text) = kafka::frame::key_text(value) {
        assert!(value.starts_with(b"\0") || text.as_bytes() == value);
    }
    let value = (!value.is_empty()).then(|| bytes::Bytes::copy_from_slice(value));
    match kafka::decode(headers, value, &Limits::default()) {
        Ok(event) => passes_through(&event),
        Err(error) => reads_well(&error),
    }
}

/// Lines `name: value`, an empty line, the rest.
fn headers_and_body(input: &[u8]) -> (Vec<(String, &[u8])>, &[u8]) {
    let mut rest = input;
    let mut headers = Vec::new();
    while let Some(end) = rest.iter().position(|b| *b == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        let Some(colon) = line.iter().position(|b| *b == b':') else {
            break;
        };
        let name = String::from_utf8_lossy(&line[..colon]).into_owned();
        headers.push((name, &line[colon + 1..]));
    }
    (headers, rest)
}

/// What is read from short texts: times and key paths.
pub fn text(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    if let Ok(time) = text.parse::<Time>() {
        assert_eq!(time.as_str(), text);
        let written = Time::from(time.timestamp());
        assert_eq!(written.timestamp(), time.timestamp());
    }
    let (path, json) = text.split_once('\n').unwrap_or((text, ""));
    if let Ok(path) = path.parse::<KeyPath>() {
        assert_eq!(path.to_string(), path.as_str());
        // Whatever stands there, looking must not fail otherwise than by its typed error.
        let _found = path.key_in(json);
    }
}

/// What must hold of every event, wherever it came from.
fn passes_through(event: &Event) {
    let document = event.to_json();
    let again = Event::from_json(&document).expect("what was written can be read");
    assert_eq!(&again, event, "JSON keeps everything");
    assert_eq!(again.to_json(), document, "writing is deterministic");
    for violation in profile::check(event, document.len()) {
        assert!(violation.to_string().len() < 4096, "reports are bounded");
    }
    if let Ok(message) = kafka::encode(event, kafka::Mode::Binary) {
        match kafka::decode(message.headers, message.value, &Limits::default()) {
            Ok(received) => is_same_in_http(&received, event),
            Err(error) => assert!(matches!(event.data(), Some(Data::Binary(_))), "{error}"),
        }
    }
    let Ok(message) = http::encode(event) else {
        return;
    };
    match http::decode(message.headers, message.body, &Limits::default()) {
        Ok(received) => is_same_in_http(&received, event),
        // Bytes that are declared as JSON and are none: HTTP has no other place for them.
        Err(error) => assert!(matches!(event.data(), Some(Data::Binary(_))), "{error}"),
    }
}

/// HTTP keeps what headers and a body can say: no types of extensions, no empty payloads.
fn is_same_in_http(received: &Event, sent: &Event) {
    let text = |event: &Event| -> Vec<(String, String)> {
        let pair = |(name, value): (&str, &Value)| (name.to_owned(), value.text().into_owned());
        event.extensions().map(pair).collect()
    };
    assert_eq!(received.id(), sent.id());
    assert_eq!(received.source(), sent.source());
    assert_eq!(received.event_type(), sent.event_type());
    assert_eq!(received.subject(), sent.subject());
    assert_eq!(received.time(), sent.time());
    assert_eq!(received.dataschema(), sent.dataschema());
    assert_eq!(text(received), text(sent));
    let squeezed = |event: &Event| event.data().map(squeeze).filter(|data| !data.is_empty());
    assert_eq!(squeezed(received), squeezed(sent));
}

/// A payload without white space, which is all that may differ where JSON moves between forms.
fn squeeze(data: &Data) -> Vec<u8> {
    let space = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
    data.as_bytes()
        .iter()
        .copied()
        .filter(|b| !space(b))
        .collect()
}

/// Errors are one bounded line that says what to do.
fn reads_well(error: &DecodeError) {
    let text = error.to_string();
    assert!(text.len() < 1024 && !text.contains('\n'), "{text}");
    assert!(!error.field().is_empty() && !error.rule().is_empty() && !error.remedy().is_empty());
}
