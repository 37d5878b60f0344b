//! Input that means harm, or is merely wrong.

use std::time::{Duration, Instant};

use tidings_event::{DecodeError, Event, Limits, http, json, kafka};

const HEAD: &str = r#""specversion":"1.0","id":"1","source":"/s","type":"t""#;

fn with(members: &str) -> Result<Event, DecodeError> {
    Event::from_json(format!("{{{HEAD},{members}}}").as_bytes())
}

#[test]
fn what_is_no_event_is_refused_with_field_rule_and_remedy() {
    for (document, field) in [
        ("", "document"),
        ("   ", "document"),
        ("null", "document"),
        ("17", "document"),
        (r#""secret payload""#, "document"),
        ("[]", "document"),
        ("{", "document"),
        ("{}", "specversion"),
        ("{} {}", "document"),
        ("\u{feff}{}", "document"),
        (
            r#"{"specversion":"0.3","id":"1","source":"/s","type":"t"}"#,
            "specversion",
        ),
        (
            r#"{"specversion":1.0,"id":"1","source":"/s","type":"t"}"#,
            "specversion",
        ),
        (r#"{"specversion":"1.0","source":"/s","type":"t"}"#, "id"),
        (
            r#"{"specversion":"1.0","id":"","source":"/s","type":"t"}"#,
            "id",
        ),
        (
            r#"{"specversion":"1.0","id":17,"source":"/s","type":"t"}"#,
            "id",
        ),
        (
            r#"{"specversion":"1.0","id":null,"source":"/s","type":"t"}"#,
            "id",
        ),
        (
            r#"{"specversion":"1.0","id":["1"],"source":"/s","type":"t"}"#,
            "id",
        ),
        (
            r#"{"specversion":"1.0","id":{"a":1},"source":"/s","type":"t"}"#,
            "id",
        ),
        (r#"{"specversion":"1.0","id":"1","type":"t"}"#, "source"),
        (
            r#"{"specversion":"1.0","id":"1","source":"","type":"t"}"#,
            "source",
        ),
        (
            r#"{"specversion":"1.0","id":"1","source":"a b","type":"t"}"#,
            "source",
        ),
        (r#"{"specversion":"1.0","id":"1","source":"/s"}"#, "type"),
        (
            r#"{"specversion":"1.0","id":"1","source":"/s","type":"a\u0000b"}"#,
            "type",
        ),
        (
            r#"{"specversion":"1.0","id":"1","source":"/s","type":"\ufffe"}"#,
            "type",
        ),
    ] {
        let error = Event::from_json(document.as_bytes()).unwrap_err();
        assert_eq!(error.field(), field, "{document}");
        assert!(!error.rule().is_empty() && !error.remedy().is_empty());
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn attributes_that_break_a_rule_are_refused() {
    for (members, field) in [
        (r#""subject":"""#, "subject"),
        (r#""subject":{}"#, "subject"),
        (r#""time":"yesterday""#, "time"),
        (r#""time":1700000000"#, "time"),
        (r#""datacontenttype":"json""#, "datacontenttype"),
        (r#""dataschema":"/relative""#, "dataschema"),
        (r#""Subject":"x""#, "Subject"),
        (r#""trace_id":"x""#, "trace_id"),
        (r#""ü":"x""#, "ü"),
        (r#""":"x""#, "(empty name)"),
        (r#""x":1.0"#, "x"),
        (r#""x":1e2"#, "x"),
        (r#""x":2147483648"#, "x"),
        (r#""x":-2147483649"#, "x"),
        (r#""x":123456789012345678901234567890123456789"#, "x"),
        (r#""x":1e999999"#, "x"),
        (r#""x":[1]"#, "x"),
        (r#""x":{"y":1}"#, "x"),
        (r#""x":"a\tb""#, "x"),
        (r#""x":"\udead""#, "x"),
        (r#""x":"\ud800\u0041""#, "x"),
        (r#""id":"2""#, "id"),
        (r#""subject":"a","subject":"b""#, "subject"),
        (r#""subject":null,"subject":"b""#, "subject"),
        (r#""x":1,"x":1"#, "x"),
        (r#""x":1,"\u0078":1"#, "x"),
        (r#""x":null,"x":1"#, "x"),
        (r#""data":1,"data":1"#, "data"),
        (r#""data":1,"data_base64":"AA==""#, "data"),
        (r#""data_base64":"*""#, "data_base64"),
        (r#""data_base64":1"#, "data_base64"),
        (
            r#""data_base64":"AA==","data_base64":"AA==""#,
            "data_base64",
        ),
        (r#""datacontenttype":"text/xml","data":{"a":1}"#, "data"),
        (r#""datacontenttype":"text/xml","data":17"#, "data"),
        (r#""datacontenttype":"text/xml","data":"\ud800""#, "data"),
    ] {
        let error = with(members).expect_err(members);
        assert_eq!(error.field(), field, "{members}");
    }
}

#[test]
fn what_the_specification_allows_passes() {
    for members in [
        r#""subject":null,"time":null,"x":null,"data_base64":null"#,
        r#""x":2147483647,"y":-2147483648,"z":-0,"t":true,"f":false,"s":"","e":"\ud83d\ude00""#,
        r#""averyveryverylongattributename123":"x","0":1"#,
        r#""data":null"#,
        r#""data":null,"data_base64":"AA==""#,
        r#""data_base64":"AA""#,
        r#""data":{"lone":"\ud800","n":1e999999,"a":1,"a":2}"#,
        r#""datacontenttype":"text/xml","data":null"#,
        r#""datacontenttype":"text/xml","data":"a\u0000b""#,
        r#""\u0073ubject":"escaped name""#,
    ] {
        if let Err(error) = with(members) {
            panic!("{members}: {error}");
        }
    }
}

#[test]
fn syntax_errors_say_where() {
    let error = Event::from_json(b"{\n  \"id\": tru }").unwrap_err();
    assert!(
        matches!(error, DecodeError::Syntax { line: 2, .. }),
        "{error}"
    );
    for broken in [
        "{\"id\":\"\\ud800\"}",
        "{\"id\":\"\\x\"}",
        "{\"id\":\"a\nb\"}",
        "{\"id\":01}",
        "{\"id\":+1}",
        "{\"id\":NaN}",
        "{'id':1}",
        "{\"id\":1,}",
        "{\"id\" 1}",
        "{id:1}",
        "{\"data\":[1,]}",
        "{\"data\":\"\\u12\"}",
        "{\"data\":1e}",
        "{\"id\":1e999999}",
    ] {
        let error = Event::from_json(broken.as_bytes()).unwrap_err();
        assert!(
            matches!(error, DecodeError::Syntax { .. }),
            "{broken}: {error}"
        );
    }
    let error = Event::from_json(b"{\"id\":\"\xc0\xa0\"}").unwrap_err();
    assert_eq!(error, DecodeError::NotUtf8 { offset: 7 });
}

#[test]
fn names_in_errors_are_bounded_and_on_one_line() {
    let long = with(&format!(r#""{}":1"#, "A".repeat(100_000)))
        .unwrap_err()
        .to_string();
    assert!(long.len() < 300, "{}", long.len());
    let forged = with(r#""A\nERROR forged\u001b[2J\u2028":1"#)
        .unwrap_err()
        .to_string();
    assert!(!forged.contains(['\n', '\u{1b}', '\u{2028}']), "{forged}");
}

#[test]
fn size_and_depth_are_bounded() {
    let limits = Limits::default().with_document(200).with_depth(3);
    let event = Event::builder("t")
        .source("/s")
        .id("1")
        .data_json("[[[1]]]")
        .build()
        .unwrap();
    let document = event.to_json();
    assert!(document.len() <= 200 && json::decode(&document, &limits).is_ok());
    let error = json::decode(&document, &limits.with_document(document.len() - 1)).unwrap_err();
    assert_eq!(
        error,
        DecodeError::TooLarge {
            found: document.len(),
            limit: document.len() - 1
        }
    );
    let error = json::decode(&document, &limits.with_depth(2)).unwrap_err();
    assert_eq!(error, DecodeError::TooDeep { limit: 2 });
    let message = http::encode(&event).unwrap();
    let decode = |limits| http::decode(message.headers.clone(), message.body.clone(), &limits);
    assert!(decode(Limits::default()).is_ok());
    assert_eq!(
        decode(Limits::default().with_depth(2)),
        Err(DecodeError::TooDeep { limit: 2 })
    );
    let error = decode(Limits::default().with_document(20)).unwrap_err();
    assert!(
        matches!(error, DecodeError::TooLarge { limit: 20, .. }),
        "{error}"
    );
}

/// A stack much smaller than any thread of a service has.
const SMALL_STACK: usize = 64 * 1024;

#[test]
fn deep_nesting_does_not_reach_the_stack() {
    let deep =
        |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    let values = [deep("[", "]"), deep("{\"a\":", "}"), "[".repeat(200_000)];
    let work = move || {
        for value in &values {
            for name in ["data", "id", "time", "x", "data_base64"] {
                let head = if name == "id" {
                    r#""specversion":"1.0""#
                } else {
                    HEAD
                };
                let document = format!(r#"{{{head},"{name}":{value}}}"#);
                assert!(Event::from_json(document.as_bytes()).is_err());
            }
            let document = format!("[{value}]");
            assert!(json::decode_batch(document.as_bytes(), &Limits::default()).is_err());
        }
    };
    let thread = std::thread::Builder::new()
        .stack_size(SMALL_STACK)
        .spawn(work)
        .unwrap();
    thread.join().unwrap();
}

#[test]
fn many_names_take_linear_time() {
    let members = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!(r#""x{n}":1"#)).collect();
        names.join(",")
    };
    let begun = Instant::now();
    assert!(with(&members(200_000)).is_ok());
    // Quadratic comparison would take minutes.
    assert!(begun.elapsed() < Duration::from_secs(30));
    let error = with(&format!("{},\"x17\":2", members(1000))).unwrap_err();
    assert_eq!(error.field(), "x17");
}

#[test]
fn a_batch_names_the_event_that_is_wrong() {
    let document = format!(r#"[{{{HEAD}}}, {{{HEAD}}}, {{"id": 1}}]"#);
    let error = json::decode_batch(document.as_bytes(), &Limits::default()).unwrap_err();
    assert!(
        matches!(error, DecodeError::InBatch { index: 2, .. }),
        "{error}"
    );
    assert_eq!(error.field(), "specversion");
    assert!(
        error.to_string().starts_with("event 2 of the batch: "),
        "{error}"
    );
    for refused in ["{}", "", "[", "[1,]", "null"] {
        assert!(
            json::decode_batch(refused.as_bytes(), &Limits::default()).is_err(),
            "{refused}"
        );
    }
}

#[test]
fn bad_messages_are_refused() {
    let head = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-type", "t"),
        ("ce-source", "/s"),
    ];
    let decode = |extra: &[(&'static str, &'static str)], body: &'static str| {
        let headers = head.iter().chain(extra).copied();
        http::decode(headers, body, &Limits::default()).map_err(|e| e.field().to_owned())
    };
    assert!(
        decode(
            &[("host", "x"), ("Ce-X", "1"), ("ce", "x"), ("c€-y", "x")],
            ""
        )
        .is_ok()
    );
    for (extra, body, field) in [
        (("CE-ID", "2"), "", "id"),
        (("ce-datacontenttype", "text/xml"), "", "datacontenttype"),
        (("ce-data", "x"), "", "data"),
        (("ce-", "x"), "", "(empty name)"),
        (("ce-a_b", "x"), "", "a_b"),
        (("ce-x", "%ff"), "", "x"),
        (("ce-x", "%0A"), "", "x"),
        (("ce-time", "now"), "", "time"),
        (("content-type", "application/json"), "{", "data"),
        (("content-type", "nonsense"), "", "datacontenttype"),
    ] {
        assert_eq!(decode(&[extra], body), Err(field.to_owned()), "{extra:?}");
    }
    assert_eq!(
        decode(&[("ce-x", "1"), ("Ce-X", "1")], ""),
        Err("x".to_owned())
    );
    let missing = http::decode(head[1..].iter().copied(), "", &Limits::default()).unwrap_err();
    assert_eq!(missing.field(), "specversion");
}

#[test]
fn bad_kafka_messages_are_refused() {
    let head = [
        ("ce_specversion", &b"1.0"[..]),
        ("ce_id", b"1"),
        ("ce_type", b"t"),
        ("ce_source", b"/s"),
    ];
    let decode = |extra: &[(&'static str, &'static [u8])], value: Option<&'static str>| {
        let headers = head.iter().chain(extra).copied();
        let decoded = kafka::decode(headers, value.map(Into::into), &Limits::default());
        decoded.map_err(|e| {
            assert!(!e.rule().is_empty() && !e.remedy().is_empty(), "{e}");
            e.field().to_owned()
        })
    };
    let others = [("traceparent", &b"x"[..]), ("ce", b"\xff"), ("CE_X", b"1")];
    let event = decode(&others, None).unwrap();
    assert_eq!((event.extensions().count(), event.data()), (0, None));
    let event = decode(&[("ce_datacontenttype", b"text/xml")], Some("")).unwrap();
    assert_eq!(event.data().unwrap().as_bytes(), b"");
    assert_eq!(event.datacontenttype(), Some("text/xml"));
    for (extra, value, field) in [
        (("ce_id", &b"2"[..]), None, "id"),
        (("ce_data", b"x"), None, "data"),
        (("ce_", b"x"), None, "(empty name)"),
        (("ce_a-b", b"x"), None, "a-b"),
        (("ce_x", b"\xff"), None, "x"),
        (("ce_subject", b""), None, "subject"),
        (("ce_time", b"now"), None, "time"),
        (("content-type", b"\xff"), None, "content-type"),
        (("content-type", b"application/json"), Some("{"), "data"),
        (("content-type", b"nonsense"), None, "datacontenttype"),
        (
            ("content-type", b"application/cloudevents+avro"),
            Some(""),
            "content-type",
        ),
        (
            ("content-type", b"application/cloudevents-batch+json"),
            Some("[]"),
            "content-type",
        ),
        (
            ("content-type", b"application/cloudevents+json"),
            None,
            "document",
        ),
        (
            ("Content-Type", b"application/cloudevents+json"),
            Some("{}"),
            "specversion",
        ),
    ] {
        assert_eq!(decode(&[extra], value), Err(field.to_owned()), "{extra:?}");
    }
    let twice = [
        ("content-type", &b"text/xml"[..]),
        ("Content-Type", b"text/xml"),
    ];
    assert_eq!(decode(&twice, None), Err("Content-Type".to_owned()));
    let differ = [
        ("content-type", &b"text/xml"[..]),
        ("ce_datacontenttype", b"text/plain"),
    ];
    assert_eq!(decode(&differ, None), Err("datacontenttype".to_owned()));
    let missing = kafka::decode(head[1..].iter().copied(), None, &Limits::default()).unwrap_err();
    assert_eq!(missing.field(), "specversion");
    let small = Limits::default().with_document(10);
    let error = kafka::decode(head, None, &small).unwrap_err();
    assert_eq!(error.field(), "document");
}
