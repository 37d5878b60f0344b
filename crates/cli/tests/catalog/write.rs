//! `new` and `export`

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
    assert!(again.err.contains("exists already"), "{}", again.err);
    let printed = site.catalog(&[&arguments[..], &["--print"]].concat()).ok();
    assert_eq!(printed.out, site.read(&file));
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
    site.write("tidings.toml", "");
    let ran = site
        .catalog(&["lint", "--strict", "--allowed", "--json"])
        .ok();
    let found = ran.json();
    assert!(!found.is_empty());
    assert!(
        found
            .iter()
            .all(|finding| finding["allowed"].as_str().is_some())
    );
}
