//! `tidings trim`, and retention by `tidings.toml`.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::site::{Site, hidden, terminate, wait};

/// Ten events; the group `mail` has settled six of them, `search` all.
fn site() -> Site {
    let site = Site::new();
    site.publish(10);
    for (group, max) in [("search", "10"), ("mail", "6")] {
        let from = ["--from", "earliest", "--max", max];
        let consume = ["consume", "--topic", "courses", "--group", group];
        site.run(&[&consume[..], &from].concat()).ok();
    }
    site
}

fn length(site: &Site) -> Value {
    site.run(&["topics", "--json"]).ok().json()[0]["length"].clone()
}

fn lost(site: &Site) -> Vec<Value> {
    let groups = site.run(&["groups", "--json"]).ok().json();
    groups.iter().map(|group| group["lost"].clone()).collect()
}

#[test]
fn a_dry_run_says_what_would_go_and_for_whom_the_rest_is_spared() {
    let site = site();
    let trim = ["trim", "--topic", "courses", "--max-len", "2"];
    let mut said = String::new();
    let mut show = |more: &[&str]| {
        let ran = site.run(&[&trim[..], more].concat());
        said.push_str(&format!(
            "$ tidings trim … {}\n{}\n",
            more.join(" "),
            ran.seen()
        ));
    };
    show(&["--dry-run"]);
    show(&["--dry-run", "--json"]);
    show(&["--dry-run", "--hard-max-len", "3"]);
    // Nobody can be asked.
    show(&[]);
    assert_eq!(length(&site), 10);
    show(&["--yes"]);
    assert_eq!(
        (length(&site), lost(&site)),
        (json!(4), vec![json!(0), json!(0)])
    );
    show(&["--yes", "--hard-max-len", "3"]);
    assert_eq!(
        (length(&site), lost(&site)),
        (json!(3), vec![json!(1), json!(0)])
    );
    hidden().bind(|| insta::assert_snapshot!("trim", said));
    // The group is told, and goes on.
    let consume = ["consume", "--topic", "courses", "--group", "mail"];
    let ran = site.run(&[&consume[..], &["--max", "3"]].concat()).ok();
    assert!(
        ran.err.contains("1 event lost to group mail of courses"),
        "{}",
        ran.err
    );
}

#[test]
fn what_is_asked_for_must_make_sense() {
    let site = site();
    for (arguments, code, says) in [
        (&["trim", "--dry-run"][..], 64, "nothing says what to keep"),
        (&["trim", "--max-len", "3"], 64, "--topic"),
        (
            &["trim", "--topic", "courses", "--group-ttl", "1h"],
            64,
            "limits nothing alone",
        ),
        (
            &["trim", "--topic", "nowhere", "--max-len", "3", "--yes"],
            66,
            "no topic nowhere",
        ),
        (
            &["trim", "--topic", "courses", "--max-age", "soon"],
            64,
            "not a duration",
        ),
        (
            &[
                "trim",
                "--topic",
                "courses",
                "--max-len",
                "3",
                "--hard-max-len",
                "2",
                "--yes",
            ],
            64,
            "hard-max-len 2 is below max-len 3",
        ),
    ] {
        let ran = site.run(arguments).ends_with(code);
        assert!(ran.err.contains(says), "{arguments:?}: {}", ran.err);
    }
    let negative = ["trim", "--topic", "courses", "--max-age", "-1d", "--yes"];
    let ran = site.run(&negative).ends_with(64);
    assert!(ran.err.contains("must not be negative"), "{}", ran.err);
    let several = [
        "trim",
        "--topic",
        "courses,users",
        "--max-len",
        "3",
        "--yes",
    ];
    let ran = site.run(&several).ends_with(66);
    assert!(ran.err.contains("several times"), "{}", ran.err);
    let twice = [
        "trim",
        "--topic",
        "courses",
        "--topic",
        "courses",
        "--max-len",
        "3",
        "--dry-run",
    ];
    let ran = site.run(&[&twice[..], &["--json"]].concat()).ok();
    assert_eq!(ran.json().len(), 1, "{}", ran.out);
    site.write(
        "tidings.toml",
        "[[retention]]\ntopics = 'other-*'\nmax-len = 3\n",
    );
    let ran = site
        .run(&["trim", "--topic", "courses", "--yes"])
        .ends_with(64);
    assert!(ran.err.contains("no rule"), "{}", ran.err);
    let ran = site.run(&["trim", "--yes"]).ok();
    assert!(ran.out.contains("no topic has a rule"), "{}", ran.out);
    assert!(
        ran.err.contains("\"other-*\" holds for no topic"),
        "{}",
        ran.err
    );
    assert_eq!(length(&site), 10);
}

#[test]
fn the_rules_of_the_file_hold_for_topics_of_the_prefix_and_the_first_that_fits_wins() {
    let site = Site::new();
    site.write(
        "tidings.toml",
        "[[retention]]\ntopics = 'courses'\nmax-len = 7\n[[retention]]\ntopics = '*'\nmax-len = 0\n",
    );
    let stage = ["--bus", "sqlite:bus.db?prefix=stage"];
    let documents = site.publish(10);
    for topic in ["courses", "users"] {
        site.feed(
            &[&["publish", "--topic", topic][..], &stage].concat(),
            &documents,
        )
        .ok();
    }
    let trimmed = site.run(&[&["trim", "--yes", "--json"][..], &stage].concat());
    let trimmed = trimmed.ok().json();
    let told: Vec<_> = trimmed
        .iter()
        .map(|t| (&t["topic"], &t["removed"]))
        .collect();
    let wanted = [("stage-courses", 3), ("stage-users", 10)].map(|(t, n)| (json!(t), json!(n)));
    assert_eq!(told, wanted.iter().map(|(t, n)| (t, n)).collect::<Vec<_>>());
    let topics = site.run(&["topics", "--json"]).ok().json();
    let lengths: Vec<_> = topics.iter().map(|t| t["length"].clone()).collect();
    assert_eq!(lengths, [json!(10), json!(7), json!(0)]);
    // Nor are others listed.
    let topics = site.run(&[&["topics", "--json"][..], &stage].concat()).ok();
    assert_eq!(topics.json().len(), 2);
    // A prefix given twice is worth a word.
    let ran = site.run(&[&["groups", "--topic", "stage-courses"][..], &stage].concat());
    assert!(
        ran.err.contains("becomes stage-stage-courses"),
        "{}",
        ran.err
    );
}

#[test]
fn it_goes_on_at_intervals_until_it_is_stopped() {
    let site = site();
    let trim = ["trim", "--topic", "courses", "--max-len", "2", "--yes"];
    let mut command = site.command(&[&trim[..], &["--every", "50ms"]].concat());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let until = |wanted: u64| {
        let end = Instant::now() + Duration::from_secs(60);
        while length(&site) != wanted {
            assert!(Instant::now() < end, "still {}", length(&site));
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    until(4);
    // What the group was spared for goes when it is done.
    let consume = ["consume", "--topic", "courses", "--group", "mail"];
    site.run(&[&consume[..], &["--max", "4"]].concat()).ok();
    until(2);
    terminate(&child);
    wait(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_consumer_carries_out_the_rules_of_the_file() {
    let site = site();
    site.write(
        "tidings.toml",
        "retention = [{ topics = '*', max-len = 2 }]\nretention-every = '50ms'\n",
    );
    let consume = ["consume", "--topic", "courses", "--group", "mail"];
    let mut child = site
        .command(&consume)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while length(&site) != 2 {
        assert!(Instant::now() < end, "still {}", length(&site));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(
        lost(&site),
        [json!(0), json!(0)],
        "nothing that it had not heard"
    );
    terminate(&child);
    wait(&mut child);
}
