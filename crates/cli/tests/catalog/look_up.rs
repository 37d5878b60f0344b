//! `list`, `show` and `who`.

use crate::site::{COURSE_CREATED, Site};

fn site() -> Site {
    Site::new(&[("catalog/course.created.yaml", COURSE_CREATED)])
}

#[test]
fn events_are_listed() {
    let site = site();
    insta::assert_snapshot!(site.catalog(&["list"]).ok().out);
    let found = site.catalog(&["list", "--json"]).ok().json();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["service"], "catalog");
    assert_eq!(found[0]["consumers"][0], "search");
    let all = site.catalog(&["list", "--json", "--openedx"]).ok().json();
    assert!(all.len() > 64);
    let none = site.catalog(&["list", "--subdomain", "learning"]).ok();
    assert!(none.out.is_empty() && none.err.contains("no such events"));
    // Nobody names a catalog: what is built in is listed.
    site.write("tidings.toml", "");
    let built_in = site.catalog(&["list", "--json", "enrollment"]).ok().json();
    assert!(built_in.len() > 2);
}

#[test]
fn an_event_is_shown() {
    let site = site();
    insta::assert_snapshot!(site.catalog(&["show", "course.created.v2"]).ok().out);
    let shown = site
        .catalog(&["show", "--json", "course.created.v2"])
        .ok()
        .json();
    assert_eq!(shown[0]["fields"][1]["path"], "course.course_key");
    assert_eq!(shown[0]["schema"]["type"], "object");
    assert_eq!(shown[0]["to_previous"][1]["drop"], "scores");
    // What is built in can be looked up everywhere.
    site.catalog(&["show", "org.openedx.learning.certificate.created.v1"])
        .ok();
}

#[test]
fn who_emits_and_who_reads() {
    let site = site();
    insta::assert_snapshot!(site.catalog(&["who", "course.created"]).ok().out);
    let who = site
        .catalog(&["who", "--json", "course.created.v2"])
        .ok()
        .json();
    assert_eq!(who[0]["producer"]["team"], "content");
    assert_eq!(
        who[0]["consumers"][0]["accepts"]["course.state"][0],
        "draft"
    );
}

#[test]
fn an_event_that_is_not_there_or_not_one() {
    let site = site();
    let none = site
        .catalog(&["show", "org.example.catalog.course.create.v2"])
        .ends_with(66);
    assert!(
        none.err
            .contains("did you mean org.example.catalog.course.created.v2?"),
        "{}",
        none.err
    );
    let several = site.catalog(&["show", "certificate"]).ends_with(64);
    assert!(several.err.contains("name one: "), "{}", several.err);
}

#[test]
fn a_broken_catalog_is_pointed_at() {
    let site = site();
    let broken = COURSE_CREATED
        .replace("title: Course", "titel: Course")
        .replace("maxLength: 255", "maxLength: wide");
    site.write("events/catalog/course.created.yaml", &broken);
    let ran = site.catalog(&["list"]).ends_with(65);
    insta::assert_snapshot!(ran.err);
}
