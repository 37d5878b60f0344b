//! The first SIGTERM or SIGINT asks to drain, the second ends at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::children;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output;

/// Most commands end sooner, and then there is nothing to say.
const PROMPT: Duration = Duration::from_millis(500);

/// Whether and by which signal the process was asked to end. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    asked: CancellationToken,
    signal: Arc<AtomicI32>,
}

impl Shutdown {
    /// Listens from now on.
    pub fn listen() -> Result<Self> {
        let refuse =
            |e: io::Error| Failure::new(Exit::Failed, "cannot listen to signals").source(e);
        let mut terminate = signal(SignalKind::terminate()).map_err(refuse)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(refuse)?;
        let shutdown = Self::default();
        let heard = shutdown.clone();
        tokio::spawn(async move {
            loop {
                let number = tokio::select! {
                    _ = terminate.recv() => libc::SIGTERM,
                    _ = interrupt.recv() => libc::SIGINT,
                };
                if heard.asked.is_cancelled() {
                    children::kill_all();
                    std::process::exit(Exit::Signal(number).code());
                }
                heard.signal.store(number, Ordering::Relaxed);
                heard.asked.cancel();
                if number == libc::SIGINT {
                    tokio::spawn(async {
                        sleep(PROMPT).await;
                        output::to_stderr("\nfinishing; once more ends at once");
                    });
                }
            }
        });
        Ok(shutdown)
    }

    /// Completes when the process is asked to end.
    pub async fn asked(&self) {
        self.asked.cancelled().await;
    }

    /// Whether the process was asked to end.
    pub fn is_asked(&self) -> bool {
        self.asked.is_cancelled()
    }

    /// Asks to drain for a reason of our own.
    pub fn ask(&self) {
        self.asked.cancel();
    }

    /// The exit for work that a signal cut short; `Ok` when none did.
    pub fn exit(&self) -> Exit {
        match self.signal.load(Ordering::Relaxed) {
            0 => Exit::Ok,
            number => Exit::Signal(number),
        }
    }
}
