//! A service as a process of its own.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use super::plan::Service;
use super::stage::Stage;
use crate::children::Running;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::settings::BUS_VARIABLE;

/// A running service.
#[derive(Debug)]
pub struct Process {
    service: Service,
    child: Child,
    /// The service ends when this does, so also when we are killed.
    alive: Option<ChildStdin>,
    pid: u32,
    log: PathBuf,
    _running: Running,
}

impl Process {
    /// Starts a service.
    pub fn start(stage: &Stage, service: Service) -> Result<Self> {
        let cannot = |what: &str| format!("cannot start the service {service}: {what}");
        let program = std::env::current_exe().map_err(|e| {
            Failure::new(Exit::Failed, cannot("its program is not found")).source(e)
        })?;
        let log = stage.folder().join(format!("{service}.log"));
        let output = open_log(&log).map_err(|e| {
            let what = cannot(&format!("{} cannot be written", log.display()));
            Failure::new(Exit::Io, what).source(e)
        })?;
        let mut command = Command::new(&program);
        command
            .args(stage.arguments(service))
            // Not an argument: those can be seen by everybody, and a URL may hold a password.
            .env(BUS_VARIABLE, stage.bus_url())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(output)
            // A group of its own: Ctrl-C is for us, and we tell the services.
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|e| {
            Failure::new(Exit::Failed, cannot(&program.display().to_string())).source(e)
        })?;
        let pid = child.id().unwrap_or_default();
        Ok(Self {
            service,
            alive: child.stdin.take(),
            child,
            pid,
            log,
            _running: Running::note(pid),
        })
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Stops it where it is, in the middle of whatever it does.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        // It may just have ended by itself, which `check` reports.
        let _ = signal::kill(Pid::from_raw(self.pid.cast_signed()), signal);
    }

    /// Kills it with SIGKILL.
    pub async fn kill(mut self) -> Result<()> {
        self.check()?;
        self.child.kill().await.map_err(|e| {
            let what = format!("cannot kill {} (pid {})", self.service, self.pid);
            Failure::new(Exit::Failed, what).source(e)
        })
    }

    /// Fails if it has ended without being asked.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.ended(status)),
            Err(e) => Err(self.lost(e)),
        }
    }

    /// Asks it to end, and waits until it has done what it had begun.
    ///
    /// Not by SIGTERM: that kills a process that has just started and does not listen yet.
    pub async fn finish(&mut self, patience: Duration) -> Result<()> {
        drop(self.alive.take());
        match timeout(patience, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(self.ended(status)),
            Ok(Err(e)) => Err(self.lost(e)),
            Err(_) => Err(self.failure(&format!("has not ended within {patience:?}"))),
        }
    }

    fn ended(&self, status: ExitStatus) -> Failure {
        self.failure(&format!("ended by itself: {status}"))
    }

    fn lost(&self, error: std::io::Error) -> Failure {
        self.failure("cannot be waited for").source(error)
    }

    fn failure(&self, what: &str) -> Failure {
        let (service, pid) = (self.service, self.pid);
        let failure = Failure::new(Exit::Failed, format!("{service} (pid {pid}) {what}"));
        match last_lines(&self.log) {
            Some(lines) => failure.remedy(format!("its last words were:\n{lines}")),
            None => failure,
        }
    }
}

fn open_log(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn last_lines(log: &Path) -> Option<String> {
    let text = fs::read_to_string(log).ok()?;
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(5)..].join("\n    ");
    (!last.is_empty()).then(|| format!("    {last}"))
}
