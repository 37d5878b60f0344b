//! The command as a person and a script run it: output, errors, exit codes.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const TYPE: &str = "org.example.catalog.course.created.v1";

/// A folder with a bus in it.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("TIDINGS_CATALOG")
            .env_remove("RUST_LOG")
            .env("TIDINGS_BUS", "sqlite:bus.db");
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.feed(arguments, "")
    }

    fn feed(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that refuses its arguments does not read.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        Ran::from(child.wait_with_output().unwrap())
    }

    fn publish(&self, count: usize) -> String {
        let documents: String = (0..count).map(document).collect();
        self.feed(&["publish", "--topic", "courses"], &documents)
            .ok();
        documents
    }
}

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    #[track_caller]
    fn ok(self) -> Self {
        self.ends_with(0)
    }

    #[track_caller]
    fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    fn json(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap();
        self.out.lines().map(parse).collect()
    }
}

fn document(n: usize) -> String {
    format!(
        concat!(
            r#"{{"specversion":"1.0","id":"8353e8ea-e784-11f1-8511-{:012x}","#,
            r#""source":"/example/catalog/worker","type":"{}","#,
            r#""time":"2026-11-23T21:26:15.021067Z","datacontenttype":"application/json","#,
            r#""minorversion":0,"sourcehost":"vm","partitionkey":"c-{}","data":{{"n":{}.50}}}}"#,
            "\n"
        ),
        n, TYPE, n, n
    )
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

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
fn an_event_is_stamped_by_the_profile() {
    let site = Site::new();
    let made = [
        "publish",
        "--json",
        "--topic",
        "courses",
        "--type",
        TYPE,
        "--service",
        "catalog",
    ];
    let receipt = &site
        .run(
            &[
                &made[..],
                &[
                    "--key-path",
                    "course.id",
                    "--data",
                    r#"{"course":{"id":"c-9"}}"#,
                ],
            ]
            .concat(),
        )
        .ok()
        .json()[0];
    assert_eq!(receipt["topic"], "courses");
    assert_eq!(receipt["position"], "1");
    let event = &site.run(&["tail", "--no-follow"]).ok().json()[0];
    assert_eq!(event["id"], receipt["id"]);
    assert_eq!(event["source"], "/example/catalog/worker");
    assert_eq!(event["partitionkey"], "c-9");
    write(site.0.path(), "event.json", &event.to_string());
    site.run(&["check", "event.json"]).ok();
}

#[test]
fn a_bad_line_is_told_and_the_good_ones_go_on() {
    let site = Site::new();
    let wrong_type = document(7).replace(TYPE, "org.example.catalog.course.create");
    let input = [document(1), "{\"bad\"\n".into(), wrong_type, document(2)].concat();
    let ran = site
        .feed(&["publish", "--topic", "courses", "--json"], &input)
        .ends_with(65);
    let lines = ran.json();
    assert_eq!(lines.len(), 4, "{}", ran.out);
    assert_eq!(lines[0]["position"], "1");
    assert_eq!(lines[1]["error"]["line"], 2);
    assert_eq!(lines[2]["error"]["line"], 3);
    assert_eq!(lines[2]["error"]["code"], "OEP41-type-grammar");
    assert!(!lines[2]["error"]["remedy"].as_str().unwrap().is_empty());
    assert_eq!(lines[3]["position"], "2");

    let atomic = site
        .feed(&["publish", "--topic", "other", "--atomic"], &input)
        .ends_with(65);
    assert!(
        atomic.err.contains("nothing was published"),
        "{}",
        atomic.err
    );
    let topics = site.run(&["topics", "--json"]).ok().json();
    assert!(topics.iter().all(|topic| topic["topic"] != "other"));
}

#[test]
fn an_array_is_as_good_as_lines() {
    let site = Site::new();
    let array = format!("[{},\n {}]", document(1).trim(), document(2).trim());
    write(site.0.path(), "events.json", &array);
    let ran = site.run(&[
        "publish",
        "--topic",
        "courses",
        "--atomic",
        "--json",
        "events.json",
    ]);
    assert_eq!(ran.ok().json().len(), 2);
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
        (&summary["delivered"], &summary["dead_letters"]),
        (&0.into(), &3.into())
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
    let site = Site::new();
    site.publish(50);
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
    assert!((1..50).contains(&heard), "{heard} came again");
    assert!(!ran.out.lines().any(|line| line == first));
}

#[test]
fn wrong_settings_are_told_with_their_remedy() {
    let site = Site::new();
    for (bus, says) in [
        ("sqlight:bus.db", "Did you mean \"sqlite\"?"),
        (
            "sqlite:bus.db?durabilty=full",
            "Did you mean \"durability\"?",
        ),
        ("redis://user:secret@127.0.0.1/x", "number of a database"),
    ] {
        let ran = site.run(&["topics", "--bus", bus]).ends_with(78);
        assert!(ran.err.contains(says), "{bus}: {}", ran.err);
        assert!(!ran.err.contains("secret"), "{}", ran.err);
    }
    write(site.0.path(), "tidings.toml", "buss = \"memory:\"\n");
    let ran = site.run(&["topics"]).ends_with(78);
    assert!(ran.err.contains("bus"), "{}", ran.err);
    std::fs::remove_file(site.0.path().join("tidings.toml")).unwrap();
    site.run(&["topics", "--bus", "redis://127.0.0.1:1"])
        .ends_with(69);
    site.run(&["no-such-verb"]).ends_with(64);
    site.run(&["publish", "--topic", "a{b}"]).ends_with(64);
    site.run(&["publish", "--topic", "a", "no-such-file"])
        .ends_with(66);
}

#[test]
fn doctor_tells_of_a_group_that_nobody_serves() {
    let site = Site::new();
    site.run(&["groups", "create", "--topic", "courses", "--group", "idle"])
        .ok();
    site.publish(2);
    let findings = site.run(&["doctor", "--json"]).ok().json();
    let found = findings
        .iter()
        .find(|f| f["code"] == "group-without-consumer")
        .unwrap();
    assert!(found["what"].as_str().unwrap().contains("2 events behind"));
    site.run(&["doctor", "--strict"]).ends_with(1);
}

fn terminate(child: &Child) {
    let asked = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(asked.unwrap().success());
}

fn wait(child: &mut Child) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}
