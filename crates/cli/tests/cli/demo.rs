//! `tidings demo` as a person runs it: what it says, how it ends, and what it leaves behind.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Lines};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rusqlite::Connection;
use serde_json::Value;

type Outcome = Result<(), Box<dyn Error>>;

/// A demo in a folder of its own, whatever bus the environment names.
fn demo(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    command
        .arg("demo")
        .args(arguments)
        .current_dir(folder)
        .env("TMPDIR", folder)
        .env_remove("TIDINGS_BUS");
    command
}

#[test]
fn it_kills_lms_and_ends_with_identical_tables_and_nothing_left() -> Outcome {
    let folder = tempfile::tempdir()?;
    let output = demo(folder.path(), &["--seconds", "4", "--seed", "42"]).output()?;
    let said = String::from_utf8(output.stdout)?;
    let errors = String::from_utf8(output.stderr)?;
    assert!(output.status.success(), "{}: {said}{errors}", output.status);
    for line in [
        "Tidings: two services, one bus, 4.0s",
        "seed       42",
        "killed with SIGKILL with ",
        "lms is back after ",
        "discovery is done; waiting for lms to be in step",
        "  kills      1 SIGKILL; the ",
        "The tables are identical.",
    ] {
        assert!(said.contains(line), "{line:?} is not in:\n{said}");
    }
    let digests: Vec<_> = said
        .lines()
        .filter_map(|line| line.split_once("sha256 "))
        .map(|(_, digest)| digest)
        .collect();
    assert!(digests.len() == 2 && digests[0].len() == 64 && digests[0] == digests[1]);
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}

#[test]
fn it_tells_when_the_tables_differ() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut run = Run::start(folder.path(), &["--seconds", "2", "--folder", "kept"])?;
    run.wait_for("started")?;
    // Somebody writes into the copy.
    let lms = Connection::open(folder.path().join("kept/lms.db"))?;
    lms.busy_timeout(Duration::from_secs(20))?;
    let ghost = "INSERT INTO courses VALUES ('ghost', 'A Course Nobody Made', 'edX', 1, 0, 1, 0)";
    assert_eq!(lms.execute(ghost, [])?, 1);
    let verdict = run.wait_for("verdict")?;
    assert_eq!(verdict["ok"], false);
    assert_eq!(verdict["missing"], 0);
    assert_ne!(verdict["discovery"]["sha256"], verdict["lms"]["sha256"]);
    assert_eq!(run.child.wait()?.code(), Some(1));
    Ok(())
}

/// A process that is frozen in the middle of a commit keeps the file from all who read it, and
/// SQLite gives up after ten seconds. The demo freezes lms all the time.
#[test]
fn it_goes_on_when_the_bus_was_away() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut run = Run::start(folder.path(), &["--seconds", "2", "--folder", "kept"])?;
    while run.wait_for("progress")?["applied"] == 0 {}
    {
        let _frozen = FrozenCommit::begin(&folder.path().join("kept/bus.db"))?;
        sleep(Duration::from_secs(12));
    }
    assert_eq!(run.wait_for("verdict")?["ok"], true);
    assert_eq!(run.child.wait()?.code(), Some(0));
    Ok(())
}

/// What a process leaves that is stopped while it tells the others of its commit: the lock of the
/// writer, and two copies of the header of the write-ahead log's index that differ.
struct FrozenCommit {
    writer: Connection,
    /// Stays open as long as the connection: closing it would let go of the connection's locks.
    index: File,
}

impl FrozenCommit {
    /// Within the second copy of the header.
    const AT: u64 = 48 + 8;

    fn begin(path: &Path) -> Result<Self, Box<dyn Error>> {
        let writer = Connection::open(path)?;
        writer.busy_timeout(Duration::from_secs(20))?;
        writer.execute_batch("BEGIN IMMEDIATE")?;
        let index = path.with_extension("db-shm");
        let index = File::options().read(true).write(true).open(index)?;
        let frozen = Self { writer, index };
        frozen.tear()?;
        Ok(frozen)
    }

    /// Done twice it is mended.
    fn tear(&self) -> std::io::Result<()> {
        let mut byte = [0];
        self.index.read_exact_at(&mut byte, Self::AT)?;
        self.index.write_all_at(&[!byte[0]], Self::AT)
    }
}

impl Drop for FrozenCommit {
    fn drop(&mut self) {
        self.tear().expect("the index can be written");
        self.writer.execute_batch("ROLLBACK").expect("it goes on");
    }
}

#[test]
fn a_bus_inside_one_process_is_refused() -> Outcome {
    let folder = tempfile::tempdir()?;
    let output = demo(folder.path(), &["--bus", "memory:"]).output()?;
    assert_eq!(output.status.code(), Some(69));
    let said = String::from_utf8(output.stderr)?;
    assert!(said.contains("cannot share memory:"), "{said}");
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}

#[test]
fn ctrl_c_ends_it_and_both_services() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut run = Run::start(folder.path(), &["--seconds", "600"])?;
    let services = run.services()?;
    run.signal(Signal::SIGINT)?;
    assert_eq!(run.child.wait()?.code(), Some(130));
    assert!(services.iter().all(|pid| is_gone(*pid)));
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}

#[test]
fn the_services_do_not_outlive_it() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut run = Run::start(folder.path(), &["--seconds", "600"])?;
    let services = run.services()?;
    run.signal(Signal::SIGKILL)?;
    run.child.wait()?;
    let deadline = Instant::now() + Duration::from_secs(30);
    while !services.iter().all(|pid| is_gone(*pid)) {
        assert!(Instant::now() < deadline, "{services:?} run on");
        sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// A demo that runs, line by line.
struct Run {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Run {
    fn start(folder: &Path, arguments: &[&str]) -> Result<Self, Box<dyn Error>> {
        let mut command = demo(folder, arguments);
        let mut child = command.arg("--json").stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or("its output is not a pipe")?;
        Ok(Self {
            child,
            lines: BufReader::new(stdout).lines(),
        })
    }

    fn wait_for(&mut self, event: &str) -> Result<Value, Box<dyn Error>> {
        for line in self.lines.by_ref() {
            let happening: Value = serde_json::from_str(&line?)?;
            if happening["event"] == event {
                return Ok(happening);
            }
        }
        Err(format!("it ended before it told of {event}").into())
    }

    /// The process ids of both services, once both are at work.
    fn services(&mut self) -> Result<[i32; 2], Box<dyn Error>> {
        let started = self.wait_for("started")?;
        while self.wait_for("progress")?["applied"] == 0 {}
        let pid = |service: &str| started[service].as_i64().ok_or("no pid");
        Ok([pid("discovery")? as i32, pid("lms")? as i32])
    }

    fn signal(&self, signal: Signal) -> nix::Result<()> {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Has mostly ended already.
        let _ = self.child.kill();
    }
}

/// Whether a process has ended, or waits only for somebody to take note of it.
fn is_gone(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.map_or(true, |stat| stat.contains(") Z "))
}
