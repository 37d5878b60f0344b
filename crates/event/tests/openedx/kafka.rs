//! Messages of the Kafka wire.

use proptest::prelude::{any, prop, prop_assert_eq, proptest};
use tidings_event::avro::Schema;
use tidings_event::kafka::{Message, frame};
use tidings_event::openedx::{
    ErrorKind, KafkaMessage, KafkaSchemas, UnknownSchema, decode, encode, to_kafka,
};
use tidings_event::{Event, Value};

use crate::entry::{borrowed, event, known};
use crate::fixtures::{Known, cases, entries};
use crate::round_trip::writable;

const IDS: KafkaSchemas = KafkaSchemas { value: 7, key: 258 };

fn headers(message: &Message) -> Vec<(&str, &[u8])> {
    let headers = message.headers.iter();
    headers.map(|(name, value)| (&**name, &**value)).collect()
}

fn read(message: &Message, schema: &Schema) -> Event {
    let value = message.value.as_deref();
    assert!(KafkaMessage::recognise(headers(message), value));
    let key = message.key.as_deref();
    let parsed = KafkaMessage::parse(headers(message), key, value.unwrap()).unwrap();
    assert_eq!(parsed.schema_id(), IDS.value);
    parsed.decode(schema).unwrap()
}

#[test]
fn real_entries_become_the_messages_of_the_package() {
    let known = Known::openedx();
    for recorded in entries() {
        let fields = recorded.fields();
        let given = || fields.iter().map(|(name, value)| (&**name, &**value));
        let message = to_kafka(given(), None, IDS).unwrap();
        let names: Vec<_> = message.headers.iter().map(|(name, _)| &**name).collect();
        // As the package's own dictionary has them.
        assert_eq!(
            names,
            [
                "ce_specversion",
                "content-type",
                "ce_datacontenttype",
                "ce_type",
                "ce_id",
                "ce_source",
                "ce_time",
                "ce_minorversion",
                "sourcehost",
                "sourcelib",
            ]
        );
        assert_eq!(message.headers[1].1, "application/avro");
        assert_eq!(message.key, None);
        let data = recorded.data();
        assert_eq!(
            frame::open(message.value.as_ref().unwrap()),
            Some((7, &data[..]))
        );

        let expected = decode(given(), &known, UnknownSchema::Declared).unwrap();
        let schema = encode(&expected, &known).unwrap().schema;
        let event = read(&message, &schema);
        assert_eq!(event.data(), expected.data());
        assert_eq!(event.source(), expected.source());
        assert_eq!(event.time(), expected.time());
        assert_eq!(event.sourcehost(), expected.sourcehost());
        assert_eq!(event.dataschema(), Some(&*schema.urn()));
        assert!(event.extensions().eq(expected.extensions()));
        // And from Kafka to Redis and back.
        let again = to_kafka(borrowed(&encode(&event, &known).unwrap()), None, IDS).unwrap();
        assert_eq!(again, message);
    }
}

#[test]
fn the_key_is_an_avro_string_in_a_frame_or_what_the_caller_has() {
    let known = known();
    let event = event().partition_key("Zoë").build().unwrap();
    let encoded = encode(&event, &known).unwrap();
    let message = to_kafka(borrowed(&encoded), None, IDS).unwrap();
    assert_eq!(
        message.key.as_deref(),
        Some("\0\0\0\u{1}\u{2}\u{8}Zoë".as_bytes())
    );
    assert_eq!(read(&message, &encoded.schema).partition_key(), Some("Zoë"));
    assert!(
        !headers(&message)
            .iter()
            .any(|(name, _)| name.contains("key"))
    );

    let message = to_kafka(borrowed(&encoded), Some(&[0x0e]), IDS).unwrap();
    assert_eq!(message.key.as_deref(), Some(&[0, 0, 0, 1, 2, 0x0e][..]));
    // A number is no text: the event runs unordered among those of its partition.
    assert_eq!(read(&message, &encoded.schema).partition_key(), None);
}

#[test]
fn what_loses_something_in_its_header_has_another() {
    let event = event()
        .source("openedx")
        .time_text("2026-11-23T22:26:15.021067+01:00")
        .subject("s")
        .dataschema("https://example.org/a")
        .extension("x", true)
        .build()
        .unwrap();
    let known = known();
    let encoded = encode(&event, &known).unwrap();
    let message = to_kafka(borrowed(&encoded), None, IDS).unwrap();
    let headers = headers(&message);
    let header = |wanted: &str| {
        let found = headers.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| std::str::from_utf8(value).unwrap())
    };
    assert_eq!(header("ce_time"), Some("2026-11-23T21:26:15.021067+00:00"));
    assert_eq!(
        header("tidings_time"),
        Some("2026-11-23T22:26:15.021067+01:00")
    );
    assert_eq!(header("ce_source"), Some("openedx"));
    assert_eq!(header("tidings_source"), Some("openedx"));
    assert_eq!(header("ce_subject"), Some("s"));
    assert_eq!(header("ce_dataschema"), Some("https://example.org/a"));
    assert_eq!(header("ce_x"), Some("true"));
    let again = read(&message, &encoded.schema);
    assert_eq!(again.time(), event.time());
    assert_eq!(again.source(), event.source());
    assert_eq!(again.dataschema(), event.dataschema());
}

#[test]
fn only_avro_in_a_frame_is_recognised() {
    let framed = frame::wrap(1, &[]);
    let recognise = |name: &str, media_type: &[u8], value: Option<&[u8]>| {
        KafkaMessage::recognise([("ce_id", &b"1"[..]), (name, media_type)], value)
    };
    for (name, media_type) in [
        ("content-type", &b"application/avro"[..]),
        ("Content-Type", b"Application/Avro; x=y"),
        ("ce_datacontenttype", b"application/vnd.apache.avro"),
        ("content-type", b"avro/binary"),
    ] {
        assert!(recognise(name, media_type, Some(&framed)));
        assert!(!recognise(name, media_type, Some(b"\x01\0\0\0\0")));
        assert!(!recognise(name, media_type, Some(b"\0\0\0\0")));
        assert!(!recognise(name, media_type, None));
    }
    assert!(!recognise(
        "content-type",
        b"application/json",
        Some(&framed)
    ));
    assert!(!recognise("x", b"application/avro", Some(&framed)));
}

#[test]
fn bad_messages_name_the_header() {
    let head = [
        ("ce_specversion", &b"1.0"[..]),
        ("ce_type", b"org.example.made.v1"),
        ("ce_id", b"1"),
    ];
    let value = frame::wrap(7, &[0x0e, 0]);
    let refused = |changes: &[(&'static str, &'static [u8])]| {
        let kept = head
            .into_iter()
            .filter(|(name, _)| changes.iter().all(|(n, _)| n != name));
        let headers: Vec<_> = kept.chain(changes.iter().copied()).collect();
        let read = KafkaMessage::parse(headers, None, &value);
        read.and_then(|m| m.decode(&Schema::parse(crate::entry::SCHEMA).unwrap()))
            .map_err(|e| (e.kind(), e.to_string()))
    };
    let event = refused(&[
        ("sourcelib", b""),
        ("unknown", b"\xff"),
        ("tidings_x", b"\xff"),
    ])
    .unwrap();
    assert_eq!(event.source(), "/openedx/SERVICE_NAME_UNSET/web");
    assert_eq!(event.extension("minorversion"), Some(&Value::from(0)));
    for (change, name) in [
        (("ce_specversion", &b"0.3"[..]), "ce_specversion"),
        (("ce_type", b""), "ce_type"),
        (("ce_id", b""), "ce_id"),
        (("ce_id", b"\xff"), "ce_id"),
        (("ce_minorversion", b"-1"), "ce_minorversion"),
        (("ce_time", b"now"), "time"),
        (("ce_time\n", b"now"), ""),
        (("sourcehost", b"\xff"), "sourcehost"),
    ] {
        match refused(&[change]) {
            Err((kind, text)) => {
                assert_eq!(kind, ErrorKind::Malformed);
                assert!(text.contains(&format!("`{name}`")), "{text}");
            }
            Ok(_) => assert_eq!(name, "", "{change:?}"),
        }
    }
    let (kind, text) = refused(&[("ce_source", b"a"), ("ce_source", b"b")]).unwrap_err();
    assert_eq!(
        (kind, text.contains("`ce_source`")),
        (ErrorKind::Malformed, true)
    );
    assert!(refused(&[("ce_source", b"a"), ("ce_source", b"a")]).is_ok());
    let unframed = KafkaMessage::parse(head, None, b"{}").unwrap_err();
    assert_eq!(unframed.kind(), ErrorKind::Unrecognised);
    let message = KafkaMessage::parse(head, None, &value).unwrap();
    let other = Schema::parse(r#""string""#).unwrap();
    assert_eq!(
        message.decode(&other).unwrap_err().kind(),
        ErrorKind::Payload
    );
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn every_writable_event_is_read_back_from_kafka_as_it_was(event in writable()) {
        let encoded = encode(&event, &known()).unwrap();
        let message = to_kafka(borrowed(&encoded), None, IDS).unwrap();
        let read = read(&message, &encoded.schema);
        prop_assert_eq!(read.id(), event.id());
        prop_assert_eq!(read.source(), event.source());
        prop_assert_eq!(read.time(), event.time());
        prop_assert_eq!(read.subject(), event.subject());
        prop_assert_eq!(read.datacontenttype(), event.datacontenttype());
        let urn = encoded.schema.urn();
        prop_assert_eq!(read.dataschema(), event.dataschema().or(Some(&*urn)));
        prop_assert_eq!(read.data(), event.data());
        prop_assert_eq!(read.extensions().count(), event.extensions().count());
        for (name, value) in event.extensions() {
            prop_assert_eq!(read.extension(name).map(Value::text), Some(value.text()), "{}", name);
        }
    }

    #[test]
    fn arbitrary_messages_never_panic(
        headers in prop::collection::vec(
            (
                prop::sample::select(vec![
                    "ce_type", "ce_id", "ce_source", "ce_time", "ce_minorversion", "sourcehost",
                    "content-type", "ce_x", "tidings_time", "ce_partitionkey", "other",
                ]),
                prop::collection::vec(any::<u8>(), 0..12),
            ),
            0..10,
        ),
        key in prop::option::of(prop::collection::vec(any::<u8>(), 0..12)),
        value in prop::collection::vec(any::<u8>(), 0..16),
    ) {
        let headers = headers.iter().map(|(name, value)| (*name, &**value));
        let _ = KafkaMessage::recognise(headers.clone(), Some(&value));
        if let Ok(message) = KafkaMessage::parse(headers, key.as_deref(), &value) {
            let _ = message.decode(&Schema::parse(crate::entry::SCHEMA).unwrap());
        }
    }
}
