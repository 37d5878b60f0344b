//! `tidings seek`: a group is moved by a person or a script.

use serde_json::json;

use crate::site::Site;

const SEEK: [&str; 5] = ["seek", "--topic", "courses", "--group", "g"];

/// A topic of ten events, six of which a group has heard.
fn site() -> Site {
    let site = Site::new();
    site.publish(10);
    let from = ["--from", "earliest", "--max", "6"];
    let consume = ["consume", "--topic", "courses", "--group", "g"];
    site.run(&[&consume[..], &from].concat()).ok();
    site
}

fn positions(site: &Site) -> Vec<String> {
    let groups = site.run(&["groups", "--json"]).ok().json();
    let position = |group: &serde_json::Value| group["position"].as_str().unwrap().to_owned();
    groups.iter().map(position).collect()
}

#[test]
fn a_start_that_moves_no_group_is_noted() {
    let site = site();
    let again = [
        "consume", "--topic", "courses", "--group", "g", "--from", "earliest", "--max", "1",
    ];
    let ran = site.run(&again).ok();
    let noted = "note: the group g of courses exists and goes on after 6: --from says where a new";
    assert!(ran.err.contains(noted), "{}", ran.err);
    assert!(!ran.err.contains("WARN"), "{}", ran.err);

    let new = [&again[..], &["--group", "h"]].concat();
    let new: Vec<&str> = [&new[..3], &new[5..]].concat();
    let ran = site.run(&new).ok();
    assert!(!ran.err.contains("exists"), "{}", ran.err);
}

#[test]
fn it_tells_what_is_heard_again_and_what_is_passed_over() {
    let site = site();
    let cases = [
        (
            "earliest",
            json!({"after": null, "next": "1", "again": 6, "skipped": 0}),
        ),
        (
            "2",
            json!({"after": "2", "next": "3", "again": 4, "skipped": 0}),
        ),
        (
            "6",
            json!({"after": "6", "next": "7", "again": 0, "skipped": 0}),
        ),
        (
            "9",
            json!({"after": "9", "next": "10", "again": 0, "skipped": 3}),
        ),
        (
            "latest",
            json!({"after": "10", "next": null, "again": 0, "skipped": 4}),
        ),
        (
            "2001-01-01T00:00:00Z",
            json!({"after": null, "next": "1", "again": 6, "skipped": 0}),
        ),
        (
            "2999-01-01T00:00:00Z",
            json!({"after": "10", "next": null, "again": 0, "skipped": 4}),
        ),
    ];
    for (to, wanted) in cases {
        let told = [&SEEK[..], &["--to", to, "--dry-run", "--json"]].concat();
        let told = &site.run(&told).ok().json()[0];
        assert_eq!(told["before"], "6");
        assert_eq!(told["moved"], false);
        for (name, value) in wanted.as_object().unwrap() {
            assert_eq!(&told[name], value, "{name} of {told} to {to}");
        }
    }
    assert_eq!(positions(&site), ["6"], "nothing was moved");
}

#[test]
fn a_group_that_was_moved_hears_from_there() {
    let site = site();
    let moved = [&SEEK[..], &["--to", "8", "--yes", "--json"]].concat();
    let moved = &site.run(&moved).ok().json()[0];
    assert_eq!(
        (&moved["moved"], &moved["before"], &moved["after"]),
        (&true.into(), &"6".into(), &"8".into())
    );
    assert_eq!(positions(&site), ["8"]);
    let consume = ["consume", "--topic", "courses", "--group", "g"];
    let heard = site.run(&[&consume[..], &["--max", "2"]].concat()).ok();
    assert!(heard.out.contains("\"n\":8.50") && heard.out.contains("\"n\":9.50"));
    let said = site.run(&[&SEEK[..], &["--to", "earliest", "--yes"]].concat());
    let said = said.ok().out;
    assert!(
        said.contains("10 events will be handed out again"),
        "{said}"
    );
}

#[test]
fn without_a_person_it_needs_a_yes() {
    let site = site();
    let refused = site.run(&[&SEEK[..], &["--to", "latest"]].concat());
    let refused = refused.ends_with(64);
    assert!(refused.err.contains("add --yes"), "{}", refused.err);
    assert_eq!(positions(&site), ["6"]);
}

#[test]
fn what_is_not_there_is_named() {
    let site = site();
    for (topic, group, to, code, says) in [
        ("courses", "lms", "latest", 66, "its groups are: g"),
        ("nowhere", "g", "latest", 66, "no topic nowhere"),
        ("courses", "g", "99", 66, "beyond the end"),
        ("courses", "g", "soon", 64, "none of latest, earliest"),
        ("courses", "g", "2026-13-01T00:00:00Z", 64, "RFC 3339"),
    ] {
        let arguments = ["seek", "--topic", topic, "--group", group, "--to", to];
        let ran = site.run(&[&arguments[..], &["--yes"]].concat());
        let ran = ran.ends_with(code);
        assert!(ran.err.contains(says), "{}", ran.err);
    }
}
