//! A process of the run.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, ChildStdin, Command};

use crate::args::Role;
use crate::moment::marker;
use crate::planted::Bug;
use crate::words::Result;

/// How to start one.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub role: Role,
    pub number: usize,
    pub seed: u64,
    pub rate: u64,
    pub lease: Duration,
    pub plant: Option<Bug>,
    pub folder: PathBuf,
    pub bus: String,
    pub database: String,
}

/// A running process; it ends with us.
pub struct Process {
    recipe: Recipe,
    /// How often it was started.
    starts: u64,
    child: Child,
    alive: Option<ChildStdin>,
    /// Stopped by SIGSTOP.
    pub stopped: bool,
}

impl Process {
    /// Starts it.
    pub fn start(recipe: Recipe) -> Result<Self> {
        let (child, alive) = spawn(&recipe, 0)?;
        Ok(Self {
            recipe,
            starts: 1,
            child,
            alive,
            stopped: false,
        })
    }

    /// `kill -9`.
    pub async fn kill(&mut self) -> Result<()> {
        self.check()?;
        self.child.kill().await?;
        self.stopped = false;
        Ok(())
    }

    /// Whether it waits to be killed.
    pub fn waits(&self) -> bool {
        marker(&ledger_of(&self.recipe)).exists()
    }

    /// Starts it again.
    pub fn start_again(&mut self) -> Result<()> {
        let (child, alive) = spawn(&self.recipe, self.starts)?;
        self.starts += 1;
        (self.child, self.alive) = (child, alive);
        Ok(())
    }

    /// Stops it where it stands, in the middle of whatever it does.
    pub fn stop(&mut self) -> Result<()> {
        self.signal(Signal::SIGSTOP)?;
        self.stopped = true;
        Ok(())
    }

    /// Lets it go on.
    pub fn go_on(&mut self) -> Result<()> {
        self.signal(Signal::SIGCONT)?;
        self.stopped = false;
        Ok(())
    }

    /// Asks it to end, and waits.
    pub async fn finish(&mut self) -> Result<()> {
        drop(self.alive.take());
        let patience = Duration::from_secs(60);
        match tokio::time::timeout(patience, self.child.wait()).await {
            Ok(status) if status.as_ref().is_ok_and(|s| s.success()) => Ok(()),
            Ok(status) => Err(self.failure(&format!("ended: {status:?}")).into()),
            Err(_) => Err(self.failure("does not end").into()),
        }
    }

    /// Fails if it has ended by itself: nothing that we do may end a process of ours.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(self.failure(&format!("ended by itself: {status}")).into()),
        }
    }

    fn failure(&self, what: &str) -> String {
        let log = std::fs::read_to_string(log_of(&self.recipe)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(8)..].join("\n    ");
        format!(
            "{} {what}; its last words:\n    {last}",
            name_of(&self.recipe)
        )
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.child.id().ok_or("the process has ended")?;
        Ok(kill(Pid::from_raw(pid.cast_signed()), signal)?)
    }
}

fn name_of(recipe: &Recipe) -> String {
    format!("{:?}-{}", recipe.role, recipe.number).to_lowercase()
}

fn log_of(recipe: &Recipe) -> PathBuf {
    recipe.folder.join(name_of(recipe) + ".log")
}

fn ledger_of(recipe: &Recipe) -> PathBuf {
    recipe.folder.join(name_of(recipe) + ".ledger")
}

fn spawn(recipe: &Recipe, starts: u64) -> Result<(Child, Option<ChildStdin>)> {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(log_of(recipe))?;
    // Each life has numbers of its own: a killed writer must not write the same again.
    let seed = recipe.seed ^ (recipe.number as u64) << 32 ^ starts << 40;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("role")
        .arg(format!("{:?}", recipe.role).to_lowercase())
        .args(["--seed", &seed.to_string()])
        .args(["--rate", &recipe.rate.to_string()])
        .args(["--lease-ms", &recipe.lease.as_millis().to_string()])
        .arg("--ledger")
        .arg(ledger_of(recipe))
        .env("CHAOS_BUS", &recipe.bus)
        .env("CHAOS_DATABASE", &recipe.database)
        .env(
            "RUST_LOG",
            std::env::var("CHAOS_LOG").unwrap_or_else(|_| "warn".into()),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log)
        .process_group(0)
        .kill_on_drop(true);
    if let Some(bug) = recipe.plant {
        command.args(["--plant", bug.name()]);
    }
    let mut child = command.spawn()?;
    let alive = child.stdin.take();
    Ok((child, alive))
}
