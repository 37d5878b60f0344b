//! `tidings consume --exec`: commands that misbehave.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::site::{Site, document, terminate};

const FIRST: [&str; 7] = [
    "consume", "--topic", "courses", "--group", "g", "--from", "earliest",
];

fn consume(site: &Site, command: &str, more: &[&str]) -> (String, Value) {
    let ran = site
        .run(&[&FIRST[..], &["--json", "--exec", command], more].concat())
        .ok();
    let summary = ran.err.lines().last().unwrap();
    (ran.out.clone(), serde_json::from_str(summary).unwrap())
}

#[test]
fn a_command_may_print_megabytes_on_both_streams() {
    let site = Site::new();
    site.publish(2);
    let command = "head -c 3000000 /dev/zero | tr '\\0' x; \
                   head -c 3000000 /dev/zero | tr '\\0' y >&2; echo >&2";
    let (out, summary) = consume(&site, command, &["--max", "2"]);
    assert_eq!(out.len(), 6_000_000);
    assert_eq!(summary["delivered"], 2);
}

#[test]
fn a_command_need_not_read_its_input() {
    let site = Site::new();
    // More than a pipe holds, so that the writing must fail.
    let large = document(1).replace("1.50", &format!("\"{}\"", "x".repeat(200_000)));
    site.feed(
        &["publish", "--topic", "courses", "--profile", "off"],
        &large,
    )
    .ok();
    let (_, summary) = consume(&site, "exec <&-; true", &["--max", "1"]);
    assert_eq!(
        (&summary["delivered"], &summary["retried"]),
        (&1.into(), &0.into())
    );
}

#[test]
fn what_says_nothing_of_the_event_is_tried_again() {
    let site = Site::new();
    site.publish(1);
    for (group, first) in [
        ("killed", "kill -9 $$"),
        ("missing", "FOO=1 no-such-program-anywhere"),
        ("later", "exit 75"),
    ] {
        let command = format!("test $TIDINGS_ATTEMPT = 2 || {{ {first}; }}");
        let more = ["--group", group, "--max", "1"];
        let base = ["consume", "--topic", "courses", "--from", "earliest"];
        let ran = site
            .run(&[&base[..], &["--json", "--exec", &command], &more].concat())
            .ok();
        let summary: Value = serde_json::from_str(ran.err.lines().last().unwrap()).unwrap();
        assert_eq!(summary["delivered"], 1, "{group}: {}", ran.err);
        assert_eq!(summary["retried"], 1, "{group}: {}", ran.err);
    }
}

#[test]
fn a_command_that_hangs_is_killed_with_all_that_it_started() {
    let site = Site::new();
    site.publish(1);
    let pids = site.folder().join("pids");
    // A shell that waits for a child of its own.
    let command = "sleep 600 & echo $$ $! > pids.new; mv pids.new pids; echo begun; wait";
    let mut child = site
        .command(&[&FIRST[..], &["--exec", command, "--drain", "200ms"]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "begun\n");
    terminate(&child);
    // The end of the pipe: nobody holds it any more, so nobody was left behind.
    stdout.read_to_string(&mut line).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success());
    assert!(String::from_utf8_lossy(&ended.stderr).contains("1 given back"));
    for pid in fs::read_to_string(pids).unwrap().split_ascii_whitespace() {
        gone(pid);
    }
    let again = site.run(&[&FIRST[..], &["--max", "1"]].concat()).ok();
    assert_eq!(again.out, document(0), "it was not acknowledged");
}

#[test]
fn a_command_that_takes_too_long_is_killed_with_all_that_it_started() {
    let site = Site::new();
    site.publish(1);
    let command = "test $TIDINGS_ATTEMPT = 2 && exit; sleep 600 & echo $! > pid; wait";
    let (_, summary) = consume(&site, command, &["--timeout", "1s", "--max", "1"]);
    assert_eq!(
        (&summary["delivered"], &summary["retried"]),
        (&1.into(), &1.into())
    );
    gone(
        fs::read_to_string(site.folder().join("pid"))
            .unwrap()
            .trim(),
    );
}

/// Waits until a process is no more, or only waits to be reaped by whoever adopted it.
fn gone(pid: &str) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let state = Command::new("ps")
            .args(["-o", "stat=", "-p", pid])
            .output()
            .unwrap();
        let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
        if state.is_empty() || state.starts_with('Z') {
            return;
        }
        assert!(Instant::now() < end, "{pid} still runs: {state}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
