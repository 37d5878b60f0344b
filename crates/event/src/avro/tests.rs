//! Cases by hand: hostile bytes and hostile schemas.

mod errors;
mod random;

use super::{ErrorKind, MAX_DEPTH, Schema, decode_to_json, encode_from_json, fingerprint_of_urn};

fn schema(json: &str) -> Schema {
    Schema::parse(json).unwrap()
}

fn decode(json: &str, bytes: &[u8]) -> Result<String, ErrorKind> {
    decode_to_json(&schema(json), bytes)
        .map(|json| String::from_utf8(json).unwrap())
        .map_err(|e| e.kind())
}

fn encode(of: &str, json: &str) -> Result<Vec<u8>, ErrorKind> {
    encode_from_json(&schema(of), json.as_bytes()).map_err(|e| e.kind())
}

/// A long as Avro writes it.
fn long(value: i64) -> Vec<u8> {
    encode("\"long\"", &value.to_string()).unwrap()
}

const TREE: &str = r#"{"type": "record", "name": "Tree", "fields": [
    {"name": "left", "type": ["null", "Tree"], "default": null},
    {"name": "right", "type": ["null", "Tree"], "default": null}]}"#;

#[test]
fn integers_are_zigzag_and_keep_their_range() {
    for (value, bytes) in [
        (0, &[0][..]),
        (-1, &[1]),
        (63, &[0x7e]),
        (64, &[0x80, 0x01]),
        (
            i64::MIN,
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        ),
    ] {
        assert_eq!(long(value), bytes);
        assert_eq!(decode("\"long\"", bytes).unwrap(), value.to_string());
    }
    assert_eq!(
        encode("\"long\"", "9223372036854775808"),
        Err(ErrorKind::OutOfRange)
    );
    assert_eq!(encode("\"int\"", "2147483648"), Err(ErrorKind::OutOfRange));
    assert_eq!(encode("\"int\"", "-2147483648").unwrap().len(), 5);
    assert_eq!(
        decode("\"int\"", &long(i64::from(i32::MAX) + 1)),
        Err(ErrorKind::Invalid)
    );
    for fraction in ["1.0", "1e3", "1.5"] {
        assert_eq!(encode("\"long\"", fraction), Err(ErrorKind::WrongType));
    }
    assert_eq!(decode("\"long\"", &[0xff; 9]), Err(ErrorKind::Truncated));
    assert_eq!(decode("\"long\"", &[0xff; 11]), Err(ErrorKind::Invalid));
}

#[test]
fn numbers_that_json_or_the_type_cannot_express_are_refused() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(
            decode("\"double\"", &value.to_le_bytes()),
            Err(ErrorKind::OutOfRange)
        );
    }
    assert_eq!(encode("\"double\"", "1e400"), Err(ErrorKind::OutOfRange));
    assert_eq!(encode("\"float\"", "1e39"), Err(ErrorKind::OutOfRange));
    assert_eq!(encode("\"double\"", "3").unwrap(), 3_f64.to_le_bytes());
    // A digit that a hurried parser loses.
    assert_eq!(
        encode("\"double\"", "0.1e-6").unwrap(),
        1e-7_f64.to_le_bytes()
    );
    assert_eq!(decode("\"float\"", &0.1_f32.to_le_bytes()).unwrap(), "0.1");
}

#[test]
fn bytes_and_fixed_are_one_character_a_byte() {
    assert_eq!(
        decode("\"bytes\"", &[0x06, 0x00, b'a', 0xff]).unwrap(),
        "\"\\u0000a\u{ff}\""
    );
    assert_eq!(
        encode("\"bytes\"", "\"\\u0000a\u{ff}\"").unwrap(),
        [0x06, 0x00, b'a', 0xff]
    );
    assert_eq!(
        encode("\"bytes\"", "\"\u{100}\""),
        Err(ErrorKind::OutOfRange)
    );
    let fixed = r#"{"type": "fixed", "name": "Two", "size": 2}"#;
    assert_eq!(encode(fixed, "\"ab\"").unwrap(), b"ab");
    assert_eq!(encode(fixed, "\"abc\""), Err(ErrorKind::OutOfRange));
}

#[test]
fn enums_are_symbols() {
    let of = r#"{"type": "enum", "name": "Mode", "symbols": ["audit", "verified"]}"#;
    assert_eq!(decode(of, &[2]).unwrap(), "\"verified\"");
    assert_eq!(encode(of, "\"verified\"").unwrap(), [2]);
    assert_eq!(encode(of, "\"honor\""), Err(ErrorKind::OutOfRange));
    assert_eq!(decode(of, &[4]), Err(ErrorKind::Invalid));
    assert_eq!(decode(of, &[1]), Err(ErrorKind::Invalid));
}

#[test]
fn blocks_may_be_split_and_announce_their_length() {
    let of = r#"{"type": "array", "items": "long"}"#;
    assert_eq!(decode(of, &[2, 2, 4, 4, 6, 0]).unwrap(), "[1,2,3]");
    // -2 items in 2 bytes.
    assert_eq!(decode(of, &[3, 4, 2, 4, 0]).unwrap(), "[1,2]");
    assert_eq!(decode(of, &[3, 2, 2, 4, 0]), Err(ErrorKind::Invalid));
    assert_eq!(decode(of, &[3, 40, 2, 4, 0]), Err(ErrorKind::Truncated));
    assert_eq!(decode(of, &[3, 1, 2, 4, 0]), Err(ErrorKind::Invalid));
    assert_eq!(encode(of, "[]").unwrap(), [0]);
    assert_eq!(encode(of, "[1,2]").unwrap(), [4, 2, 4, 0]);
    let map = r#"{"type": "map", "values": "long"}"#;
    assert_eq!(
        decode(map, &[2, 2, b'a', 2, 2, 2, b'b', 4, 0]).unwrap(),
        r#"{"a":1,"b":2}"#
    );
    assert_eq!(
        decode(map, &[2, 2, b'a', 2, 2, 2, b'a', 4, 0]),
        Err(ErrorKind::Invalid)
    );
    assert_eq!(encode(map, r#"{"a":1,"a":2}"#), Err(ErrorKind::Json));
}

#[test]
fn counts_of_many_items_stand_before_them() {
    let of = r#"{"type": "array", "items": {"type": "array", "items": "int"}}"#;
    let ones = |n: usize| format!("[{}]", vec!["1"; n].join(","));
    for (n, count) in [(63, &[126][..]), (64, &[128, 1]), (8192, &[128, 128, 1])] {
        let list = [count, &vec![2; n], &[0]].concat();
        assert_eq!(
            encode(of, &format!("[{0}, [], {0}]", ones(n))).unwrap(),
            [&[6][..], &list, &[0], &list, &[0]].concat()
        );
    }
}

#[test]
fn huge_counts_end_without_memory_or_time() {
    let huge = [&long(i64::MAX)[..], &[0]].concat();
    let least = [&long(i64::MIN)[..], &[0, 0]].concat();
    for items in [
        r#""null""#,
        r#"{"type": "record", "name": "Empty", "fields": []}"#,
        r#"{"type": "fixed", "name": "None", "size": 0}"#,
        r#"{"type": "record", "name": "Nulls", "fields": [{"name": "a", "type": "null"}]}"#,
    ] {
        let of = format!(r#"{{"type": "array", "items": {items}}}"#);
        assert_eq!(decode(&of, &huge), Err(ErrorKind::TooLarge), "{items}");
        assert_eq!(decode(&of, &least), Err(ErrorKind::TooLarge), "{items}");
        assert!(decode(&of, &[6, 0]).is_ok(), "three of no bytes are honest");
    }
    let longs = r#"{"type": "array", "items": "long"}"#;
    assert_eq!(decode(longs, &huge[..9]), Err(ErrorKind::Truncated));
    for of in ["\"string\"", "\"bytes\""] {
        assert_eq!(decode(of, &huge), Err(ErrorKind::Truncated));
        assert_eq!(decode(of, &[1]), Err(ErrorKind::Invalid));
    }
    let fixed = r#"{"type": "fixed", "name": "Big", "size": 18446744073709551615}"#;
    assert_eq!(decode(fixed, &[0]), Err(ErrorKind::Truncated));
}

#[test]
fn depth_is_bounded_both_ways() {
    // Each 2 is "the branch Tree".
    assert_eq!(decode(TREE, &[2; 100_000]), Err(ErrorKind::TooDeep));
    let nest = |n: usize| "{\"left\":".repeat(n) + "null" + &"}".repeat(n);
    assert!(encode(TREE, &nest(MAX_DEPTH)).is_ok());
    assert_eq!(encode(TREE, &nest(100_000)), Err(ErrorKind::TooDeep));
    let deep = r#"{"type":"array","items":"#.repeat(5_000) + "\"long\"" + &"}".repeat(5_000);
    assert_eq!(Schema::parse(&deep).unwrap_err().kind(), ErrorKind::TooDeep);
    let brackets = "[".repeat(100_000);
    assert!(Schema::parse(&brackets).is_err());
    assert!(encode(TREE, &brackets).is_err());
    // A record that holds itself has no values.
    let endless =
        r#"{"type": "record", "name": "A", "fields": [{"name": "a", "type": "A", "default": {}}]}"#;
    assert_eq!(decode(endless, &[]), Err(ErrorKind::TooDeep));
    assert_eq!(encode(endless, "{}"), Err(ErrorKind::TooDeep));
}

#[test]
fn work_is_bounded_where_it_could_double_at_each_level() {
    // 50 records, each with two fields of the next: 2^50 nulls in no bytes at all.
    let mut of = r#"{"type": "record", "name": "R0", "fields": []}"#.to_owned();
    for level in 1..50 {
        let below = level - 1;
        of = format!(
            r#"{{"type": "record", "name": "R{level}", "fields": [
                {{"name": "a", "type": {of}, "default": {{}}}},
                {{"name": "b", "type": "R{below}", "default": {{}}}}]}}"#
        );
    }
    assert_eq!(decode(&of, &[]), Err(ErrorKind::TooLarge));
    assert_eq!(encode(&of, "{}"), Err(ErrorKind::TooLarge));
    // Two records that only differ deep inside are tried one after the other at each level.
    let of = r#"[{"type": "record", "name": "A", "fields": [{"name": "x", "type":
        ["null", "A", {"type": "record", "name": "B", "fields": [{"name": "x", "type":
            ["null", "A", "B"]}]}]}]}, "B"]"#;
    let hostile = "{\"x\":".repeat(60) + "1" + &"}".repeat(60);
    assert_eq!(encode(of, &hostile), Err(ErrorKind::TooLarge));
    // A large default that small values ask for again and again.
    let of = format!(
        r#"{{"type": "array", "items": {{"type": "record", "name": "A", "fields": [
            {{"name": "a", "type": "string", "default": "{}"}}]}}}}"#,
        "x".repeat(100_000)
    );
    let many = format!("[{}{{}}]", "{},".repeat(10_000));
    assert_eq!(encode(&of, &many), Err(ErrorKind::TooLarge));
}

#[test]
fn what_readers_refuse_is_not_written() {
    // Nulls take no bytes: five bytes would say 150,000 characters.
    let nulls = |n: usize| format!("[{}null]", "null,".repeat(n));
    let of = r#"{"type": "array", "items": "null"}"#;
    assert!(encode(of, &nulls(10_000)).is_ok());
    assert_eq!(encode(of, &nulls(30_000)), Err(ErrorKind::TooLarge));
    let of = format!(
        r#"{{"type": "record", "name": "A", "fields": [
            {{"name": "a", "type": {of}, "default": {}}}]}}"#,
        nulls(30_000)
    );
    assert_eq!(encode(&of, "{}"), Err(ErrorKind::TooLarge));
}

#[test]
fn unions_take_the_first_branch_that_holds_the_value() {
    let of = r#"["null", "float", "double", "long", {"type": "enum", "name": "E", "symbols": ["on"]},
        "string", {"type": "array", "items": "long"}]"#;
    assert_eq!(encode(of, "null").unwrap(), [0]);
    // Not the float, which would round.
    assert_eq!(encode(of, "0.1").unwrap()[0], 4);
    // Not the double, which would round that too.
    assert_eq!(encode(of, "9007199254740993").unwrap()[0], 6);
    assert_eq!(encode(of, "\"on\"").unwrap(), [8, 0]);
    assert_eq!(encode(of, "\"off\"").unwrap()[0], 10);
    assert_eq!(encode(of, "[]").unwrap(), [12, 0]);
    assert_eq!(encode(of, "true"), Err(ErrorKind::WrongType));
    assert_eq!(decode(of, &[14]), Err(ErrorKind::Invalid));
    assert_eq!(decode(of, &[1]), Err(ErrorKind::Invalid));
    // A branch that fails halfway leaves nothing behind.
    let of = r#"{"type": "record", "name": "A", "fields": [
        {"name": "a", "type": [
            {"type": "record", "name": "B", "fields": [{"name": "x", "type": "int"}, {"name": "y", "type": "int"}]},
            {"type": "record", "name": "C", "fields": [{"name": "x", "type": "int"}]}]},
        {"name": "b", "type": "int"}]}"#;
    for json in [r#"{"a": {"x": 1}, "b": 2}"#, r#"{"b": 2, "a": {"x": 1}}"#] {
        assert_eq!(encode(of, json).unwrap(), [2, 2, 4]);
    }
}

#[test]
fn defaults_fill_in_and_a_bad_one_is_refused_when_it_is_needed() {
    let of = r#"{"type": "record", "name": "A", "fields": [
        {"name": "a", "type": "bytes", "default": "\u00ff"},
        {"name": "b", "type": ["null", "long"], "default": 7},
        {"name": "c", "type": "long", "default": "seven"}]}"#;
    assert_eq!(
        encode(of, r#"{"c": 1}"#).unwrap(),
        [0x02, 0xff, 0x02, 0x0e, 0x02]
    );
    let error = encode_from_json(&schema(of), b"{}").unwrap_err();
    assert_eq!(
        (error.kind(), error.path()),
        (ErrorKind::Schema, "c".into())
    );
}

#[test]
fn canonical_form_follows_the_specification() {
    let of = schema(
        r#"{"type": "record", "doc": "x", "namespace": "org.example", "name": "Outer",
        "aliases": ["Old"], "fields": [
        {"name": "inner", "doc": "y", "type": {"name": "Inner", "type": "record", "fields": [
            {"name": "n", "type": {"type": "long", "logicalType": "timestamp-millis"}}]}},
        {"name": "again", "type": ["null", "Inner"], "default": null},
        {"name": "hash", "type": {"size": 16, "type": "fixed", "name": "other.Hash"}},
        {"name": "mode", "type": {"type": "enum", "name": "Mode", "symbols": ["a", "b"]}},
        {"name": "tags", "type": {"items": "string", "type": "array"}},
        {"name": "extra", "type": {"values": "org.example.Outer", "type": "map"}}]}"#,
    );
    assert_eq!(
        of.canonical_form(),
        concat!(
            r#"{"name":"org.example.Outer","type":"record","fields":["#,
            r#"{"name":"inner","type":{"name":"org.example.Inner","type":"record","fields":["#,
            r#"{"name":"n","type":"long"}]}},"#,
            r#"{"name":"again","type":["null","org.example.Inner"]},"#,
            r#"{"name":"hash","type":{"name":"other.Hash","type":"fixed","size":16}},"#,
            r#"{"name":"mode","type":{"name":"org.example.Mode","type":"enum","symbols":["a","b"]}},"#,
            r#"{"name":"tags","type":{"type":"array","items":"string"}},"#,
            r#"{"name":"extra","type":{"type":"map","values":"org.example.Outer"}}]}"#
        )
    );
    // sha256sum of the text "long" in its quotes.
    let long = schema(r#"{"type": "long"}"#);
    assert_eq!(
        long.fingerprint(),
        "c32c497df6730c97fa07362aa5023f37d49a027ec452360778114cf427965add"
    );
    let urn = long.urn();
    assert_eq!(fingerprint_of_urn(&urn), Some(long.fingerprint()));
    assert_eq!(fingerprint_of_urn("urn:tidings:avro:sha256:C32C"), None);
    assert_eq!(fingerprint_of_urn("https://example.org/schema"), None);
}

#[test]
fn schemas_that_are_none_say_where() {
    for (text, path, says) in [
        ("nonsense", "", "not valid JSON"),
        ("7", "", "not a number"),
        (r#""strin""#, "", "unknown type `strin`"),
        (
            r#"{"type": "record", "name": "A"}"#,
            "",
            "`fields` is missing",
        ),
        (
            r#"{"type": "record", "fields": []}"#,
            "",
            "`name` is missing",
        ),
        (r#"{"type": "array"}"#, "", "`items` is missing"),
        (
            r#"{"type": "long", "type": "int"}"#,
            "",
            "`type` stands twice",
        ),
        (r#"["null", "null"]"#, "[1]", "the same type twice"),
        (r#"["null", ["null"]]"#, "[1]", "another union"),
        (
            r#"{"type": "record", "name": "A", "fields": [{"name": "a", "type": "B"}]}"#,
            "a",
            "unknown type `B`",
        ),
        (
            r#"{"type": "record", "name": "A", "fields": [{"name": "a", "type": "int"}, {"name": "a", "type": "int"}]}"#,
            "a",
            "this field twice",
        ),
        (
            r#"{"type": "enum", "name": "A", "symbols": ["a", "a"]}"#,
            "",
            "listed twice",
        ),
        (
            r#"{"type": "fixed", "name": "A", "size": -1}"#,
            "",
            "a count of bytes",
        ),
        (
            r#"[{"type": "fixed", "name": "A", "size": 1}, {"type": "fixed", "name": "A", "size": 1}]"#,
            "[1]",
            "defined twice",
        ),
        (
            r#"{"type": "fixed", "name": "a\"b", "size": 1}"#,
            "",
            "no name",
        ),
        (
            r#"{"type": "fixed", "name": "long", "size": 1}"#,
            "",
            "a type of Avro itself",
        ),
    ] {
        let error = Schema::parse(text).unwrap_err();
        assert_eq!(error.path(), path, "{text}");
        assert!(error.to_string().contains(says), "{text}: {error}");
    }
    let long = format!("\"{}\"", "x".repeat(Schema::MAX_LEN));
    assert_eq!(
        Schema::parse(&long).unwrap_err().kind(),
        ErrorKind::TooLarge
    );
}
