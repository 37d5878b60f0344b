//! The Avro codec against the schemas and the bytes of the real Open edX packages.

use std::collections::BTreeMap;

use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop, prop_oneof};
use proptest::test_runner::TestRunner;
use serde_json::Value;
use tidings_event::avro::{ErrorKind, Schema, decode_to_json, encode_from_json};

use crate::fixtures::{cases, entries, schema_texts};

/// Equality of documents. `serde_json` reads some doubles one unit off in the last place, so
/// they are compared nearly here; that they are exact shows in the bytes they encode to.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= a.abs() * 1e-15
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let both = |key: &String, a| b.get(key).is_some_and(|b| same(a, b));
            a.len() == b.len() && a.iter().all(|(key, a)| both(key, a))
        }
        (a, b) => a == b,
    }
}

#[test]
fn real_entries_decode_to_the_record_that_was_written_and_back_to_the_same_bytes() {
    let schemas = schema_texts();
    for entry in entries() {
        let (event_type, data, record) = (&entry.event_type, entry.data(), entry.record.get());
        let schema = Schema::parse(&schemas[event_type]).unwrap();
        let json = decode_to_json(&schema, &data).unwrap();
        let decoded: Value = serde_json::from_slice(&json).unwrap();
        let written: Value = serde_json::from_str(record).unwrap();
        assert!(same(&decoded, &written), "{event_type}: {decoded}");
        assert_eq!(encode_from_json(&schema, &json).unwrap(), data);
        // The record itself has its members in another order, and white space.
        assert_ne!(json, record.as_bytes());
        assert_eq!(encode_from_json(&schema, record.as_bytes()).unwrap(), data);
    }
}

#[test]
fn real_entries_cut_or_extended_anywhere_are_refused_or_decode_to_something_that_reencodes() {
    let schemas = schema_texts();
    for entry in entries() {
        let (event_type, data) = (&entry.event_type, entry.data());
        let schema = Schema::parse(&schemas[event_type]).unwrap();
        for length in 0..data.len() {
            let error = decode_to_json(&schema, &data[..length]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Truncated, "{event_type}");
        }
        let longer = [&data[..], &[0]].concat();
        let error = decode_to_json(&schema, &longer).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TrailingBytes);
        for position in 0..data.len() {
            let mut damaged = data.clone();
            damaged[position] ^= 1 << (position % 8);
            if let Ok(json) = decode_to_json(&schema, &damaged) {
                encode_from_json(&schema, &json).unwrap();
            }
        }
    }
}

/// Values that a schema allows, as JSON. Wide enough for the schemas of Open edX.
fn value_of(schema: &Value, names: &mut BTreeMap<String, Value>) -> BoxedStrategy<Value> {
    let integer = |value: i64| Value::from(value);
    match schema {
        Value::String(name) => match name.as_str() {
            "null" => Just(Value::Null).boxed(),
            "boolean" => any::<bool>().prop_map(Value::from).boxed(),
            "int" => any::<i32>().prop_map(Value::from).boxed(),
            "long" => any::<i64>().prop_map(integer).boxed(),
            "double" => prop::num::f64::NORMAL.prop_map(Value::from).boxed(),
            "string" => ".*".prop_map(Value::from).boxed(),
            name => value_of(&names[name].clone(), names),
        },
        Value::Array(branches) => {
            let branches: Vec<_> = branches.iter().map(|b| value_of(b, names)).collect();
            prop::strategy::Union::new(branches).boxed()
        }
        Value::Object(object) => match object["type"].as_str().unwrap() {
            "array" => prop::collection::vec(value_of(&object["items"], names), 0..5)
                .prop_map(Value::from)
                .boxed(),
            "map" => prop::collection::btree_map(".*", value_of(&object["values"], names), 0..5)
                .prop_map(|map| Value::from(map.into_iter().collect::<serde_json::Map<_, _>>()))
                .boxed(),
            "record" => {
                names.insert(object["name"].as_str().unwrap().to_owned(), schema.clone());
                let fields: Vec<_> = object["fields"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|field| {
                        let name = field["name"].as_str().unwrap().to_owned();
                        value_of(&field["type"], names).prop_map(move |v| (name.clone(), v))
                    })
                    .collect();
                fields
                    .prop_map(|fields| {
                        Value::from(fields.into_iter().collect::<serde_json::Map<_, _>>())
                    })
                    .boxed()
            }
            primitive => value_of(&Value::from(primitive), names),
        },
        _ => unreachable!("the schemas of the catalog parse"),
    }
}

#[test]
fn random_values_of_every_real_schema_survive_the_round_trip() {
    for (event_type, text) in schema_texts() {
        let schema = Schema::parse(&text).unwrap();
        let strategy = value_of(&serde_json::from_str(&text).unwrap(), &mut BTreeMap::new());
        let canonical = Schema::parse(schema.canonical_form()).unwrap();
        assert_eq!(canonical.canonical_form(), schema.canonical_form());
        let mut runner = TestRunner::new(cases(48));
        runner
            .run(&strategy, |value| {
                let bytes = encode_from_json(&schema, value.to_string().as_bytes()).unwrap();
                let json = decode_to_json(&schema, &bytes).unwrap();
                let decoded: Value = serde_json::from_slice(&json).unwrap();
                assert!(same(&decoded, &value), "{decoded}");
                assert_eq!(encode_from_json(&schema, &json).unwrap(), bytes);
                Ok(())
            })
            .unwrap_or_else(|e| panic!("{event_type}: {e}"));
    }
}

#[test]
fn arbitrary_bytes_never_panic_and_what_decodes_can_be_encoded() {
    let schemas: Vec<_> = schema_texts()
        .values()
        .map(|text| Schema::parse(text).unwrap())
        .collect();
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        // Small numbers are what lengths, counts and branches look like.
        prop::collection::vec(0_u8..8, 0..200),
    ];
    let mut runner = TestRunner::new(cases(256));
    runner
        .run(&bytes, |bytes| {
            for schema in &schemas {
                if let Ok(json) = decode_to_json(schema, &bytes) {
                    encode_from_json(schema, &json).unwrap();
                }
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn damaged_schemas_never_panic() {
    let texts: Vec<_> = schema_texts().into_values().collect();
    let damage = (
        0..texts.len(),
        any::<prop::sample::Index>(),
        ".{0,4}",
        0_usize..8,
    );
    let mut runner = TestRunner::new(cases(512));
    runner
        .run(&damage, |(which, at, with, remove)| {
            let mut text: Vec<char> = texts[which].chars().collect();
            let start = at.index(text.len());
            let end = (start + remove).min(text.len());
            text.splice(start..end, with.chars());
            let text: String = text.into_iter().collect();
            if let Ok(schema) = Schema::parse(&text) {
                assert_eq!(schema.fingerprint().len(), 64);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn every_double_and_float_that_is_a_number_keeps_its_bits() {
    let schema = |name: &str| Schema::parse(&format!("\"{name}\"")).unwrap();
    let (double, float) = (schema("double"), schema("float"));
    let mut runner = TestRunner::new(cases(4096));
    runner
        .run(&any::<u64>(), |bits| {
            let bytes = bits.to_le_bytes();
            match decode_to_json(&double, &bytes) {
                Ok(json) => assert_eq!(encode_from_json(&double, &json).unwrap(), bytes),
                Err(e) => {
                    assert_eq!(e.kind(), ErrorKind::OutOfRange);
                    assert!(!f64::from_bits(bits).is_finite());
                }
            }
            let bytes = (bits as u32).to_le_bytes();
            match decode_to_json(&float, &bytes) {
                Ok(json) => assert_eq!(encode_from_json(&float, &json).unwrap(), bytes),
                Err(e) => {
                    assert_eq!(e.kind(), ErrorKind::OutOfRange);
                    assert!(!f32::from_bits(bits as u32).is_finite());
                }
            }
            Ok(())
        })
        .unwrap();
}
