//! The rule pack over whole events.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use tidings_event::profile::{self, Mode, Severity, Violation};
use tidings_event::{DecodeError, Emitter, Event, EventBuilder, Limits, Role, Time, json};

fn good() -> EventBuilder {
    let emitter = Emitter::new("openedx", "lms", Role::Worker).unwrap();
    let payload = r#"{"course_key": "edX+DemoX", "title": "Demonstration"}"#;
    emitter
        .event("org.openedx.catalog.course.created.v1")
        .data_json(payload)
}

fn violations(event: EventBuilder) -> Vec<Violation> {
    let event = event.build().unwrap();
    profile::check(&event, event.to_json().len())
}

#[test]
fn what_the_emitter_makes_follows_every_rule() {
    assert_eq!(violations(good()), []);
}

#[test]
fn each_rule_finds_what_it_is_for_and_nothing_else() {
    let without = |name: &str| {
        let mut event = good().build().unwrap();
        event.remove_extension(name).unwrap();
        EventBuilder::from(event)
    };
    let untimed = Event::builder("org.openedx.catalog.course.created.v1")
        .source("/openedx/lms/web")
        .minorversion(0)
        .extension("sourcehost", "lms");
    let local: Time = "2020-02-23T10:00:00+01:00".parse().unwrap();
    let bare_bytes = {
        let document = good().build().unwrap().to_json();
        let text = String::from_utf8(document).unwrap();
        let (head, _) = text.split_once(r#","datacontenttype""#).unwrap();
        let (_, extensions) = text.split_once(r#""application/json""#).unwrap();
        let (extensions, _) = extensions.split_once(r#","data""#).unwrap();
        let document = format!(r#"{head}{extensions},"data_base64":"AAEC"}}"#);
        EventBuilder::from(Event::from_json(document.as_bytes()).unwrap())
    };
    for (event, code, attribute) in [
        (good().id("17"), "OEP41-id-uuid1", "id"),
        (
            good().source("openedx/lms/web"),
            "OEP41-source-form",
            "source",
        ),
        (without("sourcehost"), "OEP41-sourcehost", "sourcehost"),
        (
            good().extension("sourcehost", "a b"),
            "OEP41-sourcehost",
            "sourcehost",
        ),
        (
            good().extension("sourcehost", 7),
            "OEP41-sourcehost",
            "sourcehost",
        ),
        (
            without("minorversion"),
            "OEP41-minorversion",
            "minorversion",
        ),
        (
            good().minorversion(-1),
            "OEP41-minorversion",
            "minorversion",
        ),
        (
            good().extension("minorversion", "1.2"),
            "OEP41-minorversion",
            "minorversion",
        ),
        (untimed, "OEP41-time-utc", "time"),
        (good().time(local), "OEP41-time-utc", "time"),
        (
            good().data_text("text/plain", "x"),
            "OEP41-datacontenttype",
            "datacontenttype",
        ),
        (bare_bytes, "OEP41-datacontenttype", "datacontenttype"),
        (
            good().data_json(format!("\"{}\"", "x".repeat(65_536))),
            "OEP41-size",
            "document",
        ),
        (
            good().data_json(r#"{"course_id": 17}"#),
            "OEP41-avoid-callbacks",
            "data",
        ),
    ] {
        let found = violations(event);
        assert_eq!(found.len(), 1, "{code}: {found:?}");
        assert_eq!(
            (found[0].code, found[0].attribute.as_str()),
            (code, attribute)
        );
    }
    let retyped = |event_type: &str| {
        let mut stamped = Event::builder(event_type).source("/openedx/lms/web");
        stamped = Emitter::new("openedx", "lms", Role::Web)
            .unwrap()
            .stamp(stamped);
        violations(stamped)
            .iter()
            .map(|v| v.code)
            .collect::<Vec<_>>()
    };
    assert_eq!(retyped("courseCreated"), ["OEP41-type-grammar"]);
    assert_eq!(
        retyped("org.openedx.catalog.course.create.v1"),
        ["OEP41-type-past-tense"]
    );
    assert_eq!(retyped("org.openedx.catalog.course.created.v2"), [""; 0]);
}

#[test]
fn the_limit_on_size_is_65536_bytes_of_the_document() {
    let event = good().build().unwrap();
    assert_eq!(profile::check(&event, 65_536), []);
    assert_eq!(
        profile::check(&event, 65_537)[0].value.as_deref(),
        Some("65537 bytes")
    );
}

#[test]
fn only_errors_block_and_only_when_enforced() {
    let warned = violations(good().data_json("17"));
    let broken = violations(good().id("17"));
    assert!(!Mode::Enforce.refuses(&warned) && Mode::Enforce.refuses(&broken));
    assert!(!Mode::Warn.refuses(&broken) && !Mode::Off.refuses(&broken));
    let event = good().data_json("17").id("17").build().unwrap();
    let blocking = profile::check_blocking(&event, 100);
    assert_eq!(
        blocking.iter().map(|v| v.code).collect::<Vec<_>>(),
        ["OEP41-id-uuid1"]
    );
    for mode in [Mode::Enforce, Mode::Warn, Mode::Off] {
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
    assert!("strict".parse::<Mode>().is_err());
    assert_eq!(Mode::default(), Mode::Enforce);
}

#[test]
fn values_are_bounded_and_the_payload_is_never_shown() {
    let long = violations(good().id("x".repeat(10_000)));
    assert!(long[0].value.as_ref().unwrap().chars().count() <= 81);
    let shown = violations(good().data_json(r#"{"user_id": "secret"}"#))[0].to_string();
    assert!(!shown.contains("secret") && shown.starts_with("OEP41-avoid-callbacks warning: data "));
    let line = violations(good().source("/openedx/lms"))[0].to_string();
    insta::assert_snapshot!(line, @"OEP41-source-form error: source `/openedx/lms` must have the form /{namespace}/{service}/{web or worker}; make events with an emitter, or write it like `/openedx/lms/web`");
}

#[test]
fn what_cannot_be_read_is_a_violation_too() {
    let code = |document: &str, limits: &Limits| {
        let error = json::decode(document.as_bytes(), limits).unwrap_err();
        let violation = Violation::from(&error);
        assert_eq!(violation.severity, Severity::Error);
        violation.code
    };
    let limits = Limits::default();
    assert_eq!(
        code(r#"{"specversion":"0.3"}"#, &limits),
        "OEP41-specversion"
    );
    assert_eq!(code("{", &limits), "OEP41-cloudevents");
    assert_eq!(code("{}", &limits.with_document(1)), "OEP41-size");
    let syntax = DecodeError::NotUtf8 { offset: 3 };
    assert!(Violation::from(&syntax).rule.contains("byte 3"));
}

#[test]
fn every_rule_is_documented_in_the_same_form() {
    let codes: BTreeSet<&str> = profile::rules().iter().map(|rule| rule.code()).collect();
    assert_eq!(codes.len(), profile::rules().len(), "codes are unique");
    for rule in profile::rules() {
        let docs = rule.docs();
        assert!(docs.starts_with(&format!("# {}\n", rule.code())), "{docs}");
        let places = [
            "\n## What it does\n",
            "\n## Why it matters\n",
            "\n## Example\n",
        ]
        .map(|heading| {
            docs.find(heading)
                .unwrap_or_else(|| panic!("{heading}: {docs}"))
        });
        assert!(places.is_sorted(), "{docs}");
        assert!(!docs.contains("//!") && !docs.contains("use crate"));
        assert!(profile::rule(&rule.code().to_lowercase()).is_some());
    }
    assert!(profile::rule("OEP41-unknown").is_none());
}

/// Some of the real event types of Open edX break the rules, which is why their wire warns.
#[test]
fn real_event_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog/openedx");
    let mut types: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            entry
                .unwrap()
                .file_name()
                .to_str()?
                .strip_suffix(".avsc")
                .map(str::to_owned)
        })
        .collect();
    types.sort_unstable();
    assert!(types.len() > 50, "{}", types.len());
    let mut report = String::new();
    for event_type in types {
        let event = Event::builder(&event_type).source("/openedx/lms/web");
        let event = Emitter::new("openedx", "lms", Role::Web)
            .unwrap()
            .stamp(event);
        for violation in violations(event) {
            writeln!(report, "{event_type} {}", violation.code).unwrap();
        }
    }
    insta::assert_snapshot!(report);
}
