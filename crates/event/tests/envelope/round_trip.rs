//! What goes in comes out.

use proptest::collection::vec;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use tidings_event::kafka::frame;
use tidings_event::{Data, Event, Limits, Value, http, json, kafka};

use crate::arbitrary;

/// What a form that knows no types of extensions can keep of an event: texts.
fn texts(event: &Event) -> Vec<(String, String)> {
    let pair = |(name, value): (&str, &Value)| (name.to_owned(), value.text().into_owned());
    event.extensions().map(pair).collect()
}

proptest! {
    #[test]
    fn json_keeps_everything(event in arbitrary::event()) {
        let document = event.to_json();
        let received = Event::from_json(&document).unwrap();
        prop_assert_eq!(received.id(), event.id());
        prop_assert_eq!(received.source(), event.source());
        prop_assert_eq!(received.event_type(), event.event_type());
        prop_assert_eq!(received.subject(), event.subject());
        prop_assert_eq!(received.time(), event.time());
        prop_assert_eq!(received.datacontenttype(), event.datacontenttype());
        prop_assert_eq!(received.dataschema(), event.dataschema());
        prop_assert_eq!(received.data(), event.data());
        prop_assert_eq!(texts(&received), texts(&event));
        for ((_, got), (_, sent)) in received.extensions().zip(event.extensions()) {
            let typed = matches!(sent, Value::Boolean(_) | Value::Integer(_) | Value::String(_));
            let known = matches!(got, Value::Integer(_));
            prop_assert!(!typed || known || got == sent, "JSON has Boolean, Integer, String");
        }
        // `minorversion` is read as the integer that it is, also where it was written as a text.
        let written = event.extension("minorversion");
        let retyped = !matches!(written, None | Some(Value::Integer(_)));
        prop_assert!(retyped || received.to_json() == document);
    }

    #[test]
    fn a_json_document_is_what_serde_json_reads(event in arbitrary::event()) {
        let document: serde_json::Map<String, serde_json::Value> = match
            serde_json::from_slice(&event.to_json()) {
                Ok(document) => document,
                // Payloads may hold numbers and lone surrogates that it refuses.
                Err(error) => {
                    prop_assert!(matches!(event.data(), Some(Data::Json(_))), "{error}");
                    return Ok(());
                }
            };
        prop_assert_eq!(document["id"].as_str(), Some(event.id()));
        prop_assert_eq!(document.get("subject").and_then(|s| s.as_str()), event.subject());
        for (name, value) in event.extensions() {
            let text = match &document[name] {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            prop_assert_eq!(text, value.text());
        }
    }

    #[test]
    fn a_batch_keeps_every_event(events in vec(arbitrary::event(), 0..4)) {
        let limits = Limits::default();
        let document = json::encode_batch(&events);
        let received = json::decode_batch(&document, &limits).unwrap();
        let single: Vec<Event> = events.iter()
            .map(|event| Event::from_json(&event.to_json()).unwrap())
            .collect();
        prop_assert_eq!(received, single);
        let documents = json::split_batch(&document, &limits).unwrap();
        let singles: Vec<Vec<u8>> = events.iter().map(Event::to_json).collect();
        prop_assert_eq!(documents.iter().map(|d| d.as_bytes()).collect::<Vec<_>>(), singles);
    }

    #[test]
    fn http_keeps_what_headers_can_say(event in arbitrary::event()) {
        let message = http::encode(&event).unwrap();
        prop_assert!(message.headers.iter().all(|(_, value)| value.is_ascii()));
        let received = http::decode(message.headers, message.body, &Limits::default()).unwrap();
        prop_assert_eq!(received.id(), event.id());
        prop_assert_eq!(received.source(), event.source());
        prop_assert_eq!(received.event_type(), event.event_type());
        prop_assert_eq!(received.subject(), event.subject());
        prop_assert_eq!(received.time(), event.time());
        prop_assert_eq!(received.dataschema(), event.dataschema());
        prop_assert_eq!(texts(&received), texts(&event));
        prop_assert_eq!(received.datacontenttype(), event.datacontenttype());
        match (received.data(), event.data()) {
            (None, sent) => prop_assert!(sent.is_none_or(|data| data.as_bytes().is_empty())),
            (got, Some(Data::Binary(bytes))) => {
                prop_assert_eq!(got.unwrap().as_bytes(), &bytes[..]);
            }
            (got, sent) => prop_assert_eq!(got, sent),
        }
    }

    #[test]
    fn kafka_keeps_what_headers_can_say(event in arbitrary::event()) {
        let message = kafka::encode(&event, kafka::Mode::Binary).unwrap();
        let key = event.extension("partitionkey").map(|key| key.text().into_owned());
        prop_assert_eq!(message.key.as_deref(), key.as_deref().map(str::as_bytes));
        let received = kafka::decode(message.headers, message.value, &Limits::default()).unwrap();
        prop_assert_eq!(received.id(), event.id());
        prop_assert_eq!(received.source(), event.source());
        prop_assert_eq!(received.event_type(), event.event_type());
        prop_assert_eq!(received.subject(), event.subject());
        prop_assert_eq!(received.time(), event.time());
        prop_assert_eq!(received.dataschema(), event.dataschema());
        prop_assert_eq!(texts(&received), texts(&event));
        let json = matches!(event.data(), Some(Data::Json(_)));
        let declared = event.datacontenttype().or(json.then_some("application/json"));
        prop_assert_eq!(received.datacontenttype(), declared);
        let bytes = |event: &Event| event.data().map(|data| data.as_bytes().to_vec());
        prop_assert_eq!(bytes(&received), bytes(&event));
    }

    #[test]
    fn kafka_keeps_the_document(event in arbitrary::event()) {
        let message = kafka::encode(&event, kafka::Mode::Structured).unwrap();
        prop_assert_eq!(message.value.as_deref(), Some(&event.to_json()[..]));
        let received = kafka::decode(message.headers, message.value, &Limits::default()).unwrap();
        prop_assert_eq!(received, Event::from_json(&event.to_json()).unwrap());
    }

    #[test]
    fn frames_open_to_what_was_put_in(id: u32, avro in vec(proptest::prelude::any::<u8>(), 0..300)) {
        let framed = frame::wrap(id, &avro);
        prop_assert_eq!(frame::open(&framed), Some((id, &avro[..])));
        prop_assert_eq!(frame::open(&framed[..4]), None);
    }

    #[test]
    fn keys_in_frames_are_read(id: u32, text in "[ -~äß€😀]{1,200}") {
        let framed = frame::wrap(id, &frame::string(&text));
        prop_assert_eq!(frame::key_text(&framed), Some(text.clone().into()));
        prop_assert_eq!(frame::key_text(text.as_bytes()), Some(text.clone().into()));
        prop_assert_eq!(frame::key_text(&framed[..framed.len() - 1]), None);
        let longer = [&framed[..], b"a"].concat();
        prop_assert_eq!(frame::key_text(&longer), None);
    }

    #[test]
    fn one_line_is_the_same_event(event in arbitrary::event()) {
        let document = event.to_json();
        let line = json::single_line(&document);
        prop_assert!(!line.contains(&b'\n') && !line.contains(&b'\r'));
        let received = Event::from_json(&line).unwrap();
        if let Some(Data::Json(json)) = event.data() {
            let tokens = |text: &str| json::single_line(format!("\n{text}").as_bytes()).into_owned();
            prop_assert_eq!(tokens(received.data().unwrap().as_json().unwrap()), tokens(json.as_str()));
        } else {
            prop_assert_eq!(received.data(), event.data());
        }
    }

    #[test]
    fn the_text_of_a_time_is_kept(time in arbitrary::time()) {
        let document = format!(
            r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t","time":"{time}"}}"#
        );
        let event = Event::from_json(document.as_bytes()).unwrap();
        prop_assert_eq!(event.time().unwrap().as_str(), time.as_str());
        prop_assert_eq!(event.to_json(), document.into_bytes());
    }
}

#[test]
fn payload_bytes_are_untouched() {
    let payload = "{ \"n\": 1.10e+05 ,\n\t\"big\": 123456789012345678901234567890, \"a\": \"\\u00e9\\/\", \"a\": 1 }";
    let document =
        format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{payload}}}"#);
    let event = Event::from_json(document.as_bytes()).unwrap();
    assert_eq!(event.data().unwrap().as_json(), Some(payload));
    assert_eq!(event.to_json(), document.into_bytes());
}

#[test]
fn extensions_keep_their_order_and_can_be_changed() {
    let document =
        br#"{"zz":"1","specversion":"1.0","b":true,"id":"1","a":-5,"source":"/s","type":"t"}"#;
    let mut event = Event::from_json(document).unwrap();
    let names = |event: &Event| {
        event
            .extensions()
            .map(|(n, _)| n.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&event), ["zz", "b", "a"]);
    event.set_extension("b", "new").unwrap();
    event.set_extension("partitionkey", "k").unwrap();
    assert_eq!(names(&event), ["zz", "b", "a", "partitionkey"]);
    assert_eq!(event.extension("b"), Some(&Value::String("new".into())));
    assert_eq!(
        event.remove_extension("zz"),
        Some(Value::String("1".into()))
    );
    assert_eq!(event.remove_extension("zz"), None);
    for name in ["", "Upper", "under_score", "ü", "id", "data", "specversion"] {
        assert!(event.set_extension(name, "x").is_err(), "{name}");
    }
    assert!(event.set_extension("x", "a\nb").is_err());
    assert!(
        event
            .set_extension("x", Value::Uri("/relative".into()))
            .is_err()
    );
    assert_eq!(names(&event), ["b", "a", "partitionkey"]);
}

#[test]
fn minorversion_is_an_integer_wherever_it_comes_from() {
    let head = r#""specversion":"1.0","id":"1","source":"/s","type":"t""#;
    for (written, expected) in [
        ("2", Some(2)),
        ("\"2\"", Some(2)),
        ("\"+2\"", None),
        ("\"x\"", None),
    ] {
        let document = format!(r#"{{{head},"minorversion":{written}}}"#);
        let event = Event::from_json(document.as_bytes()).unwrap();
        assert_eq!(event.minorversion(), expected, "{written}");
        assert!(event.extension("minorversion").is_some());
    }
}
