//! How commands end: by a signal, by a reader that goes away, without a bus.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tidings_conformance::servers::{RedisOptions, RedisServer};

use crate::site::{Ran, Site, document};

const CONSUME: [&str; 7] = [
    "consume", "--topic", "courses", "--group", "g", "--from", "earliest",
];

fn signal(child: &Child, name: &str) {
    let kill = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
}

/// Starts it, waits for a line of output, sends a signal, and returns how it ended.
fn interrupted(site: &Site, arguments: &[&str], name: &str) -> Ran {
    let mut child = site
        .command(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    signal(&child, name);
    lines.for_each(drop);
    Ran::from(child.wait_with_output().unwrap())
}

#[test]
fn to_be_asked_to_end_is_the_ordinary_end() {
    let site = Site::new();
    site.publish(1);
    for (name, number) in [("-INT", 2), ("-TERM", 15)] {
        interrupted(&site, &["tail"], name).ok();
        let group = format!("g{number}");
        let base = ["consume", "--topic", "courses", "--from", "earliest"];
        let consume = [&base[..], &["--group", &group]].concat();
        let ran = interrupted(&site, &consume, name).ok();
        assert_eq!(ran.err, "1 delivered\n");
        // With a goal that was not reached it is not.
        let group = format!("goal{number}");
        let consume = [&base[..], &["--group", &group, "--max", "2"]].concat();
        interrupted(&site, &consume, name).ends_with(128 + number);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_trouble() {
    let site = Site::new();
    site.publish(40);
    let mut child = site
        .command(&[&CONSUME[..], &["-v"]].concat())
        .env("RUST_LOG", "warn")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    drop(lines);
    let ran = Ran::from(child.wait_with_output().unwrap()).ok();
    assert_eq!(ran.err, "");
    // What was not taken comes again, in order and up to the last.
    let rest = site
        .run(&[&CONSUME[..], &["--until-idle", "1s"]].concat())
        .ok();
    assert!(rest.out.ends_with(&document(39)), "{}", rest.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_is_away_at_the_start_is_waited_for() {
    let mut redis = RedisServer::start(RedisOptions::default()).await.unwrap();
    let site = Site::new();
    let url = redis.url();
    let bus = ["--bus", &url];
    site.run(
        &[
            &bus[..],
            &["groups", "create", "--topic", "courses", "--group", "g"],
        ]
        .concat(),
    )
    .ok();
    site.feed(
        &[&bus[..], &["publish", "--topic", "courses"]].concat(),
        &document(1),
    )
    .ok();
    redis.stop().await.unwrap();
    // Without patience it says so at once, with a little it gives up.
    let consume = [
        "consume", "--topic", "courses", "--group", "g", "--max", "1",
    ];
    site.run(&[&bus[..], &consume].concat()).ends_with(69);
    let patience = ["--give-up-after", "200ms"];
    site.run(&[&bus[..], &consume, &patience].concat())
        .ends_with(69);
    let mut child = site
        .command(&[&bus[..], &consume, &["--give-up-after", "60s"]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut complaints = BufReader::new(child.stderr.take().unwrap()).lines();
    let complaint = complaints.next().unwrap().unwrap();
    assert!(complaint.contains("trying again"), "{complaint}");
    redis.restart().await.unwrap();
    complaints.for_each(drop);
    let ran = Ran::from(child.wait_with_output().unwrap()).ok();
    assert_eq!(ran.out, document(1));
}

#[test]
fn the_bus_may_be_named_before_the_verb() {
    let site = Site::new();
    site.run(&[
        "--bus",
        "sqlite:other.db",
        "groups",
        "create",
        "--topic",
        "t",
        "--group",
        "g",
    ])
    .ok();
    let groups = site
        .run(&["--bus", "sqlite:other.db", "groups", "--json"])
        .ok();
    assert_eq!(groups.json()[0]["group"], "g");
    // It wins over the environment, as it does behind the verb.
    let other = site.run(&["groups", "--json"]).ends_with(66);
    assert!(
        other.err.contains("there is no file bus.db"),
        "{}",
        other.err
    );
}
