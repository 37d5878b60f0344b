//! The bodies of the fuzz targets, on input that is almost right.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof, proptest};
use tidings_event::{http, json, kafka};

use crate::{arbitrary, fuzz_bodies};

/// A valid input with a few bytes changed, inserted or cut, or anything at all.
fn mangled(valid: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let byte = || {
        prop_oneof![
            any::<u8>(),
            proptest::sample::select(b"{}[]\",:\\ \n0-.eunt%\x00\xff".to_vec()),
        ]
    };
    let edits = vec((any::<proptest::sample::Index>(), 0..4_u8, byte()), 0..4);
    let edited = (valid, edits).prop_map(|(mut input, edits)| {
        for (at, kind, byte) in edits {
            if input.is_empty() {
                break;
            }
            let at = at.index(input.len());
            match kind {
                0 => input[at] = byte,
                1 => input.insert(at, byte),
                2 => drop(input.remove(at)),
                _ => input.truncate(at),
            }
        }
        input
    });
    prop_oneof![8 => edited, 1 => vec(byte(), 0..200)]
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    arbitrary::event().prop_map(|event| {
        let message = http::encode(&event).expect("no charset but UTF-8");
        let lines = message
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"));
        let mut input = lines.collect::<String>().into_bytes();
        input.push(b'\n');
        input.extend_from_slice(&message.body);
        input
    })
}

fn kafka_message() -> impl Strategy<Value = Vec<u8>> {
    let modes = proptest::sample::select(vec![kafka::Mode::Binary, kafka::Mode::Structured]);
    (arbitrary::event(), modes).prop_map(|(event, mode)| {
        let message = kafka::encode(&event, mode).expect("no charset but UTF-8");
        let mut input = Vec::new();
        for (name, value) in &message.headers {
            input.extend_from_slice(name.as_bytes());
            input.push(b':');
            input.extend_from_slice(value);
            input.push(b'\n');
        }
        input.push(b'\n');
        input.extend_from_slice(&message.value.unwrap_or_default());
        input
    })
}

proptest! {
    #[test]
    fn structured(input in mangled(arbitrary::event().prop_map(|event| event.to_json()))) {
        fuzz_bodies::structured(&input);
    }

    #[test]
    fn batch(input in mangled(vec(arbitrary::event(), 0..3).prop_map(|e| json::encode_batch(&e)))) {
        fuzz_bodies::batch(&input);
    }

    #[test]
    fn binary_mode(input in mangled(message())) {
        fuzz_bodies::binary_mode(&input);
    }

    #[test]
    fn message_of_kafka(input in mangled(kafka_message())) {
        fuzz_bodies::kafka_message(&input);
    }

    #[test]
    fn text(
        time in mangled(arbitrary::time().prop_map(|time| time.as_str().as_bytes().to_vec())),
        path in "[a-z.]{0,9}",
        json in mangled(arbitrary::json().prop_map(|json| json.as_str().as_bytes().to_vec())),
    ) {
        fuzz_bodies::text(&time);
        fuzz_bodies::text(&[path.as_bytes(), b"\n", &json].concat());
    }
}

/// Inputs that were found to fail.
#[test]
fn what_failed_once() {
    fuzz_bodies::kafka_message(b"ce_:;#\x01\x80;\n");
}
