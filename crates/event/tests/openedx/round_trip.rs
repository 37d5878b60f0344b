//! Every event that the wire can carry, and fields that make no sense.

use std::borrow::Cow;

use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};
use tidings_event::openedx::{UnknownSchema, decode, encode};
use tidings_event::{Event, Value};

use crate::entry::{MADE, borrowed, event, known};
use crate::fixtures::cases;

/// Events that the wire can carry, with what is hard to carry.
pub fn writable() -> impl Strategy<Value = Event> {
    let text = "[ -~äß€😀]{1,12}";
    let source = prop_oneof![
        "/[a-z]{1,8}(/[a-z]{1,8}){0,2}",
        "//?[a-z]{0,4}:?[a-z]{0,4}",
        "[a-z]{1,8}(/[a-z]{1,8}){0,2}",
        Just("https://example.org/a".to_owned()),
        Just("urn:uuid:8353e8ea-e784-11f1-8511-02fc00000001".to_owned()),
    ];
    let time = (
        0_i64..4_000_000_000,
        prop::option::of("[0-9]{1,12}"),
        prop::sample::select(vec!["Z", "+00:00", "-05:30", "z"]),
    )
        .prop_map(|(seconds, fraction, offset)| {
            let start = jiff::Timestamp::from_second(seconds).unwrap().to_string();
            let fraction = fraction.map_or(String::new(), |f| format!(".{f}"));
            format!("{}{fraction}{offset}", start.trim_end_matches('Z'))
        });
    let extension = (
        "[a-z0-9]{1,8}",
        prop_oneof![
            text.prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
        ],
    );
    let attributes = (
        any::<u128>(),
        source,
        prop::option::of(time),
        prop::option::of(text),
        prop::sample::select(vec![
            "application/json",
            "application/a+json; charset=utf-8",
        ]),
        prop::sample::select(vec![None, Some("https://example.org/schema")]),
    );
    let extensions = (
        prop::option::of(text),
        prop::option::of("[0-9]{1,3}(\\.[0-9]{0,3}){0,2}"),
        prop::option::of("[a-z ]{0,8}"),
        prop::collection::vec(extension, 0..4),
    );
    (attributes, extensions, any::<i64>()).prop_map(|(attributes, extensions, n)| {
        let (id, source, time, subject, media_type, dataschema) = attributes;
        let (key, library, host, others) = extensions;
        let mut event = event()
            .id(uuid::Uuid::from_u128(id).to_string())
            .source(source)
            .minorversion(0)
            .datacontenttype(media_type)
            .data_json(format!(r#"{{"n":{n},"s":null}}"#));
        if let Some(time) = time {
            event = event.time_text(time);
        }
        if let Some(subject) = subject {
            event = event.subject(subject);
        }
        if let Some(dataschema) = dataschema {
            event = event.dataschema(dataschema);
        }
        if let Some(host) = host {
            event = event.extension("sourcehost", host);
        }
        if let Some(library) = library {
            event = event.extension("sourcelib", library);
        }
        if let Some(key) = key {
            event = event.partition_key(key);
        }
        let taken = ["id", "time", "type", "data", "source", "subject", "key"];
        for (name, value) in others {
            if !taken.contains(&&*name) {
                event = event.extension(&name, value);
            }
        }
        event.build().unwrap()
    })
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn every_writable_event_is_read_back_as_it_was(event in writable()) {
        let known = known();
        let encoded = encode(&event, &known).unwrap();
        let read = decode(borrowed(&encoded), &known, UnknownSchema::Refuse).unwrap();
        prop_assert_eq!(read.id(), event.id());
        prop_assert_eq!(read.source(), event.source());
        prop_assert_eq!(read.time(), event.time());
        prop_assert_eq!(read.subject(), event.subject());
        prop_assert_eq!(read.datacontenttype(), event.datacontenttype());
        let urn = encoded.schema.urn();
        prop_assert_eq!(read.dataschema(), event.dataschema().or(Some(&*urn)));
        prop_assert_eq!(read.data(), event.data());
        prop_assert_eq!(read.minorversion(), event.minorversion());
        prop_assert_eq!(read.extensions().count(), event.extensions().count());
        for (name, value) in event.extensions() {
            // The wire carries text.
            let read = read.extension(name).map(Value::text);
            prop_assert_eq!(read, Some(value.text()), "{}", name);
        }
    }

    #[test]
    fn arbitrary_fields_never_panic(
        fields in prop::collection::vec((
            prop_oneof![
                prop::sample::select(vec![
                    "type", "id", "source", "time", "minorversion", "sourcehost", "sourcelib",
                    "event_data", "key", "dataschema", "ce_subject", "ce_time", "ce_x",
                ]).prop_map(Cow::from),
                ".{0,8}".prop_map(Cow::from),
            ],
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                Just(MADE.as_bytes().to_vec()),
                Just(vec![0x0e, 0x00]),
            ],
        ), 0..12)
    ) {
        let given = fields.iter().map(|(name, value)| (&**name, &**value));
        if let Ok(event) = decode(given, &known(), UnknownSchema::Declared) {
            let again = Event::from_json(&event.to_json()).unwrap();
            prop_assert_eq!(again.id(), event.id());
        }
    }
}
