//! A folder with a bus in it, and commands that run there.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub const TYPE: &str = "org.example.catalog.course.created.v1";
/// What must stand in no log.
pub const PAYLOAD: &str = "a-title-that-nobody-else-shall-read";
pub const KEY: &str = "jane.doe@example.org";

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Site(TempDir);

impl Site {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env("TIDINGS_BUS", "sqlite:bus.db")
            .stdin(Stdio::null());
        for (name, _) in std::env::vars() {
            if name.starts_with("OTEL_") || name == "RUST_LOG" || name == "TIDINGS_METRICS" {
                command.env_remove(name);
            }
        }
        command
    }

    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {told}");
        String::from_utf8(output.stdout).unwrap() + &told
    }

    /// Publishes an event with a payload and a key that logs must not show.
    pub fn publish(&self, count: usize) {
        let data = format!(r#"{{"title":"{PAYLOAD}"}}"#);
        for _ in 0..count {
            self.ok(&[
                "publish", "--topic", "courses", "--type", TYPE, "--key", KEY, "--data", &data,
            ]);
        }
    }

    pub fn start(&self, command: &mut Command) -> Running {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(String::new()));
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let heard = lines.clone();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                *heard.lock().unwrap() += &(line + "\n");
            }
        });
        Running {
            stdin: child.stdin.take(),
            child,
            lines,
        }
    }
}

/// A command that runs until this is dropped.
pub struct Running {
    pub stdin: Option<ChildStdin>,
    child: Child,
    lines: Arc<Mutex<String>>,
}

impl Running {
    pub fn told(&self) -> String {
        self.lines.lock().unwrap().clone()
    }

    /// Where it says that its metrics are; it must have been started with `-v`.
    pub fn address(&self) -> SocketAddr {
        until("the address of the metrics", || {
            let told = self.told();
            let at = told.find("address=")? + "address=".len();
            let end = told[at..].find(char::is_whitespace)?;
            told[at..at + end].parse().ok()
        })
    }

    /// Asks it to end, and waits until it has.
    pub fn terminate(mut self) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.unwrap().success());
        self.wait();
    }

    pub fn wait(&mut self) -> String {
        until("the end of the command", || self.child.try_wait().unwrap());
        self.told()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again until there is an answer.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// The status and the rest of an answer over HTTP.
pub fn get(address: SocketAddr, path: &str) -> (u16, String) {
    ask(address, "GET", path)
}

pub fn ask(address: SocketAddr, method: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}
