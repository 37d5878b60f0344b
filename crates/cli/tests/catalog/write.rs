//! `new`

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
