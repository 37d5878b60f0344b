//! The commands that run just now, so that an end at once does not leave them behind.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

static RUNNING: LazyLock<Mutex<HashSet<i32>>> = LazyLock::new(Mutex::default);

/// A command in a process group of its own, known as running until this is dropped. Dropping it
/// before the command [has ended](Self::ended) kills it with all that it started.
#[derive(Debug)]
pub struct Running {
    group: i32,
    ended: bool,
}

impl Running {
    /// Notes the leader of a process group.
    pub fn note(group: u32) -> Self {
        let group = group.cast_signed();
        lock().insert(group);
        Self {
            group,
            ended: false,
        }
    }

    /// The command has ended. What it left running in the background is its own affair, and its
    /// number may belong to others from now on.
    pub fn ended(mut self) {
        self.ended = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        lock().remove(&self.group);
        if !self.ended {
            kill(self.group);
        }
    }
}

/// Kills what runs, with all that it started.
pub fn kill_all() {
    lock().iter().copied().for_each(kill);
}

fn kill(group: i32) {
    // A group that has just ended is as good as killed.
    let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
}

fn lock() -> std::sync::MutexGuard<'static, HashSet<i32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
