//! Who runs what a caller waits for: the caller.
//!
//! A publish that is awaited is one write and one read. Handed to a thread of a runtime it would
//! also be two wakes and two changes of context, which cost more than the rest. So such calls have
//! a runtime without threads: whoever waits runs it meanwhile, on his own thread, and when several
//! wait, one of them runs everything and another goes on after him. Nothing may be spawned here
//! that shall move while nobody waits: for that there is the runtime in the background.

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::yield_now;

/// The runtime that callers run.
pub(crate) struct Driver {
    runtime: Runtime,
    began: Instant,
    /// When it was last run, in milliseconds since it began.
    last_run: AtomicU64,
}

/// What happens to a connection while nobody looks, happens to connections that rest for longer.
const REST: u64 = 10;

impl Driver {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            runtime: Builder::new_current_thread().enable_all().build()?,
            began: Instant::now(),
            last_run: AtomicU64::new(0),
        })
    }

    /// Runs a future to its end, and everything else meanwhile.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        let output = self.runtime.block_on(async {
            if self.now() > self.last_run.load(Ordering::Relaxed) + REST {
                catch_up().await;
            }
            future.await
        });
        self.last_run.store(self.now(), Ordering::Relaxed);
        output
    }

    /// Lets happen what follows from a connection that was dropped: its socket is closed.
    pub(crate) fn tidy(&self) {
        // Not from inside of a runtime; then the next caller does it. And not when this thread ends.
        if Handle::try_current().is_err_and(|error| error.is_missing_context()) {
            self.runtime.block_on(catch_up());
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Lets happen what waits to happen since nobody has run the runtime: a server that has closed the
/// connection is noticed before something is sent to it, not after.
async fn catch_up() {
    // The first look at the sockets wakes tasks, which have run by the second.
    yield_now().await;
    yield_now().await;
}
