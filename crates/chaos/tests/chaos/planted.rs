//! The harness is honest: each planted bug turns it red, by what that bug does.

use super::run;

fn turns_red(bug: &str, scenario: &str, by: &[&str]) {
    let (code, report, told) = run(&["--scenario", scenario, "--plant", bug]);
    assert_eq!(code, Some(1), "{told}");
    let findings = report["findings"].as_array().unwrap();
    let found = |code: &&str| findings.iter().any(|finding| finding["code"] == **code);
    assert!(by.iter().any(found), "none of {by:?} is in {told}");
}

#[test]
fn ack_before_handler() {
    turns_red("ack-before-handler", "sqlite-sqlite", &["lost"]);
}

#[test]
fn delete_before_publish() {
    turns_red("delete-before-publish", "sqlite-sqlite", &["lost"]);
}

#[test]
fn outbox_cursor() {
    turns_red("outbox-cursor", "postgres-redis", &["lost"]);
}

#[test]
fn dedup_before_commit() {
    turns_red("dedup-before-commit", "sqlite-sqlite", &["lost"]);
}

#[test]
fn ignored_dead_letter() {
    turns_red("ignored-dead-letter", "postgres-redis", &["poison-lost"]);
}

#[test]
fn ack_without_owner() {
    turns_red("ack-without-owner", "sqlite-sqlite", &["confirmed-twice"]);
}
