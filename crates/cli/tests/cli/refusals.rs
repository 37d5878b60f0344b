//! What is said of bad input, and with which code: the whole list in one snapshot each.

use crate::site::{Site, TYPE, document, hidden};

/// A line as a person types it behind `tidings`; single quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (n, part) in line.split('\'').enumerate() {
        match n % 2 {
            0 => words.extend(part.split_ascii_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// Runs each line, and returns what came of them; each must end with the code of its row.
fn transcript(site: &Site, rows: &[(i32, &str)], input: &str) -> String {
    let mut text = String::new();
    for (code, line) in rows {
        let words = words(line);
        let arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        let ran = site.feed(&arguments, input);
        text.push_str(&format!("$ tidings {line}\n{}\n", ran.seen()));
        assert_eq!(ran.code, Some(*code), "{text}");
    }
    text
}

#[test]
fn a_wrong_command_line_is_explained() {
    let site = Site::new();
    let rows = [
        (64, ""),
        (64, "pubish"),
        (64, "publish"),
        (64, "publish --topic"),
        (64, "publish --topic '' x"),
        (64, "publish --topic a{b}"),
        (64, "publish --topic a --key k --key-path p"),
        (64, "publish --topic a --key-path a..b"),
        (64, "publish --topic a --data {}"),
        (64, "publish --topic a --type t.v1 file.json"),
        (64, "publish --topic a --type t.v1 --source /a --service b"),
        (64, "publish --topic a --type t.v1 --minorversion -1"),
        (64, "publish --topic a --type t.v1 --extension x"),
        (64, "publish --topic a --profile strict"),
        (64, "consume --topic a"),
        (64, "consume --topic a --group g{h}"),
        (64, "consume --topic a --group g --from soon"),
        (64, "consume --topic a --group g --lease 0s"),
        (64, "consume --topic a --group g --lease 30"),
        (64, "consume --topic a --group g --max 0"),
        (64, "consume --topic a --group g --concurrency 4"),
        (
            64,
            "consume --topic a --group g --exec true --concurrency 0",
        ),
        (64, "consume --topic a --group g --on-failure ignore"),
        (64, "consume --topic a --group g --metrics 9464"),
        (64, "consume --topic a --group g --exec 'echo \"'"),
        (78, "consume --topic a --group g --exec no-such-program"),
        (78, "consume --topic a --group g --exec ./no-such-program"),
        (78, "consume --topic a --group g --exec /"),
        (64, "tail -n 5 --from earliest"),
        (64, "tail -n -1"),
        (64, "groups create --topic a"),
        (64, "groups create --topic a --group g --from 5s"),
        (64, "seek --topic a --group g --to tomorrow"),
        (64, "seek --topic a --group g"),
        (64, "replay --topic a --group g --resume latest"),
        (64, "replay --topic a --group g --rate 0"),
        (64, "dlq"),
        (64, "dlq show --topic a --group g"),
        (64, "dlq release --topic a --group g"),
        (64, "dlq list --since yesterday"),
        (64, "dlq list --reason tired"),
        (64, "check --explain OEP41-no-such-rule"),
        (64, "demo --seconds 0"),
        (64, "--log-format xml topics"),
        (64, "--bus memory: check"),
        (64, "--bus memory: topics --bus memory:"),
    ];
    let said = transcript(&site, &rows, "");
    hidden().bind(|| insta::assert_snapshot!("wrong_command_lines", said));
}

#[test]
fn a_bus_that_cannot_be_used_is_explained() {
    let site = Site::new();
    site.write("not-a-database.db", "no\n");
    std::fs::create_dir(site.folder().join("folder")).unwrap();
    site.run(&["groups", "create", "--topic", "other", "--group", "g"])
        .ok();
    let rows = [
        (66, "topics --bus sqlite:mistyped.db"),
        (78, "topics --bus bus.db"),
        (78, "topics --bus sqlight:bus.db"),
        (78, "topics --bus sqlite:"),
        (78, "topics --bus sqlite:bus.db?durabilty=full"),
        (78, "topics --bus sqlite:bus.db?durability=some"),
        (78, "topics --bus sqlite:bus.db?prefix=a{b}"),
        (78, "topics --bus sqlite:bus.db?wire=xml"),
        (
            78,
            "publish --bus redis://127.0.0.1:1?wire=binary --topic a",
        ),
        (78, "topics --bus redis://user:secret@127.0.0.1/x"),
        (69, "topics --bus redis://user:secret@127.0.0.1:1"),
        (69, "consume --topic a --group g --bus redis://127.0.0.1:1"),
        (
            69,
            "consume --topic a --group g --bus redis://127.0.0.1:1 --give-up-after 100ms --log-format json",
        ),
        (65, "topics --bus sqlite:not-a-database.db"),
        (78, "topics --bus sqlite:folder"),
        (78, "topics --bus sqlite:no/such/folder/bus.db"),
        (78, "topics --catalog no-such-folder"),
        (
            66,
            "seek --topic courses --group nobody --to earliest --yes",
        ),
        (66, "replay --topic courses --group nobody --yes"),
        (64, "seek --topic courses --group nobody --to earliest"),
        (66, "dlq show --topic courses --group nobody 1"),
    ];
    let said = transcript(&site, &rows, "");
    assert!(!site.folder().join("mistyped.db").exists());
    assert!(
        !said.replace("user:secret@", "").contains("secret"),
        "{said}"
    );
    // The times of log lines, and the system's words for an address that nobody listens at.
    let mut settings = hidden();
    settings.add_filter(r#""away":"[^"]*""#, r#""away":"[time]""#);
    settings.add_filter(r"\d+(\.\d+)?(ms|µs)\b", "[duration]");
    settings.bind(|| insta::assert_snapshot!("unusable_buses", said));
}

#[test]
fn a_wrong_settings_file_is_explained() {
    let site = Site::new();
    let mut said = String::new();
    for text in [
        "buss = 'memory:'",
        "bus = 7",
        "bus = 'memory:",
        "catalog = 'events'",
        "lint = 3",
    ] {
        site.write("tidings.toml", text);
        said.push_str(&format!("# {text}\n"));
        said.push_str(&transcript(&site, &[(78, "topics")], ""));
    }
    hidden().bind(|| insta::assert_snapshot!("wrong_settings", said));
}

#[test]
fn bad_events_are_explained() {
    let site = Site::new();
    let event = document(1);
    let large = event.replace("\"n\":1.50", &format!("\"n\":\"{}\"", "x".repeat(66_000)));
    let input = [
        "{\"bad\"\n".to_owned(),
        "[]\n".to_owned(),
        "17\n".to_owned(),
        event.replace("\"specversion\":\"1.0\"", "\"specversion\":\"0.3\""),
        event.replace("\"id\":", "\"ID\":"),
        event.replace("\"source\":", "\"source\":\"/a/b/web\",\"source\":"),
        event.replace("2026-11-23T21:26:15.021067Z", "yesterday"),
        event.replace(TYPE, "org.example.catalog.course.create"),
        event.replace("8353e8ea-e784-11f1-8511", "8353e8ea-e784-41f1-8511"),
        event.replace("\"minorversion\":0", "\"minorversion\":\"0\""),
        event.replace("application/json", "application/pdf"),
        large,
    ]
    .concat();
    let rows = [
        (65, "publish --topic courses"),
        (65, "publish --topic courses --atomic"),
        (65, "publish --topic courses --key-path no.such --json"),
        (65, "check"),
        (65, "check --json"),
        (66, "publish --topic courses no-such-file"),
        (66, "check no-such-file"),
        (
            65,
            "publish --topic courses --type org.example.catalog.course.create --service catalog",
        ),
        (
            65,
            "publish --topic courses --type org.example.catalog.course.created.v1 --service catalog --data {",
        ),
        (
            66,
            "publish --topic courses --type org.example.catalog.course.created.v1 --service catalog --data @no-such-file",
        ),
    ];
    let said = transcript(&site, &rows, &input);
    hidden().bind(|| insta::assert_snapshot!("bad_events", said));
}
