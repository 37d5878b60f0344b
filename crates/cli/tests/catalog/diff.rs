//! `diff`

use std::process::Command;

use crate::site::{COURSE_CREATED, Site};

const FILE: &str = "catalog/course.created.yaml";

fn edited(edits: &[(&str, &str)]) -> String {
    let mut text = COURSE_CREATED.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    text
}

fn own((head, tail): (&str, &str)) -> (String, String) {
    (head.to_owned(), tail.to_owned())
}

/// A site with the definition as it was in `old` and as it is in `events`.
fn site(edits: &[(&str, &str)]) -> Site {
    let site = Site::new(&[(FILE, &edited(edits))]);
    site.write(&format!("old/{FILE}"), COURSE_CREATED);
    site
}

#[test]
fn a_break_is_shown_with_an_event_and_its_consumers() {
    let site = site(&[
        (
            "        title: {type: string}\n",
            "        name: {type: string}\n",
        ),
        (
            "required: [course_key, title]",
            "required: [course_key, name]",
        ),
        ("title: Demonstration", "name: Demonstration"),
        (
            "state: {enum: [draft, published]}",
            "state: {enum: [draft, published, archived]}",
        ),
    ]);
    let ran = site.catalog(&["diff", "old", "events"]).ends_with(65);
    insta::assert_snapshot!(format!("{}\n{}", ran.out.trim_end(), ran.err));
    let changes = site
        .catalog(&["diff", "old", "events", "--json"])
        .ends_with(65)
        .json();
    let removed = changes
        .iter()
        .find(|change| change["kind"] == "field-removed")
        .unwrap();
    assert_eq!(removed["field"], "course.title");
    assert_eq!(removed["consumers"][0], "search");
    assert_eq!(removed["witness"]["course"]["name"], "Demonstration");
    let ran = site
        .catalog(&["diff", "old", "events", "--github"])
        .ends_with(65);
    assert!(
        ran.out
            .starts_with("::error file=events/catalog/course.created.yaml,line="),
        "{}",
        ran.out
    );
    site.catalog(&["diff", "old", "events", "--mode", "none"])
        .ok();
}

#[test]
fn an_addition_raises_the_minor_version() {
    let addition = ("    tags:\n", "    language: {type: string}\n    tags:\n");
    let raised = ("minorversion: 3", "minorversion: 4");
    let ran = site(&[addition])
        .catalog(&["diff", "old", "events"])
        .ends_with(65);
    assert!(ran.out.contains("write minorversion: 4"), "{}", ran.out);
    let ran = site(&[addition, raised])
        .catalog(&["diff", "old", "events", "--all"])
        .ok();
    assert!(ran.out.contains("`language` is new"), "{}", ran.out);
    let ran = site(&[("minorversion: 3", "minorversion: 2")]).catalog(&["diff", "old", "events"]);
    assert!(ran.ends_with(65).out.contains("falls from 3 to 2"));
}

#[test]
fn keys_topics_and_whole_events() {
    let site = site(&[
        ("key: course.course_key", "key: course.title"),
        ("topics: [courses]", "topics: [catalog]"),
    ]);
    site.write(
        "events/catalog/b.yaml",
        &edited(&[("created.v2", "archived.v1")]),
    );
    let changes = site
        .catalog(&["diff", "old", "events", "--json"])
        .ends_with(65)
        .json();
    let kinds: Vec<_> = changes
        .iter()
        .map(|change| change["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["added", "key", "topics", "topics"]);
    // The other way round an event is gone, before its last day.
    let changes = site
        .catalog(&["diff", "events", "old", "--json"])
        .ends_with(65)
        .json();
    assert_eq!(changes[0]["kind"], "removed");
    assert_eq!(changes[0]["consumers"][0], "search");
}

#[test]
fn an_event_may_go_after_its_last_day() {
    let site = Site::new(&[]);
    let ended = edited(&[
        ("since: 2026-11-01", "since: 2020-01-01"),
        ("until: 2099-06-30", "until: 2020-06-30"),
    ]);
    site.write(&format!("old/{FILE}"), &ended);
    let ran = site.catalog(&["diff", "old", "events", "--all"]).ok();
    assert!(ran.out.contains("emitted until 2020-06-30"), "{}", ran.out);
}

#[test]
fn a_last_day_that_was_told_is_not_moved_forward() {
    let site = Site::new(&[]);
    let promised = edited(&[]);
    site.write(&format!("old/{FILE}"), &promised);
    let sooner = [("until: 2099-06-30", "until: 2099-06-29")];
    site.write(&format!("events/{FILE}"), &edited(&sooner));
    let changes = site
        .catalog(&["diff", "old", "events", "--json"])
        .ends_with(65)
        .json();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0]["kind"], "deprecation");
    assert_eq!(changes[0]["consumers"][0], "search");

    // Nor may the first day that is told be over already.
    let (head, tail) = edited(&[]).split_once("deprecation:").map(own).unwrap();
    let (_, rest) = tail.split_once("\nconsumers:").map(own).unwrap();
    site.write(&format!("never/{FILE}"), &format!("{head}consumers:{rest}"));
    let over = [
        ("since: 2026-11-01", "since: 2020-01-01"),
        ("until: 2099-06-30", "until: 2020-06-30"),
    ];
    site.write(&format!("over/{FILE}"), &edited(&over));
    let ran = site.catalog(&["diff", "never", "over"]).ends_with(65);
    assert!(ran.out.contains("nobody was told"), "{}", ran.out);

    // Later is fine, and told to who asks for everything.
    let ran = site.catalog(&["diff", "events", "old", "--all"]).ok();
    assert!(ran.out.contains("emitted until 2099-06-30"), "{}", ran.out);
}

#[test]
fn a_version_that_is_waited_for_still_comes_along() {
    let site = Site::new(&[]);
    let (mapped, _) = COURSE_CREATED.split_once("to_previous:").expect("it maps");
    let first = mapped.replace("course.created.v2", "course.created.v1");
    for folder in ["old", "events", "later"] {
        let text = if folder == "old" {
            COURSE_CREATED
        } else {
            mapped
        };
        site.write(&format!("{folder}/{FILE}"), text);
    }
    for folder in ["old", "events"] {
        site.write(&format!("{folder}/catalog/first.yaml"), &first);
    }
    let changes = site
        .catalog(&["diff", "old", "events", "--json"])
        .ends_with(65)
        .json();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0]["kind"], "majors");
    assert_eq!(changes[0]["consumers"][0], "search");
    // With the version gone, that is all there is to say.
    let changes = site
        .catalog(&["diff", "events", "later", "--json"])
        .ends_with(65)
        .json();
    let kinds: Vec<_> = changes.iter().map(|change| &change["kind"]).collect();
    assert_eq!(kinds, ["removed"]);
}

#[test]
fn revisions_of_a_repository_are_compared() {
    let site = Site::new(&[(FILE, COURSE_CREATED)]);
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
        let output = Command::new("git")
            .args(identity)
            .args(arguments)
            .current_dir(site.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    git(&["init", "--quiet", "."]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "one"]);
    site.catalog(&["diff", "HEAD:events"]).ok();
    site.write(
        &format!("events/{FILE}"),
        &edited(&[("    scores: {type: object", "    points: {type: object")]),
    );
    let ran = site.catalog(&["diff", "HEAD:events"]).ends_with(65);
    assert!(
        ran.out.contains("`scores` is no longer there"),
        "{}",
        ran.out
    );
    git(&["commit", "--quiet", "--all", "--message", "two"]);
    site.catalog(&["diff", "HEAD~1:events", "HEAD:events"])
        .ends_with(65);
    site.catalog(&["diff", "HEAD:events"]).ok();
    let ran = site.catalog(&["diff", "absent:events"]).ends_with(66);
    assert!(
        ran.err.contains("git has no revision \"absent\""),
        "{}",
        ran.err
    );
    // The change that adds a folder has nothing to break.
    let ran = site.catalog(&["diff", "HEAD:elsewhere", "events"]).ok();
    assert!(
        ran.err
            .contains("git has no HEAD:./elsewhere: all that is there now is new"),
        "{}",
        ran.err
    );
    site.catalog(&["diff", "nowhere", "events"]).ends_with(66);
    site.catalog(&["diff", "events"]).ends_with(64);
    // A revision alone is one of the catalog that is named.
    let whole = ["HEAD~1:events", "HEAD:events", "--json"];
    let whole = site.catalog(&[&["diff"], &whole[..]].concat());
    let whole = whole.ends_with(65).out;
    for arguments in [
        &["HEAD~1", "HEAD"][..],
        &["HEAD~1"],
        &["HEAD~1", "--catalog", "events"],
        &["HEAD~1", "events"],
    ] {
        let ran = site.catalog(&[&["diff"], arguments, &["--json"]].concat());
        let ran = ran.ends_with(65);
        let kinds = |out: &str| out.matches("\"kind\":\"field-removed\"").count();
        assert_eq!(kinds(&ran.out), kinds(&whole), "{arguments:?}");
    }
    site.write(&format!("before/{FILE}"), COURSE_CREATED);
    site.catalog(&["diff", "before"]).ends_with(65);
    site.write("tidings.toml", "");
    let ran = site.catalog(&["diff", "HEAD~1", "HEAD"]).ends_with(66);
    assert!(ran.err.contains("--catalog events"), "{}", ran.err);
    let ran = site.catalog(&["diff", "before"]).ends_with(64);
    assert!(ran.err.contains("NEW is missing"), "{}", ran.err);
}

#[test]
fn what_becomes_personal_is_told_and_breaks_nothing() {
    let tag = "pii:\n  - {field: course.title, kind: name, reason: Some are named after people}\n";
    let site = site(&[("pii:\n", tag)]);
    let told = "`course.title` is tagged as personal data now (name)";
    let ran = site.catalog(&["diff", "old", "events"]).ok();
    assert!(ran.out.contains(told), "{}", ran.out);
    assert!(
        ran.err.contains("0 breaking, 0 compatible, 1 to know of"),
        "{}",
        ran.err
    );
    let ran = site.catalog(&["diff", "events", "old", "--json"]).ok();
    let [change] = ran.json().try_into().unwrap();
    let kind = (&change["kind"], &change["severity"], &change["field"]);
    assert_eq!(
        kind,
        (&"pii".into(), &"notice".into(), &"course.title".into())
    );
    site.catalog(&["docs", "--out", "site", "--since", "old"])
        .ok();
    let page = site.read("site/changelog.html");
    assert!(page.contains("is tagged as personal data now"), "{page}");
}
