//! Logs hold what tells events apart, and neither payloads nor keys.

use std::process::Command;

use serde_json::Value;

use super::site::{KEY, PAYLOAD, Site, TYPE};

/// Everything that can be logged of a run in which everything happens to events.
fn run(site: &Site, more: &[&str]) -> String {
    let data = format!(r#"{{"title":"{PAYLOAD}"}}"#);
    let publish = [
        "publish", "--topic", "courses", "--type", TYPE, "--key", KEY, "--data", &data,
    ];
    let mut logs = String::new();
    let mut log = |command: &mut Command| {
        let output = command.env("RUST_LOG", "trace").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        logs += &String::from_utf8(output.stderr).unwrap();
    };
    for _ in 0..3 {
        log(&mut site.command(&[&publish[..], more].concat()));
    }
    let consume = [
        &["consume", "--topic", "courses", "--group", "g", "--from", "earliest"][..],
        &["--max", "3", "--max-attempts", "2", "--on-failure", "skip", "--exec"],
        &["cat > /dev/null; test $TIDINGS_ATTEMPT = 2 || exit 75; test -e one || { touch one; exit 3; }"],
        more,
    ]
    .concat();
    log(&mut site.command(&consume));
    logs
}

#[test]
fn no_payload_and_no_key_is_logged() {
    let site = Site::new();
    for format in ["text", "json"] {
        let logs = run(&site, &["-vvv", "--log-format", format]);
        assert!(logs.lines().count() > 10, "{logs}");
        assert!(!logs.contains(PAYLOAD), "{logs}");
        assert!(!logs.contains(KEY), "{logs}");
    }
}

#[test]
fn lines_about_an_event_have_what_tells_it_apart() {
    let logs = run(&Site::new(), &["--log-format", "json"]);
    let lines: Vec<Value> = logs
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut hashes = Vec::new();
    for (message, level, attempts) in [
        ("handler starts", "DEBUG", 1),
        ("an attempt failed; trying again", "WARN", 1),
        ("an event becomes a dead letter", "ERROR", 2),
    ] {
        let line = lines.iter().find(|line| line["message"] == message);
        let line = line.unwrap_or_else(|| panic!("no line says {message:?}: {logs}"));
        assert_eq!(line["level"], level, "{line}");
        assert_eq!(line["type"], TYPE, "{line}");
        assert_eq!(line["topic"], "courses", "{line}");
        assert_eq!(line["group"], "g", "{line}");
        assert_eq!(line["attempt"], attempts, "{line}");
        assert_eq!(line["id"].as_str().map(str::len), Some(36), "{line}");
        let hash = line["key_hash"].as_str().unwrap_or_default();
        assert_eq!(hash.len(), 12, "{line}");
        hashes.push(hash);
    }
    assert!(hashes.iter().all(|hash| hash == &hashes[0]), "{hashes:?}");
}
