//! Dead letters and replays, as a person handles them.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::site::{Site, TYPE, document};

const GROUP: [&str; 4] = ["--topic", "courses", "--group", "g"];

/// A site with three parked keys of group `g` of one event each, and a group `other` that heard all.
fn site_with_letters() -> Site {
    let site = Site::new();
    site.publish(3);
    let fails = "echo it is broken >&2; exit 3";
    consume(&site, "g", fails, &[]);
    consume(&site, "other", "cat", &[]);
    site
}

fn consume(site: &Site, group: &str, command: &str, more: &[&str]) -> String {
    let base = [
        "consume",
        "--topic",
        "courses",
        "--from",
        "earliest",
        "--until-idle",
        "700ms",
        "--group",
        group,
        "--exec",
        command,
    ];
    site.run(&[&base[..], more].concat()).ok().out
}

fn dlq(site: &Site, verb: &str, more: &[&str]) -> crate::site::Ran {
    site.run(&[&["dlq", verb], more].concat())
}

#[test]
fn dead_letters_are_listed_filtered_and_shown() {
    let site = site_with_letters();
    let all = dlq(&site, "list", &["--json"]).ok().json();
    assert_eq!(all.len(), 3);
    for letter in &all {
        assert_eq!(letter["group"], "g");
        assert_eq!(letter["state"], "parked");
        assert_eq!(letter["event_type"], TYPE);
        assert_eq!(letter["reason"], "permanent");
        assert_eq!(letter["message"], "the command exited with 3");
        assert_eq!(letter["attempts"], 1);
    }
    let table = dlq(&site, "list", &[]).ok().out;
    assert!(
        table.contains("permanent") && table.contains("c-1"),
        "{table}"
    );
    let count = |more: &[&str]| {
        let arguments = [&["--json"], more].concat();
        dlq(&site, "list", &arguments).ok().json().len()
    };
    assert_eq!(count(&["--key", "c-1"]), 1);
    assert_eq!(count(&["--key", "c-1", "--key", "c-2"]), 2);
    assert_eq!(count(&["--type", "org.example.*"]), 3);
    assert_eq!(count(&["--type", "org.example"]), 0);
    assert_eq!(count(&["--reason", "timeout"]), 0);
    assert_eq!(count(&["--since", "2020-01-01T00:00:00Z"]), 3);
    assert_eq!(count(&["--until", "2020-01-01T00:00:00Z"]), 0);
    assert_eq!(count(&["--group", "other"]), 0);
    dlq(&site, "list", &["--group", "nobody"]).ends_with(66);

    let id = all[1]["id"].as_str().unwrap();
    let show = [&GROUP[..], &[id]].concat();
    let shown = dlq(&site, "show", &show).ok().out;
    assert!(
        shown.contains("it is broken") || shown.contains("exited with 3"),
        "{shown}"
    );
    assert!(shown.contains(r#""sourcehost""#), "{shown}");
    assert!(
        !shown.contains(r#""data""#),
        "no payload unless asked for: {shown}"
    );
    let shown = dlq(&site, "show", &[&show[..], &["--payload"]].concat())
        .ok()
        .out;
    assert!(shown.contains(r#""data""#), "{shown}");
    dlq(&site, "show", &[&GROUP[..], &["999"]].concat()).ends_with(66);
}

#[test]
fn nothing_is_changed_without_consent() {
    let site = site_with_letters();
    for verb in ["retry", "discard"] {
        let refused = dlq(&site, verb, &GROUP).ends_with(64);
        assert!(refused.err.contains("--yes"), "{}", refused.err);
        dlq(&site, verb, &[&GROUP[..], &["--dry-run"]].concat()).ok();
    }
    let all = [&GROUP[..], &["--all"]].concat();
    dlq(&site, "release", &all).ends_with(64);
    let told = dlq(&site, "release", &[&all[..], &["--dry-run"]].concat()).ok();
    assert!(
        told.out.contains("3 keys would be released"),
        "{}",
        told.out
    );
    let replay = [&["replay"], &GROUP[..]].concat();
    site.run(&replay).ends_with(64);
    let left = dlq(&site, "list", &["--json"]).ok().json();
    assert!(left.iter().all(|letter| letter["state"] == "parked"));
}

#[test]
fn a_released_key_runs_and_others_stay() {
    let site = site_with_letters();
    let one = [&GROUP[..], &["--key", "c-1", "--yes"]].concat();
    let released = dlq(&site, "release", &one).ok();
    assert!(released.out.contains("1 wait"), "{}", released.out);
    assert_eq!(consume(&site, "g", "cat", &[]), document(1).trim());
    assert_eq!(
        consume(&site, "other", "cat", &[]),
        "",
        "nobody else hears it"
    );
    let left = dlq(&site, "list", &["--json"]).ok().json();
    assert_eq!(left.len(), 2);
    let gone = [&GROUP[..], &["--key", "c-1", "--yes"]].concat();
    dlq(&site, "release", &gone).ends_with(66);
}

#[test]
fn a_dead_letter_is_retried_in_its_group_alone() {
    let site = Site::new();
    site.publish(2);
    consume(&site, "g", "exit 3", &["--on-failure", "skip"]);
    consume(&site, "other", "cat", &[]);
    let letters = dlq(&site, "list", &["--json"]).ok().json();
    assert!(letters.iter().all(|letter| letter["state"] == "dead"));
    let id = letters[0]["id"].as_str().unwrap();
    let retry = [&GROUP[..], &["--yes", id]].concat();
    let retried = dlq(&site, "retry", &retry).ok().out;
    assert!(retried.starts_with("1 handed"), "{retried}");
    assert_eq!(consume(&site, "g", "cat", &[]), document(0).trim());
    assert_eq!(consume(&site, "other", "cat", &[]), "");
    assert_eq!(dlq(&site, "list", &["--json"]).ok().json().len(), 1);
}

#[test]
fn what_is_exported_can_be_published_and_discarded() {
    let site = site_with_letters();
    let lines = dlq(&site, "export", &GROUP).ok().out;
    let mut exported: Vec<&str> = lines.lines().collect();
    exported.sort_unstable();
    let wanted: Vec<String> = (0..3).map(|n| document(n).trim().to_owned()).collect();
    assert_eq!(exported, wanted);
    let published = site.feed(&["publish", "--topic", "again", "--json"], &lines);
    assert_eq!(published.ok().json().len(), 3);
    let yes = [&GROUP[..], &["--yes", "--json"]].concat();
    let discarded = dlq(&site, "discard", &yes).ok().json();
    assert_eq!(discarded[0]["done"], 3);
    assert_eq!(dlq(&site, "list", &["--json"]).ok().json().len(), 0);
    let groups = site
        .run(&["groups", "--topic", "courses", "--json"])
        .ok()
        .json();
    assert!(groups.iter().all(|group| group["parked_keys"] == 0));
}

#[test]
fn a_replay_goes_to_one_group_and_is_marked() {
    let site = Site::new();
    site.publish(4);
    consume(&site, "g", "cat", &[]);
    consume(&site, "other", "cat", &[]);
    let replay = |more: &[&str]| site.run(&[&["replay"], &GROUP[..], more].concat());
    let plan = replay(&["--dry-run", "--json", "--key", "c-1", "--key", "c-2"])
        .ok()
        .json();
    assert_eq!(
        (&plan[0]["matched"], &plan[0]["read"]),
        (&2.into(), &4.into())
    );
    let told = replay(&["--dry-run"]).ok().out;
    assert!(
        told.contains("4 of 4 events") && told.contains("c-3 (1)"),
        "{told}"
    );
    assert_eq!(
        consume(&site, "g", "cat", &[]),
        "",
        "a dry run hands over nothing"
    );
    for (from, until) in [
        ("3", "1"),
        ("4", "1"),
        ("2026-11-23T21:00:00Z", "2026-11-23T20:00:00Z"),
        ("2026-11-23T21:00:00Z", "0"),
    ] {
        for more in ["--yes", "--dry-run"] {
            let refused = replay(&[more, "--from", from, "--until", until]).ends_with(64);
            let said = format!("--until {until} comes before --from {from}");
            assert!(refused.err.contains(&said), "{}", refused.err);
            assert!(
                refused.err.contains("change the two around"),
                "{}",
                refused.err
            );
        }
    }
    replay(&["--yes", "--from", "2", "--until", "2"]).ok();
    assert_eq!(consume(&site, "g", "cat", &[]), "", "nothing was between");
    replay(&["--yes", "--key", "c-1", "--until", "3"]).ok();
    let heard = consume(&site, "g", "echo $TIDINGS_KEY $TIDINGS_REPLAY; cat", &[]);
    assert!(heard.starts_with("c-1 1\n"), "{heard}");
    assert!(heard.contains("\"tidingsreplay\":"), "{heard}");
    assert!(
        heard.contains("\"data\":{\"n\":1.50}"),
        "the payload as it was: {heard}"
    );
    assert_eq!(consume(&site, "other", "cat", &[]), "");
    site.run(&["replay", "--topic", "courses", "--group", "nobody", "--yes"])
        .ends_with(66);
}

#[test]
fn an_interrupted_replay_says_how_to_go_on() {
    let site = Site::new();
    site.publish(300);
    let arguments = [
        "replay", "--topic", "courses", "--group", "new", "--fresh", "--rate", "50", "--yes",
    ];
    let child = site
        .command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let started = || {
        let groups = site.run(&["groups", "--json"]);
        groups.out.contains("\"new\"") && !groups.out.contains("\"dead_letters\":0")
    };
    while !started() && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let pid = child.id().to_string();
    let asked = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(asked.unwrap().success());
    let ended = crate::site::Ran::from(child.wait_with_output().unwrap()).ends_with(130);
    let line = ended
        .err
        .lines()
        .find(|line| line.starts_with("to go on: "));
    let line = line.unwrap_or_else(|| panic!("{}", ended.err));
    let command = line
        .trim_start_matches("to go on: tidings ")
        .replace('\'', "");
    let command = command.replace("--rate 50", "--yes");
    site.run(&command.split(' ').collect::<Vec<_>>()).ok();
    let heard = consume(&site, "new", "echo $TIDINGS_KEY", &["--concurrency", "8"]);
    let mut keys: Vec<&str> = heard.lines().collect();
    assert_eq!(keys.len(), 300, "each once");
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 300);
}
