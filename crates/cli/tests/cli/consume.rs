//! `tidings consume`: lines, commands, ends.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::site::{Site, TYPE, document, terminate, wait};

#[test]
fn documents_go_through_byte_for_byte() {
    let site = Site::new();
    site.run(&["groups", "create", "--topic", "courses", "--group", "g"])
        .ok();
    let documents = site.publish(3);
    let heard = site
        .run(&[
            "consume", "--topic", "courses", "--group", "g", "--max", "3",
        ])
        .ok();
    assert_eq!(heard.out, documents);
    let shown = site.run(&["tail", "--no-follow"]).ok();
    assert_eq!(shown.out, documents);
    let again = site
        .run(&[
            "consume",
            "--topic",
            "courses",
            "--group",
            "g",
            "--until-idle",
            "300ms",
        ])
        .ok();
    assert_eq!(again.out, "", "what was acknowledged does not come again");
}

#[test]
fn the_exit_code_of_a_command_is_the_verdict() {
    let site = Site::new();
    site.publish(3);
    let consume = |group: &str, command: &str, more: &[&str]| {
        let base = [
            "consume", "--json", "--topic", "courses", "--from", "earliest",
        ];
        let arguments = [&base[..], &["--group", group, "--exec", command], more].concat();
        let ran = site.run(&arguments).ok();
        let summary = ran.err.lines().last().unwrap().to_owned();
        (ran, serde_json::from_str::<Value>(&summary).unwrap())
    };
    let (ran, summary) = consume(
        "good",
        "cat; echo $TIDINGS_TYPE $TIDINGS_KEY",
        &["--max", "3"],
    );
    assert_eq!(summary["delivered"], 3);
    assert!(ran.out.contains(&format!("{TYPE} c-2")), "{}", ran.out);

    let (_, summary) = consume("bad", "exit 3", &["--until-idle", "500ms"]);
    assert_eq!(
        (&summary["delivered"], &summary["parked"]),
        (&0.into(), &3.into())
    );
    let skip = ["--until-idle", "500ms", "--on-failure", "skip"];
    let (_, summary) = consume("skips", "exit 3", &skip);
    assert_eq!(summary["dead_letters"], 3);
    // Nobody can use these: they hold up nothing, whatever the policy.
    let (_, summary) = consume("poison", "exit 65", &["--until-idle", "500ms"]);
    assert_eq!(summary["dead_letters"], 3);
    let stop = [
        "--group",
        "stops",
        "--exec",
        "exit 3",
        "--on-failure",
        "stop",
    ];
    let from = ["consume", "--topic", "courses", "--from", "earliest"];
    let stopped = site.run(&[&from[..], &stop].concat()).ends_with(1);
    assert!(
        stopped
            .err
            .contains("comes first when the consumer starts again")
    );
    let groups = site.run(&["groups", "--json"]).ok().json();
    let bad = groups.iter().find(|group| group["group"] == "bad").unwrap();
    assert_eq!(
        (&bad["dead_letters"], &bad["lag_events"]),
        (&3.into(), &0.into())
    );

    let once = "test $TIDINGS_ATTEMPT = 2 || exit 75";
    let (_, summary) = consume("again", once, &["--max", "3"]);
    assert_eq!(
        (&summary["delivered"], &summary["retried"]),
        (&3.into(), &3.into())
    );
}

#[test]
fn what_a_killed_consumer_held_comes_again() {
    let site = Site::new();
    site.publish(2);
    let common = [
        "consume", "--topic", "courses", "--group", "g", "--from", "earliest",
    ];
    let lease = ["--lease", "1s"];
    let stuck = [
        &common[..],
        &lease,
        &["--exec", "echo begun; exec sleep 60"],
    ]
    .concat();
    let mut child = site.command(&stuck).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "begun");
    child.kill().unwrap();
    child.wait().unwrap();
    let next = [&common[..], &lease, &["--max", "2"]].concat();
    let ran = site.run(&next).ok();
    let mut heard: Vec<String> = ran.out.lines().map(|l| format!("{l}\n")).collect();
    heard.sort();
    assert_eq!(heard, [document(0), document(1)]);
}

#[test]
fn a_consumer_drains_when_it_is_asked_to_end() {
    let site = Site::new();
    site.publish(1);
    let command = "echo begun; sleep 1; echo done";
    let arguments = [
        "consume", "--topic", "courses", "--group", "g", "--from", "earliest",
    ];
    let mut child = site
        .command(&[&arguments[..], &["--exec", command]].concat())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "begun");
    terminate(&child);
    assert_eq!(lines.next().unwrap().unwrap(), "done");
    assert!(child.wait().unwrap().success());
    let group = &site.run(&["groups", "--json"]).ok().json()[0];
    assert_eq!(
        (&group["lag_events"], &group["pending"]),
        (&0.into(), &0.into())
    );
}

#[test]
fn a_line_that_nobody_took_is_not_acknowledged() {
    const EVENTS: usize = 500;
    let site = Site::new();
    // More than a pipe holds, or all are written before the other end is gone.
    site.publish(EVENTS);
    let arguments = [
        "consume", "--topic", "courses", "--group", "g", "--from", "earliest",
    ];
    let mut child = site
        .command(&arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    drop(lines);
    wait(&mut child);
    let ran = site
        .run(&[&arguments[..], &["--until-idle", "1s"]].concat())
        .ok();
    let heard = ran.out.lines().count();
    // The pipe may have held some lines that nobody read; what was refused must come again.
    assert!((1..EVENTS).contains(&heard), "{heard} came again");
    assert!(!ran.out.lines().any(|line| line == first));
}
