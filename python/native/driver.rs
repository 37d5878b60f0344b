//! Who runs what is waited for.
//!
//! The runtime has no threads of its own: a caller who waits runs it meanwhile, on his own thread,
//! so that one publish is one write and one read and wakes nobody. When several wait, one of them
//! runs everything, and when he is done another goes on. Only what nobody waits for (consumers,
//! asyncio, buffered events) needs a thread in the background, which is started when there first is
//! such a task, and rests while there is none.

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::task::yield_now;

/// The runtime of a process.
pub(crate) struct Driver {
    /// Never dropped: threads may wait on it until the process is gone.
    runtime: Runtime,
    state: Mutex<State>,
    changed: Condvar,
    /// Tells the thread that its last task is done, or that all is to end.
    idle: Notify,
    began: Instant,
    /// When it was last run, in milliseconds since it began.
    last_run: AtomicU64,
}

/// What happens to a connection while nobody looks, happens to connections that rest for longer.
const REST: u64 = 10;

#[derive(Default)]
struct State {
    /// Tasks in the background.
    tasks: usize,
    started: bool,
    ended: bool,
    /// The thread has left its loop.
    gone: bool,
}

impl Driver {
    pub(crate) fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(8)
            .thread_name("tidings-blocking")
            .enable_all()
            .build()?;
        Ok(Self {
            runtime,
            state: Mutex::default(),
            changed: Condvar::new(),
            idle: Notify::new(),
            began: Instant::now(),
            last_run: AtomicU64::new(0),
        })
    }

    /// Runs a future to its end, and everything else meanwhile.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        let output = self.runtime.block_on(async {
            if self.now() > self.last_run.load(Ordering::Relaxed) + REST {
                self.catch_up().await;
            }
            future.await
        });
        self.last_run.store(self.now(), Ordering::Relaxed);
        output
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Lets happen what waits to happen since nobody has run the runtime: a server that has closed
    /// the connection is noticed before something is sent to it, not after.
    async fn catch_up(&self) {
        if self.state().tasks == 0 {
            // The first look at the sockets wakes tasks, which have run by the second.
            yield_now().await;
            yield_now().await;
        }
    }

    /// Lets happen what follows from a connection that was dropped: its socket is closed.
    pub(crate) fn tidy(&self) {
        // Whoever is inside runs it all the same.
        if tokio::runtime::Handle::try_current().is_err() {
            self.runtime.block_on(self.catch_up());
        }
    }

    /// Runs a future in the background. After the end it is dropped.
    pub(crate) fn spawn<F>(&'static self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut state = self.state();
        if state.ended {
            return;
        }
        if !state.started {
            let thread = std::thread::Builder::new().name("tidings".into());
            match thread.spawn(|| self.run()) {
                Ok(_) => state.started = true,
                // Whoever waits for something runs this task too.
                Err(error) => tracing::error!(%error, "the thread of tidings does not start"),
            }
        }
        state.tasks += 1;
        let first = state.tasks == 1;
        drop(state);
        let task = Task(self);
        self.runtime.spawn(async move {
            let _task = task;
            future.await;
        });
        if first {
            self.changed.notify_all();
        }
    }

    /// Whether nothing begins any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.state().ended
    }

    /// Ends the thread, and waits so long for it to leave what it is in.
    pub(crate) fn end(&self, within: Duration) {
        let until = Instant::now() + within;
        let mut state = self.state();
        state.ended = true;
        self.idle.notify_one();
        self.changed.notify_all();
        while state.started && !state.gone {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn run(&self) {
        let mut state = self.state();
        while !state.ended {
            if state.tasks == 0 {
                let waited = self.changed.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            drop(state);
            // It may have been told of tasks that were done before: then it looks once more.
            self.runtime.block_on(self.idle.notified());
            state = self.state();
        }
        state.gone = true;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task in the background, until it is done, dropped, or has panicked.
struct Task(&'static Driver);

impl Drop for Task {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.tasks -= 1;
        if state.tasks == 0 {
            self.0.idle.notify_one();
        }
    }
}
