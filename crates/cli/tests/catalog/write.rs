//! `new` and `export`

use std::io::Write;
use std::process::{Command, Stdio};

use crate::site::Site;

const TYPE: &str = "org.example.catalog.course.created.v1";

#[test]
fn a_definition_is_written_from_options() {
    let site = Site::new(&[]);
    let arguments = [
        "new",
        TYPE,
        "--service",
        "catalog",
        "--team",
        "content",
        "--title",
        "Course created: at last",
        "--description",
        "A course was created. Sent once its first draft is saved.",
        "--key",
        "course.course_key",
        "--topic",
        "courses",
        "--field",
        "course.course_key=string",
        "--field",
        "course.start=date-time?",
        "--field",
        "tags=string[]",
    ];
    site.catalog(&arguments).ok();
    let file = format!("events/catalog/{TYPE}.yaml");
    insta::assert_snapshot!(site.read(&file));
    let listed = site.catalog(&["list", "--json"]).ok().json();
    assert_eq!(listed[0]["title"], "Course created: at last");
    let again = site.catalog(&arguments).ends_with(64);
    assert!(
        again
            .err
            .contains(&format!("it is defined already, in {file}")),
        "{}",
        again.err
    );
    assert!(again.err.contains("course.created.v2"), "{}", again.err);
    let elsewhere = ["--catalog", "other", "--print"];
    let printed = site.catalog(&[&arguments[..], &elsewhere].concat()).ok();
    assert_eq!(printed.out, site.read(&file));
    // What it writes, the lint takes.
    site.catalog(&["lint", "--catalog", "events", "--strict"])
        .ok();
}

#[test]
fn a_field_inside_of_a_list_is_refused() {
    let site = Site::new(&[]);
    for field in ["units[].title=string", "units[0]=string", "units.[]=string"] {
        let arguments = [
            "new",
            TYPE,
            "--service",
            "catalog",
            "--team",
            "content",
            "--title",
            "Course created",
            "--description",
            "A course was created.",
            "--key",
            "course",
            "--topic",
            "courses",
            "--field",
            field,
        ];
        let ran = site.catalog(&arguments).ends_with(64);
        assert!(ran.err.contains("inside of a list"), "{}", ran.err);
    }
}

#[test]
fn what_is_missing_is_named_when_nobody_answers() {
    let site = Site::new(&[]);
    let ran = site.catalog(&["new"]).ends_with(64);
    assert!(ran.err.contains("TYPE is missing"), "{}", ran.err);
    let ran = site.catalog(&["new", TYPE, "--service", "a"]).ends_with(64);
    assert!(ran.err.contains("--title is missing"), "{}", ran.err);
    let common = [
        "new",
        TYPE,
        "--service",
        "a",
        "--title",
        "T",
        "--description",
        "D",
        "--key",
        "a",
    ];
    let ran = site
        .catalog(&[&common[..], &["--field", "a=text"]].concat())
        .ends_with(64);
    assert!(ran.err.contains("no such type \"text\""), "{}", ran.err);
}

#[test]
fn schemas_are_exported() {
    let site = Site::new(&[("a.yaml", crate::site::COURSE_CREATED)]);
    site.catalog(&["export", "--out", "schemas", "--openedx"])
        .ok();
    let schema = site.read("schemas/org.example.catalog.course.created.v2.schema.json");
    assert!(schema.contains(r#""title": "Course created""#), "{schema}");
    let avro = site.read("schemas/org.openedx.learning.certificate.created.v1.avsc");
    assert!(avro.contains(r#""name": "CloudEvent""#), "{avro}");
}

#[test]
fn an_import_without_the_package_says_what_is_missing() {
    let site = Site::new(&[]);
    let arguments = [
        "import",
        "openedx",
        "--out",
        "events",
        "--python",
        "no-such-python",
    ];
    let ran = site.catalog(&arguments).ends_with(66);
    assert!(ran.err.contains("cannot run no-such-python"), "{}", ran.err);
}

#[test]
fn the_events_of_open_edx_break_no_rule_without_a_reason() {
    let site = Site::new(&[]);
    let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/../../catalog/openedx");
    let ran = site
        .catalog(&["lint", catalog, "--strict", "--allowed", "--json"])
        .ok();
    let found = ran.json();
    assert!(!found.is_empty());
    assert!(
        found
            .iter()
            .all(|finding| finding["allowed"].as_str().is_some())
    );
}

#[test]
fn each_answer_is_held_against_the_rules_of_the_lint() {
    let site = Site::new(&[("a.yaml", crate::site::COURSE_CREATED)]);
    let good = [
        ("TYPE", "org.example.learning.seat.taken.v1"),
        ("--service", "lms"),
        ("--title", "T"),
        ("--description", "D"),
        ("--key", "seat.id"),
        ("--field", "seat.id=string"),
        ("--topic", "seats"),
    ];
    let new = |option: &str, value: &str| {
        let mut arguments = vec!["new"];
        for (known, good) in good {
            let value = if known == option { value } else { good };
            match known {
                "TYPE" => arguments.push(value),
                option => arguments.extend([option, value]),
            }
        }
        if !good.iter().any(|(known, _)| *known == option) {
            arguments.extend([option, value]);
        }
        site.catalog(&arguments)
    };
    for (option, value, why) in [
        (
            "TYPE",
            "org.example.learning.seatTaken.v1",
            "(type-grammar)",
        ),
        (
            "TYPE",
            "org.example.catalog.course.created.v2",
            "is defined already",
        ),
        ("--service", "my service", "letters, digits"),
        ("--subdomain", "teaching", "(subdomain-known)"),
        ("--field", "seat.id", "PATH=TYPE"),
        ("--key", "seat.number", "`seat.number`"),
        ("--topic", "a b", "a b"),
    ] {
        let ran = new(option, value).ends_with(64);
        assert!(
            ran.err.contains(&format!("{option} {value}: ")),
            "{}",
            ran.err
        );
        assert!(ran.err.contains(why), "{option} {value}: {}", ran.err);
        // One reason is enough, and the example is not theirs.
        assert!(!ran.err.contains("the example"), "{}", ran.err);
        assert!(!site.path().join("events/learning").exists());
    }
    for (field, why) in [
        ("seat.id=integer", "`seat.id` is a field already"),
        (
            "seat=string",
            "`seat` cannot be a value and hold other fields too",
        ),
        (
            "seat.id.part=string",
            "`seat.id` cannot be a value and hold other fields too",
        ),
    ] {
        let mut arguments = vec!["new", good[0].1, "--field", good[5].1, "--field", field];
        for (option, value) in &good[1..5] {
            arguments.extend([*option, *value]);
        }
        let ran = site.catalog(&arguments).ends_with(64);
        assert!(ran.err.contains(why), "{}", ran.err);
    }
    // Advice is told, and kept to oneself.
    let ran = new("TYPE", "org.example.learning.seat.take.v1").ok();
    assert!(
        ran.err
            .contains("note: TYPE org.example.learning.seat.take.v1"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("(past-tense)"), "{}", ran.err);
}

/// Runs `new` as somebody who sits at a terminal, with these lines typed; all that the terminal shows.
fn at_a_terminal(site: &Site, lines: &str) -> String {
    let program = env!("CARGO_BIN_EXE_tidings");
    let mut child = Command::new("script")
        .args(["-qec", &format!("{program} catalog new"), "/dev/null"])
        .current_dir(site.path())
        .env_remove("TIDINGS_CATALOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_person_corrects_an_answer_as_it_is_given() {
    let site = Site::new(&[]);
    let lines = "org.example.learning.seatTaken.v1\n\
                 org.example.learning.seat.take.v1\n\
                 org.example.learning.seat.taken.v1\n\
                 lms\nteaching\n\n\nSeat taken\nA seat was taken. Sent at once.\n\
                 seat.id=text\nseat.id=string\nseat.email=email?\n\n\
                 seat.nr\nseat.id\n\n";
    let shown = at_a_terminal(&site, lines);
    for told in [
        "(type-grammar)",
        "(past-tense)",
        "Enter keeps it",
        "(subdomain-known)",
        "no such type",
        "(pii-untagged)",
        "`seat.nr`",
        "wrote ",
    ] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    let text = site.read("events/learning/org.example.learning.seat.taken.v1.yaml");
    assert!(
        text.contains("subdomain: learning\nkey: seat.id\nschema"),
        "{text}"
    );
    site.catalog(&["lint"]).ok();
}
