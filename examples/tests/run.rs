//! Runs the examples as a person would, on one file, and checks what they print.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Cargo builds examples beside the tests of their package.
fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("a test knows its file");
    let built: PathBuf = test
        .ancestors()
        .nth(2)
        .expect("target/PROFILE/deps/TEST")
        .into();
    let program = built.join("examples").join(name);
    assert!(
        program.exists(),
        "{program:?} is missing: cargo build -p tidings-examples --examples"
    );
    Command::new(program)
}

#[test]
fn what_the_producer_says_the_consumer_hears() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite:{}", folder.path().join("bus.db").display());
    let mut consumer = example("consumer")
        .arg(&url)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the consumer starts");
    let (send, heard) = mpsc::channel();
    let output = BufReader::new(consumer.stdout.take().expect("piped"));
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            // The test has failed and gone when nobody listens.
            let _ = send.send(line);
        }
    });

    let produced = example("producer")
        .arg(&url)
        .output()
        .expect("the producer runs");
    assert!(produced.status.success(), "{produced:?}");
    let printed = String::from_utf8(produced.stdout).expect("UTF-8");
    let ids: Vec<&str> = printed
        .lines()
        .map(|line| line.strip_suffix(" is in courses").expect(line))
        .collect();
    assert_eq!(ids.len(), 3);

    let within = Duration::from_secs(30);
    let mut lines: Vec<String> = (0..3)
        .map(|_| {
            heard
                .recv_timeout(within)
                .expect("the consumer prints a line")
        })
        .collect();
    // Courses are keys of their own: nothing orders them against each other.
    let titles = ["Algebra", "Botany", "Chemistry"];
    let mut expected: Vec<String> = ids
        .iter()
        .zip(titles)
        .map(|(id, title)| format!("{id}: course \"{title}\""))
        .collect();
    lines.sort();
    expected.sort();
    assert_eq!(lines, expected);

    let asked = Command::new("kill").arg(consumer.id().to_string()).status();
    assert!(asked.expect("kill runs").success());
    assert_eq!(heard.recv_timeout(within).as_deref(), Ok("3 handled"));
    assert!(consumer.wait().expect("the consumer ends").success());
}

#[test]
fn a_service_is_held_to_its_catalog() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/events");
    let ran = example("catalog").arg(folder).output().expect("it runs");
    assert!(ran.status.success(), "{ran:?}");
    let printed = String::from_utf8(ran.stdout).expect("UTF-8");
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 3, "{printed}");
    assert_eq!(
        lines[0],
        "org.example.catalog.course.renamed.v2 is in courses"
    );
    assert_eq!(
        lines[1],
        "org.example.catalog.course.renamed.v1 is in courses"
    );
    let rule = "data/course does not fit its schema: \"name\" is a required property";
    assert!(
        lines[2].starts_with("refused: ") && lines[2].contains(rule),
        "{printed}"
    );
}
