//! A folder with a bus in it, and the command as a person and a script run it there.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub const TYPE: &str = "org.example.catalog.course.created.v1";

/// A folder with a bus in it.
pub struct Site(TempDir);

impl Site {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("TIDINGS_CATALOG")
            .env_remove("RUST_LOG")
            .env("TIDINGS_BUS", "sqlite:bus.db");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.feed(arguments, "")
    }

    pub fn feed(&self, arguments: &[&str], input: &str) -> Ran {
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

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file into it.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder().join(name), text).unwrap();
    }

    /// Publishes so many documents, and returns them.
    pub fn publish(&self, count: usize) -> String {
        let documents: String = (0..count).map(document).collect();
        self.feed(&["publish", "--topic", "courses"], &documents)
            .ok();
        documents
    }
}

pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
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
    /// What a person sees of it: both streams, and how it ended.
    pub fn seen(&self) -> String {
        let code = self
            .code
            .map_or("a signal".to_owned(), |code| code.to_string());
        format!("{}{}[exit {code}]\n", self.out, self.err)
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        self.ends_with(0)
    }

    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    pub fn json(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap();
        self.out.lines().map(parse).collect()
    }
}

pub fn document(n: usize) -> String {
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

pub fn terminate(child: &Child) {
    let asked = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(asked.unwrap().success());
}

pub fn wait(child: &mut Child) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// For snapshots: hides what is different every time.
pub fn hidden() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    for (what, instead) in [
        (
            r"[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}",
            "[id]",
        ),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[time]"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "[time]"),
        (r"\d{13}-\d+", "[position]"),
        (r#""sourcehost":"[^"]*""#, r#""sourcehost":"[host]""#),
        (r"(/[\w.-]+)*/\.tmp\w+/", "/tmp/"),
        (r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:6379"),
        (r"(Redis|SQLite) \d+\.\d+\.\d+", "$1 [version]"),
        (r"(?m)^\d+$", "[bytes]"),
        (r"\d+(\.\d)? (B|KiB)\b", "[size]"),
        (r"  \d+(\.\d)?s", "  [age]"),
        // Doctor is right about a machine whose disk is nearly full; that is not of the page.
        (
            r"warning\[sqlite-disk\][^\n]*\n  help: [^\n]*\n(sqlite:[^\n]*: )see above",
            "${1}nothing endangers events here",
        ),
        (r"warning\[sqlite-disk\][^\n]*\n  help: [^\n]*\n", ""),
        (r"from \d+(\.\d)?s ago", "from [age] ago"),
        // The widths of columns follow from what was hidden.
        (r"  +", "  "),
    ] {
        settings.add_filter(what, instead);
    }
    settings
}
