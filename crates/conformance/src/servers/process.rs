//! A server's process, which does not outlive the test.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::RngExt;

/// How long a server may take to come up or to stop.
pub(super) const DEADLINE: Duration = Duration::from_secs(60);

/// A server and the small shell that kills it, and removes its folder, when the test process ends
/// without dropping it: it waits for the end of a pipe that only the test process holds open.
#[derive(Debug)]
pub(super) struct Process {
    server: Child,
    watchdog: Child,
}

impl Process {
    /// Starts a server whose folder goes with it, with what it says in a file there.
    pub(super) fn start(mut command: Command, folder: &Path, log: &Path) -> io::Result<Self> {
        let program = command.get_program().to_owned();
        let file = fs::File::create(log)?;
        let mut server = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .map_err(|e| {
                let program = program.display();
                io::Error::new(
                    e.kind(),
                    format!("starting {program}: {e}; is it installed?"),
                )
            })?;
        // A server of several processes leaves children, which notice by themselves.
        let watchdog = Command::new("sh")
            .args([
                "-c",
                "read _; kill -9 \"$1\"; sleep 1; rm -rf \"$2\"",
                "sh",
                &server.id().to_string(),
            ])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match watchdog {
            Ok(watchdog) => Ok(Self { server, watchdog }),
            Err(e) => {
                let _ = server.kill();
                let _ = server.wait();
                Err(e)
            }
        }
    }

    /// Starts a server and waits until it is ready, which what it says tells or anything else. What it
    /// says where another has its port, or whatever it needs for itself, is in `taken`.
    pub(super) async fn come_up(
        command: Command,
        folder: &Path,
        log: &Path,
        taken: &[&str],
        is_ready: impl Fn(&str) -> bool,
    ) -> io::Result<Self> {
        let program = command.get_program().to_owned();
        let mut process = Self::start(command, folder, log)?;
        let end = Instant::now() + DEADLINE;
        loop {
            let said = fs::read_to_string(log).unwrap_or_default();
            if is_ready(&said) {
                return Ok(process);
            }
            if process.has_ended()? || Instant::now() > end {
                let kind = match taken.iter().any(|text| said.contains(text)) {
                    true => io::ErrorKind::AddrInUse,
                    false => io::ErrorKind::Other,
                };
                let program = program.display();
                return Err(io::Error::new(
                    kind,
                    format!("{program} did not come up: {said}"),
                ));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = i32::try_from(self.server.id()).map_err(io::Error::other)?;
        Ok(kill(Pid::from_raw(pid), signal)?)
    }

    /// What happens when the test process dies.
    #[cfg(test)]
    pub(super) fn abandon(&mut self) {
        drop(self.watchdog.stdin.take());
    }

    pub(super) fn has_ended(&mut self) -> io::Result<bool> {
        Ok(self.server.try_wait()?.is_some())
    }

    /// Waits until it has ended.
    pub(super) async fn ended(&mut self) -> io::Result<()> {
        let end = Instant::now() + DEADLINE;
        while !self.has_ended()? {
            if Instant::now() > end {
                let kind = io::ErrorKind::TimedOut;
                return Err(io::Error::new(kind, "the server does not stop"));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// `kill -9`, its children first.
    pub(super) fn kill(&mut self) {
        let id = self.server.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        for child in children.unwrap_or_default().split_whitespace() {
            if let Ok(pid) = child.parse() {
                // One that is gone already is what was asked for.
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether to try again, after a moment: another socket has the port, or a process that was killed
/// what is needed.
pub(super) async fn is_taken_for_now(up: &io::Result<()>, end: Instant) -> bool {
    let taken = matches!(up, Err(e) if e.kind() == io::ErrorKind::AddrInUse);
    if taken && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(50)).await;
        return true;
    }
    false
}

/// A port that was free just now, below the range that the kernel hands to clients: a server that
/// is down for a moment keeps it.
pub(super) fn free_port() -> io::Result<u16> {
    for _ in 0..1000 {
        let port = rand::rng().random_range(10_000..32_000);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no free port"))
}

/// Runs a program to its end; what it wrote.
pub(super) fn run(command: &mut Command) -> io::Result<String> {
    let program = command.get_program().to_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|e| {
        let program = program.display();
        io::Error::new(
            e.kind(),
            format!("starting {program}: {e}; is it installed?"),
        )
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(io::Error::other(format!(
        "{}: {}: {}{}",
        program.display(),
        output.status,
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    )))
}
