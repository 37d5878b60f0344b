//! What the errors of encoding and decoding say.

use crate::avro::{ErrorKind, Schema, decode_to_json, encode_from_json};

#[test]
fn errors_name_the_path_and_no_value() {
    let of = Schema::parse(
        r#"{"type": "record", "name": "E", "fields": [{"name": "users", "type":
        {"type": "array", "items": {"type": "record", "name": "User", "fields": [
            {"name": "id", "type": "long"},
            {"name": "extra", "type": {"type": "map", "values": "string"}}]}}}]}"#,
    )
    .unwrap();
    let error = |json: &str| encode_from_json(&of, json.as_bytes()).unwrap_err();

    let e = error(r#"{"users": [{"id": "secret", "extra": {}}]}"#);
    assert_eq!(e.kind(), ErrorKind::WrongType);
    assert_eq!(
        e.to_string(),
        "users[0].id: wants a long (64 bits), got a string"
    );
    let e = error(r#"{"users": [{"id": 1, "extra": {"ann@example.edu": 5}}]}"#);
    assert_eq!(
        e.to_string(),
        "users[0].extra[*]: wants a string, got a number"
    );
    let e = error(r#"{"users": [{"id": 1, "extra": {}, "nick": "secret"}]}"#);
    assert_eq!(e.kind(), ErrorKind::UnknownField);
    assert_eq!(e.path(), "users[0].nick");
    let e = error(r#"{"users": [{"id": 1}]}"#);
    assert_eq!(e.kind(), ErrorKind::MissingField);
    assert_eq!(e.path(), "users[0].extra");
    let e = error(r#"{"users": [{"id": 1, "id": 2, "extra": {}}]}"#);
    assert_eq!(
        (e.kind(), e.path()),
        (ErrorKind::Json, "users[0].id".into())
    );
    let e = error(r#"{"users": [{"id": 1, "extra": {}"#);
    assert_eq!(e.kind(), ErrorKind::Json);
    let e = error("{\"users\": [{\"id\": 1, \"extra\": {\"\\ud800\": \"a\"}}]}");
    assert_eq!(e.kind(), ErrorKind::Json);
    let e = decode_to_json(&of, &[2, 2, 2, 2, b'k', 4, b'v']).unwrap_err();
    assert_eq!(e.path(), "users[0].extra[*]");
}

#[test]
fn the_first_thing_that_is_wrong_is_told() {
    let of = Schema::parse(
        r#"{"type": "record", "name": "E", "fields": [
            {"name": "a", "type": ["null", "long"]},
            {"name": "b", "type": "string"}]}"#,
    )
    .unwrap();
    for (json, kind, says) in [
        (
            r#"{"b": 1, "a": ""}"#,
            ErrorKind::WrongType,
            "b: wants a string, got a number",
        ),
        (
            r#"{"a": "", "c": 1}"#,
            ErrorKind::WrongType,
            "a: a string is none of the union's types",
        ),
        (
            r#"{"c": 1, "a": ""}"#,
            ErrorKind::UnknownField,
            "c: `E` has no such field: it would be lost",
        ),
        (
            r#"{"a": 1, "c": 1}"#,
            ErrorKind::UnknownField,
            "c: `E` has no such field: it would be lost",
        ),
        (
            r#"{"a": 1, "a": ""}"#,
            ErrorKind::Json,
            "a: stands twice in one object",
        ),
        (
            r#"{"b": "\ud800"}"#,
            ErrorKind::Json,
            "b: not valid JSON at line 1, column 14",
        ),
        (
            r#"{"b": ""}"#,
            ErrorKind::MissingField,
            "a: missing, and the schema has no default for it",
        ),
        // What is no JSON has no fields either.
        (
            r#"{"c": 1, "a": 2"#,
            ErrorKind::Json,
            "not valid JSON at line 1, column 15",
        ),
        (
            r#"{"c": 1, "a": 02}"#,
            ErrorKind::Json,
            "not valid JSON at line 1, column 16",
        ),
        (
            r#"{"a": 1, "b": ""} x"#,
            ErrorKind::Json,
            "not valid JSON at line 1, column 19",
        ),
        ("", ErrorKind::Json, "not valid JSON at line 1, column 0"),
    ] {
        let error = encode_from_json(&of, json.as_bytes()).unwrap_err();
        assert_eq!((error.kind(), &*error.to_string()), (kind, says), "{json}");
    }
}

#[test]
fn the_grammar_is_that_of_json() {
    let of = Schema::parse(
        r#"["null", "boolean", "double", "string", {"type": "array", "items": "double"},
            {"type": "map", "values": "double"}]"#,
    )
    .unwrap();
    let encode = |json: &str| encode_from_json(&of, json.as_bytes()).map_err(|e| e.kind());
    for json in [
        "0",
        "-0",
        "-0.0",
        "10",
        "1e5",
        "1E+5",
        "0e-05",
        "[0 ,-1]",
        "\t{\r}\n",
        r#""\/\u00e9\\""#,
        r#""\"""#,
    ] {
        assert!(encode(json).is_ok(), "{json}");
    }
    for json in [
        "-",
        "+1",
        "01",
        "-01",
        "00",
        "1.",
        ".5",
        "1.e5",
        "1e",
        "1e+",
        "1e5.0",
        "0x1",
        "1_0",
        "NaN",
        "1 2",
        "nul",
        "nulll",
        "Null",
        "tru",
        "falsee",
        "'a'",
        "a",
        "\u{feff}1",
        "\u{a0}1",
        "1\0",
        "\"",
        "\"a",
        r#""\""#,
        r#""\x""#,
        r#""\u12""#,
        r#""\u12g4""#,
        "\"\n\"",
        "\"\u{1f}\"",
        r#""a"""#,
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "[]]",
        "[1:2]",
        "{",
        "}",
        r#"{"a""#,
        r#"{"a":"#,
        r#"{"a":1"#,
        r#"{"a":1,}"#,
        r#"{"a"}"#,
        r#"{"a" 1}"#,
        "{a:1}",
        "{1:1}",
        "{,}",
        r#"{"a":1]"#,
    ] {
        assert!(
            serde_json::from_str::<serde_json::Value>(json).is_err(),
            "{json}"
        );
        assert_eq!(encode(json), Err(ErrorKind::Json), "{json}");
    }
}

#[test]
fn the_place_of_a_bad_escape_is_that_in_the_text() {
    let of = r#"{"type": "record", "name": "E", "fields": [
        {"name": "a", "type": {"type": "array", "items": "string"}},
        {"name": "b", "type": {"type": "map", "values": "string"}}]}"#;
    let of = Schema::parse(of).unwrap();
    for json in [
        r#"{"a": ["\ud800"]}"#,
        "{\n  \"a\": [\"é\",\n    \"é\\n\\udc00 more\"]\n}",
        "{\"a\": [\"\\ud800\\u0041\"]}",
        "{\n\"b\":\n{ \"\\ud800\": \"\"}}",
        "\n{\"\\ud800\": 1}",
    ] {
        let place = serde_json::from_str::<serde_json::Value>(json).unwrap_err();
        let place = format!("at line {}, column {}", place.line(), place.column());
        let error = encode_from_json(&of, json.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Json, "{json}");
        assert_eq!(error.message(), format!("not valid JSON {place}"), "{json}");
    }
}
