//! What an Avro schema says of payloads in JSON, held against the codec.

use serde_json::{Value, json};
use tidings_catalog::{Catalog, Payload};

/// Every payload that differs from this one in one place.
fn altered(value: &Value) -> Vec<Value> {
    let others = [
        json!(null),
        json!("text"),
        json!(1),
        json!(1.5),
        json!(true),
        json!([]),
        json!({}),
    ];
    let mut altered: Vec<Value> = others.to_vec();
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let mut without = members.clone();
                without.remove(name);
                altered.push(Value::Object(without));
                for other in self::altered(member) {
                    let mut with = members.clone();
                    with.insert(name.clone(), other);
                    altered.push(Value::Object(with));
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                for other in self::altered(item) {
                    let mut with = items.clone();
                    with[index] = other;
                    altered.push(Value::Array(with));
                }
            }
        }
        _ => {}
    }
    altered
}

fn judged_alike(payload: &Payload, examples: &[Value]) -> usize {
    let schema = payload.json_schema();
    assert!(jsonschema::meta::is_valid(&schema), "{schema:#}");
    let judge = jsonschema::validator_for(&schema).unwrap();
    let mut judged = 0;
    for example in examples {
        assert!(judge.is_valid(example), "{example:#}\n{schema:#}");
        for other in altered(example) {
            let codec = payload.check(&other).is_empty();
            assert_eq!(judge.is_valid(&other), codec, "{other}\n{schema:#}");
            judged += 1;
        }
    }
    judged
}

#[test]
fn the_events_of_open_edx_are_judged_as_the_codec_judges_them() {
    let mut judged = 0;
    for event in Catalog::openedx().events() {
        if let Payload::Avro(_) = &event.payload {
            let examples: Vec<Value> = event.examples.iter().map(|e| e.data.clone()).collect();
            judged += judged_alike(&event.payload, &examples);
        }
    }
    assert!(judged > 3_000, "{judged}");
}

#[test]
fn every_kind_of_schema_is_judged_as_the_codec_judges_it() {
    let schema = json!({"type": "record", "name": "a.Node", "fields": [
        {"name": "small", "type": "int"},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["x", "y"]}},
        {"name": "raw", "type": "bytes"},
        {"name": "mark", "type": {"type": "fixed", "name": "Mark", "size": 2}},
        {"name": "scores", "type": {"type": "map", "values": "double"}},
        {"name": "either", "type": ["null", {"type": "array", "items": "Kind"}, "string"]},
        {"name": "next", "type": ["null", "Node"], "default": null},
    ]});
    let catalog =
        Catalog::from_texts([("org.example.a.b.created.v1.avsc", schema.to_string())]).unwrap();
    let event = catalog.event("org.example.a.b.created.v1").unwrap();
    let node = |next: Value| {
        json!({
            "small": 2_147_483_647, "kind": "x", "raw": "\u{ff}", "mark": "ab",
            "scores": {"a": 1.5}, "either": ["x"], "next": next,
        })
    };
    let mut examples = vec![node(Value::Null), node(node(Value::Null))];
    assert!(judged_alike(&event.payload, &examples) > 100);
    for (name, value) in [
        ("small", json!(2_147_483_648_u32)),
        ("raw", json!("\u{100}")),
        ("mark", json!("abc")),
    ] {
        examples[0][name] = value;
        let judge = jsonschema::validator_for(&event.payload.json_schema()).unwrap();
        assert!(!judge.is_valid(&examples[0]), "{name}");
        assert!(!event.payload.check(&examples[0]).is_empty(), "{name}");
        examples[0] = node(Value::Null);
    }
}
