//! Entries as the real producer wrote them, and events as entries.

use serde_json::Value as Json;
use tidings_event::openedx::{Encoded, Entry, EntryForm, ErrorKind, UnknownSchema, decode, encode};
use tidings_event::{Event, Value};

use crate::fixtures::{Known, entries};

pub const MADE: &str = "org.example.made.v1";
pub const SCHEMA: &str = r#"{"type": "record", "name": "A", "fields": [
    {"name": "n", "type": "long"}, {"name": "s", "type": ["null", "string"], "default": null}]}"#;
const LATER: &str = r#"{"type": "record", "name": "A", "fields": [
    {"name": "new", "type": "boolean", "default": false},
    {"name": "n", "type": "long"}, {"name": "s", "type": ["null", "string"], "default": null}]}"#;

pub fn known() -> Known {
    let mut known = Known::default();
    known.insert(MADE, 0, SCHEMA);
    known
}

/// The fields that make an entry complete, some of them replaced or, with an empty value, absent.
fn fields(changes: &[(&'static str, &'static [u8])]) -> Vec<(&'static str, &'static [u8])> {
    let mut fields: Vec<(&str, &[u8])> = vec![
        ("type", MADE.as_bytes()),
        ("id", b"8353e8ea-e784-11f1-8511-02fc00000001"),
        ("source", b"openedx/lms/web"),
        ("time", b"2026-11-23T21:26:15.021067+00:00"),
        ("minorversion", b"0"),
        ("sourcehost", b"vm"),
        ("sourcelib", b"10.5.0"),
        ("event_data", &[0x0e, 0x00]),
    ];
    for (name, value) in changes {
        fields.retain(|(other, _)| other != name);
        if !value.is_empty() {
            fields.push((name, value));
        }
    }
    fields
}

fn read(changes: &[(&'static str, &'static [u8])]) -> Result<Event, ErrorKind> {
    decode(fields(changes), &known(), UnknownSchema::Declared).map_err(|e| e.kind())
}

pub fn borrowed(encoded: &Encoded) -> Vec<(&str, &[u8])> {
    let fields = encoded.fields.iter();
    fields.map(|(name, value)| (&**name, &**value)).collect()
}

fn field<'a>(encoded: &'a Encoded, wanted: &str) -> Option<&'a str> {
    let found = encoded.fields.iter().find(|(name, _)| name == wanted)?;
    Some(std::str::from_utf8(&found.1).unwrap())
}

/// An event that the wire can carry, to change.
pub fn event() -> tidings_event::EventBuilder {
    Event::builder(MADE)
        .id("8353e8ea-e784-11f1-8511-02fc00000001")
        .source("/openedx/lms/web")
        .time_text("2026-11-23T21:26:15.021067+00:00")
        .data_json(r#"{"n":7,"s":null}"#)
}

#[test]
fn real_entries_become_events_and_the_same_entries_again() {
    let known = Known::openedx();
    for recorded in entries() {
        let fields = recorded.fields();
        let text = |name: &str| {
            let found = fields.iter().find(|(other, _)| other == name).unwrap();
            String::from_utf8(found.1.clone()).unwrap()
        };
        let given = fields.iter().map(|(name, value)| (&**name, &**value));
        let event = decode(given, &known, UnknownSchema::Declared).unwrap();
        assert_eq!(event.event_type(), recorded.event_type);
        assert_eq!(event.id(), text("id"));
        assert_eq!(event.source(), format!("/{}", text("source")));
        assert_eq!(event.time().unwrap().as_str(), text("time"));
        assert_eq!(event.minorversion(), Some(0));
        assert_eq!(event.sourcehost(), Some(&*text("sourcehost")));
        assert_eq!(event.extension("sourcelib"), Some(&Value::from("10.5.0")));
        assert_eq!(event.extensions().count(), 3);
        assert_eq!(event.datacontenttype(), Some("application/json"));
        assert_eq!(event.dataschema(), None);
        let data: Json = serde_json::from_str(event.data().unwrap().as_json().unwrap()).unwrap();
        assert_eq!(
            data,
            serde_json::from_str::<Json>(recorded.record.get()).unwrap()
        );

        let encoded = encode(&event, &known).unwrap();
        let names: Vec<_> = encoded.fields.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names[8..], ["dataschema"]);
        for (ours, theirs) in encoded.fields.iter().zip(&fields) {
            assert_eq!((&*ours.0, &ours.1), (&*theirs.0, &theirs.1));
        }
        assert_eq!(field(&encoded, "dataschema"), Some(&*encoded.schema.urn()));
        // Read back it says which schema it was written with; the rest is the same.
        let again = decode(borrowed(&encoded), &known, UnknownSchema::Refuse).unwrap();
        assert_eq!(again.dataschema(), Some(&*encoded.schema.urn()));
        assert_eq!(again.data(), event.data());
        assert_eq!(encode(&again, &known).unwrap(), encoded);
    }
}

#[test]
fn entries_are_recognised_by_their_fields() {
    let form = |names: &[&str]| EntryForm::recognise(names.iter().copied());
    assert_eq!(form(&["ce"]), Ok(EntryForm::Native));
    assert_eq!(form(&["key", "ce"]), Ok(EntryForm::Native));
    assert_eq!(form(&["event_data", "x", "type"]), Ok(EntryForm::OpenEdx));
    for names in [&[][..], &["type"], &["event_data"], &["payload", "CE"]] {
        let error = form(names).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unrecognised);
        for name in names {
            assert!(error.to_string().contains(name));
        }
    }
    let native = Entry::parse([("ce", &b"{}"[..])]).unwrap_err();
    assert_eq!(native.kind(), ErrorKind::Unrecognised);
}

#[test]
fn missing_and_empty_fields_get_the_defaults_of_the_package() {
    let bare = read(&[
        ("id", b""),
        ("source", b""),
        ("time", b""),
        ("minorversion", b""),
        ("sourcehost", b""),
        ("sourcelib", b""),
    ])
    .unwrap();
    assert_eq!(bare.id().len(), 36);
    assert_eq!(bare.source(), "/openedx/SERVICE_NAME_UNSET/web");
    assert_eq!(bare.minorversion(), Some(0));
    // The package would make these up from the reader's own clock and host.
    assert_eq!((bare.time(), bare.sourcehost()), (None, None));
    let mut with_empty = fields(&[]);
    with_empty.retain(|(name, _)| *name != "sourcehost");
    with_empty.push(("sourcehost", b""));
    with_empty.push(("unknown", b"\xff"));
    let event = decode(with_empty, &known(), UnknownSchema::Declared).unwrap();
    assert_eq!(event.sourcehost(), None);
}

#[test]
fn fields_that_cannot_be_read_are_refused_by_name() {
    for (name, value) in [
        ("type", &b"\xff"[..]),
        ("id", b"\xff"),
        ("id", b"a\nb"),
        ("source", b"a b"),
        ("time", b"yesterday"),
        ("time", b"2026-11-23T21:26:15"),
        ("minorversion", b"one"),
        ("minorversion", b"-1"),
        ("minorversion", b"4294967296"),
        ("key", b"a\0b"),
        ("dataschema", b"not a uri"),
        ("ce_tenant", b"\xff"),
    ] {
        let error =
            decode(fields(&[(name, value)]), &known(), UnknownSchema::Declared).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{name}");
        assert!(
            error.to_string().contains(name.trim_start_matches("ce_")),
            "{error}"
        );
        if let Ok(value) = std::str::from_utf8(value) {
            assert!(
                !error.to_string().contains(&format!("`{value}`")),
                "{error}"
            );
        }
    }
    let twice = fields(&[]).into_iter().chain([("id", &b"other"[..])]);
    let error = decode(twice, &known(), UnknownSchema::Declared).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

#[test]
fn payloads_that_do_not_fit_are_refused_with_the_path() {
    for data in [
        &[0x0e][..],
        &[0x0e, 0x00, 0x00],
        &[0x0e, 0x04],
        &[0x0e, 0x02, 0x02, 0xff],
    ] {
        assert_eq!(read(&[("event_data", data)]), Err(ErrorKind::Payload));
    }
    let event = event().data_json(r#"{"n": 1, "s": 5}"#).build().unwrap();
    let error = encode(&event, &known()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Payload);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "s: a number is none of the union's types");
}

#[test]
fn the_fingerprint_decides_and_the_policy_where_there_is_none() {
    let mut known = known();
    known.insert(MADE, 1, LATER);
    let event = |minor| event().minorversion(minor).build().unwrap();
    let (old, new) = (
        encode(&event(0), &known).unwrap(),
        encode(&event(1), &known).unwrap(),
    );
    assert_ne!(old.schema, new.schema);
    // A newest version for an event that names none, and the field says so.
    let unnamed = self::event().build().unwrap();
    assert_eq!(
        field(&encode(&unnamed, &known).unwrap(), "minorversion"),
        Some("1")
    );

    // With fingerprints both are read whatever is assumed.
    for assume in [
        UnknownSchema::Refuse,
        UnknownSchema::Minor(0),
        UnknownSchema::Minor(1),
    ] {
        for encoded in [&old, &new] {
            let event = decode(borrowed(encoded), &known, assume).unwrap();
            assert!(
                event
                    .data()
                    .unwrap()
                    .as_json()
                    .unwrap()
                    .contains(r#""n":7,"s":null"#)
            );
        }
    }
    let bare = |encoded: &Encoded, unknown| {
        let fields = borrowed(encoded)
            .into_iter()
            .filter(|(name, _)| *name != "dataschema");
        decode(fields, &known, unknown).map_err(|e| e.kind())
    };
    assert_eq!(bare(&old, UnknownSchema::Refuse), Err(ErrorKind::Unnamed));
    assert!(bare(&new, UnknownSchema::Declared).is_ok());
    assert!(bare(&new, UnknownSchema::Minor(1)).is_ok());
    assert_eq!(
        bare(&new, UnknownSchema::Minor(2)),
        Err(ErrorKind::UnknownSchema)
    );
    assert_eq!(
        bare(&new, UnknownSchema::Minor(u32::MAX)),
        Err(ErrorKind::UnknownSchema)
    );
    // Of a wrong assumption an error tells only if the bytes happen not to fit.
    assert_eq!(bare(&new, UnknownSchema::Minor(0)), Err(ErrorKind::Payload));
    // A reader who does not have the schema.
    let error = decode(borrowed(&new), &self::known(), UnknownSchema::Declared).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownFingerprint);
    let fields = borrowed(&new);
    let entry = Entry::parse(fields).unwrap();
    assert_eq!(entry.fingerprint(), Some(new.schema.fingerprint()));
    assert!(entry.decode(&new.schema).is_ok());
}

#[test]
fn the_definition_decides_what_is_written_and_else_the_schema_it_came_with() {
    let mut known = known();
    known.insert(MADE, 1, LATER);
    let newer = encode(&event().minorversion(1).build().unwrap(), &known).unwrap();
    let read = decode(borrowed(&newer), &known, UnknownSchema::Refuse).unwrap();
    // The same event at a minor version that has another definition.
    let mut moved = read.clone();
    moved.set_extension("minorversion", 0).unwrap();
    let error = encode(&moved, &known).unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Payload,
        "it has a field that the older one lacks"
    );
    // And at one that has none.
    moved.set_extension("minorversion", 7).unwrap();
    assert_eq!(encode(&moved, &known).unwrap().schema, newer.schema);
}

#[test]
fn what_the_packages_readers_would_drop_is_not_written() {
    let refused = |event: Event| {
        let error = encode(&event, &known()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unwritable, "{error}");
        error.to_string()
    };
    assert!(refused(event().id("42").build().unwrap()).contains("`id`"));
    assert!(refused(event().extension("minorversion", "two").build().unwrap()).contains("minor"));
    assert!(refused(event().minorversion(-1).build().unwrap()).contains("minor"));
    assert!(refused(event().data_text("text/xml", "<a/>").build().unwrap()).contains("`data`"));
    assert!(refused(event().time_text("0000-01-01T00:00:00Z").build().unwrap()).contains("`time`"));
    let other = Event::builder("org.example.unknown.v1")
        .source("/a")
        .build()
        .unwrap();
    assert_eq!(
        encode(&other, &known()).unwrap_err().kind(),
        ErrorKind::UnknownSchema
    );
}

#[test]
fn times_are_written_as_python_writes_them_and_read_back_as_they_were() {
    for (text, wire) in [
        (
            "2026-11-23T20:57:12.222128+00:00",
            "2026-11-23T20:57:12.222128+00:00",
        ),
        ("2026-11-23T20:57:12+00:00", "2026-11-23T20:57:12+00:00"),
        ("2026-11-23T20:57:12Z", "2026-11-23T20:57:12+00:00"),
        (
            "2026-11-23T22:57:12.5+02:00",
            "2026-11-23T20:57:12.500000+00:00",
        ),
        (
            "2026-11-23T20:57:12.123456789Z",
            "2026-11-23T20:57:12.123456+00:00",
        ),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59+00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
    ] {
        let event = event().time_text(text).build().unwrap();
        let encoded = encode(&event, &known()).unwrap();
        assert_eq!(field(&encoded, "time"), Some(wire));
        assert_eq!(field(&encoded, "ce_time"), (text != wire).then_some(text));
        let read = decode(borrowed(&encoded), &known(), UnknownSchema::Refuse).unwrap();
        assert_eq!(read.time().unwrap().as_str(), text);
    }
}

/// openedx-events 11.1.0, `discussions.configuration.changed.v1`: a field that came in the middle of
/// the record made readers of the older schema take a False for the True before it, without an error.
#[test]
fn a_field_inserted_mid_record_makes_no_true_of_a_false() {
    const OLDER: &str = r#"{"type": "record", "name": "A", "fields": [
        {"name": "in_context", "type": "boolean"}, {"name": "graded", "type": "boolean"},
        {"name": "posts", "type": "string"}]}"#;
    const NEWER: &str = r#"{"type": "record", "name": "A", "fields": [
        {"name": "in_context", "type": "boolean"}, {"name": "enabled", "type": "boolean"},
        {"name": "graded", "type": "boolean"}, {"name": "posts", "type": "string"}]}"#;
    let mut known = Known::default();
    known.insert(MADE, 0, OLDER);
    known.insert(MADE, 1, NEWER);
    let data = r#"{"in_context":true,"enabled":true,"graded":false,"posts":""}"#;
    let newer = event().minorversion(1).data_json(data).build().unwrap();
    let encoded = encode(&newer, &known).unwrap();

    // By the fingerprint it is read with the schema it was written with, whatever is assumed.
    for assume in [UnknownSchema::Declared, UnknownSchema::Minor(0)] {
        let read = decode(borrowed(&encoded), &known, assume).unwrap();
        assert_eq!(read.data().unwrap().as_json().unwrap(), data);
    }
    // As the packages write it there is no fingerprint, and their minor version is always 0: the
    // byte of `enabled` would be `graded`. What is left over betrays it: no event, but an error.
    let bare: Vec<(&str, &[u8])> = borrowed(&encoded)
        .into_iter()
        .filter(|(name, _)| *name != "dataschema")
        .map(|(name, value)| match name {
            "minorversion" => (name, &b"0"[..]),
            _ => (name, value),
        })
        .collect();
    let error = decode(bare.clone(), &known, UnknownSchema::Declared).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Payload, "{error}");
    let error = decode(bare, &known, UnknownSchema::Refuse).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unnamed, "{error}");
}
