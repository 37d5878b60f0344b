//! The moment in which a planted bug does harm: the process that has come to it says so and waits
//! there to be killed, so that finding the bug is not left to chance.

use std::fs;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::planted::Bug;

/// How often a process passes by, so that there is something before that moment and after it.
const PASSES: u32 = 20;

/// Where a process with a bug waits.
pub struct Moment {
    bug: Option<Bug>,
    marker: PathBuf,
    enough: PathBuf,
    passed: AtomicU32,
}

impl Moment {
    /// Of a process with this ledger.
    pub fn new(bug: Option<Bug>, ledger: &Path) -> Self {
        Self {
            bug,
            marker: marker(ledger),
            enough: ledger.with_file_name("enough"),
            passed: AtomicU32::new(0),
        }
    }

    /// If this is the process's bug, does not return when it is time to be killed.
    pub async fn of(&self, bug: Bug) {
        if self.bug != Some(bug) || self.enough.exists() {
            return;
        }
        if self.passed.fetch_add(1, Ordering::Relaxed) < PASSES {
            return;
        }
        if let Err(error) = fs::write(&self.marker, "") {
            tracing::error!(%error, "the marker cannot be written");
        }
        pending().await
    }
}

/// Says that the process with this ledger waits to be killed.
pub fn marker(ledger: &Path) -> PathBuf {
    ledger.with_extension("waits")
}

/// No process waits any more.
pub fn enough(folder: &Path) -> std::io::Result<()> {
    fs::write(folder.join("enough"), "")
}
