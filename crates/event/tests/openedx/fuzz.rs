//! The bodies of the fuzz targets, on input that is almost right.

use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};

use crate::fixtures::{cases, entries, schema_texts};

#[path = "../../../../fuzz/src/openedx.rs"]
mod bodies;

/// Bytes with a few of them changed, removed or put in.
fn damaged(samples: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let edit = (
        any::<prop::sample::Index>(),
        0_usize..3,
        prop::collection::vec(any::<u8>(), 0..3),
    );
    let edits = prop::collection::vec(edit, 0..4);
    (prop::sample::select(samples), edits).prop_map(|(mut bytes, edits)| {
        for (at, remove, with) in edits {
            let start = at.index(bytes.len() + 1);
            let end = (start + remove).min(bytes.len());
            bytes.splice(start..end, with);
        }
        bytes
    })
}

fn payloads() -> Vec<Vec<u8>> {
    let mut payloads = vec![
        // A value of the schema that has the types Open edX does not use.
        b"\x04\x00\x08\x02\0\0\x80\x3f\x04\0\0\0\0\0\0\xf0\x3f\x06\x02\x08\x04\0\x02\0\x02\x02k\x02\xff\0ab\x02\x02".to_vec(),
        b"\x04{\"tree\":null,\"list\":[1,0.5,null],\"nothing\":[null],\"map\":{\"k\":\"\"},\"fixed\":\"ab\",\"mode\":\"b\"}".to_vec(),
    ];
    for entry in entries() {
        for schema in 0..4 {
            payloads.push([&[schema], &entry.data()[..]].concat());
            payloads.push([&[schema], entry.record.get().as_bytes()].concat());
        }
    }
    payloads
}

fn schemas() -> Vec<Vec<u8>> {
    let one_line = |text: String| text.replace('\n', " ").into_bytes();
    let mut schemas: Vec<_> = schema_texts().into_values().map(one_line).collect();
    schemas.push(br#"{"type":"record","name":"A","fields":[{"name":"a","type":["null","A"],"default":null}]}"#.to_vec());
    schemas
}

fn written_entries() -> Vec<Vec<u8>> {
    let entry = |id: &str, time: &str, more: &str| {
        let head = format!("id\0{id}\0source\0openedx/lms\0time\0{time}\0{more}");
        [head.as_bytes(), b"\xfe\0\0\0\0ab\x02\x02"].concat()
    };
    let id = "8353e8ea-e784-11f1-8511-02fc00000001";
    vec![
        entry(
            id,
            "2026-11-23T21:26:15.021067+00:00",
            "sourcelib\x0010.5.0\0key\0k\0",
        ),
        entry(
            id,
            "2026-11-23T21:26:15Z",
            "ce_time\x002026-11-23T21:26:15.5+01:00\0ce_x\0y\0",
        ),
        entry(
            "42",
            "",
            "minorversion\x003\0ce_subject\0s\0ce_dataschema\0urn:a:b\0",
        ),
    ]
}

fn written_messages() -> Vec<Vec<u8>> {
    let head = b"ce_source\0openedx/lms\0ce_time\x002026-11-23T21:26:15Z\0sourcelib\x001.2\0";
    let value = b"\xfe\0\0\0\0\x01\0\0\0ab\x02\x02";
    vec![
        [&head[..], value].concat(),
        [&b"tidings_time\0x\0ce_x\0y\0"[..], value].concat(),
    ]
}

/// Found by libFuzzer: a float in a union that also has double is written as the double.
#[test]
fn a_float_beside_a_double() {
    bodies::entry(b"\0\0\xfe\0\x02\x02\xf6\0\0\x59\0\0\0D@\0\0");
}

/// Found by libFuzzer: so many nulls, in blocks whose lengths allow it, that one block would not.
#[test]
fn nulls_in_redundant_blocks() {
    let mut input = b"\x04\0\0".to_vec();
    // 30,000 nulls are 150 kB of JSON: 1,500 bytes may say so, the three of one block may not.
    input.extend([40; 1_500]);
    input.extend(b"\0\0ab\0\0");
    bodies::payload(&input);
}

proptest! {
    #![proptest_config(cases(2048))]

    #[test]
    fn avro(input in prop_oneof![damaged(payloads()), prop::collection::vec(any::<u8>(), 0..64)]) {
        bodies::payload(&input);
    }

    #[test]
    fn message(input in damaged(written_messages())) {
        bodies::message(&input);
    }

    #[test]
    fn entry(input in damaged(written_entries())) {
        bodies::entry(&input);
    }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn avro_schema(input in damaged(schemas())) {
        bodies::schema(&input);
    }
}
