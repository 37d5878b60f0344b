//! Telling those who wait that there may be something for them.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::watch;

/// How often a waiter looks by itself, for the writer that was killed between its commit and its
/// wake-up call.
const BACKSTOP: Duration = Duration::from_secs(1);
/// The same where the system cannot tell of changes to files.
const UNTOLD: Duration = Duration::from_millis(20);

/// Wakes the waiters of this process by a channel and those of others by writing to a file.
pub(crate) struct Wake {
    path: PathBuf,
    file: File,
    calls: watch::Sender<u64>,
    watcher: Mutex<Watching>,
}

enum Watching {
    NotYet,
    /// Told by the system as long as the watcher is kept.
    Told(#[expect(dead_code, reason = "kept for its Drop")] RecommendedWatcher),
    Untold,
}

impl Wake {
    pub(crate) fn new(path: &Path, file: File) -> Self {
        Self {
            path: path.to_owned(),
            file,
            calls: watch::Sender::new(0),
            watcher: Mutex::new(Watching::NotYet),
        }
    }

    /// Something may be deliverable that was not before.
    pub(crate) fn call(&self) {
        self.calls.send_modify(|n| *n += 1);
        // The backstop covers a call that did not get through.
        let _ = self.file.write_at(b"\n", 0);
    }

    /// A channel that changes with every call, from any process, and how often to look besides.
    /// The watcher begins with the first who listens: mere publishers need none.
    pub(crate) fn listen(&self) -> (watch::Receiver<u64>, Duration) {
        let mut watcher = self.watcher.lock().unwrap_or_else(|e| e.into_inner());
        if matches!(*watcher, Watching::NotYet) {
            *watcher = match self.watch() {
                Ok(w) => Watching::Told(w),
                Err(error) => {
                    tracing::warn!(
                        %error,
                        path = %self.path.display(),
                        "the system does not tell of changes to files (inotify limits?); \
                         looking every 20 ms instead"
                    );
                    Watching::Untold
                }
            };
        }
        let pause = match *watcher {
            Watching::Untold => UNTOLD,
            _ => BACKSTOP,
        };
        (self.calls.subscribe(), pause)
    }

    fn watch(&self) -> notify::Result<RecommendedWatcher> {
        let calls = self.calls.clone();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<_>| {
            // Whatever happened, an error included: one look too many is harmless.
            drop(event);
            calls.send_modify(|n| *n += 1);
        })?;
        watcher.watch(&self.path, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    }
}
