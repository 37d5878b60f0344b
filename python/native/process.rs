//! What this process has of its own: the runtime, connections, streams, the reporter.
//!
//! A forked child inherits memory but no threads. So nothing that waits or locks outlives a fork
//! here: everything that changes hangs off one [`Process`], which is found by the process id, and
//! a child finds none and makes its own. What it inherited it leaves alone, locks included.

use std::collections::HashMap;
use std::io;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::timeout;

use crate::connection::Connection;
use crate::driver::Driver;
use crate::error::Failure;
use crate::reporter::Reporter;
use crate::stream::Running;

/// Everything that must not be shared between processes.
pub(crate) struct Process {
    pid: u32,
    /// Runs what callers wait for.
    pub(crate) driver: Driver,
    background: Mutex<Background>,
    connections: Mutex<HashMap<u64, Arc<Connection>>>,
    streams: Mutex<HashMap<u64, Weak<Running>>>,
    pub(crate) reporter: Reporter,
}

/// What runs while nobody waits: consumers, asyncio, buffered events. A process that only publishes
/// has none, and so no thread: that of a server which forks, say, and closes what it finds open.
enum Background {
    Unneeded,
    Running(Runtime),
    /// The interpreter is ending.
    Ended,
}

/// Null, or a box that was leaked and is never freed.
static CURRENT: AtomicPtr<Process> = AtomicPtr::new(std::ptr::null_mut());

/// How long threads have to end that have nothing left to do.
const MOMENT: Duration = Duration::from_millis(500);

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// A number for something that processes keep apart.
pub(crate) fn new_id() -> u64 {
    NEXT_ID.fetch_add(1, Ordering::Relaxed)
}

#[allow(unsafe_code)]
fn get(pointer: *mut Process) -> Option<&'static Process> {
    // SAFETY: every pointer that reaches this function was read from `CURRENT` or is about to be
    // put there; it is null or comes from `Box::into_raw`, and no such box is freed once it is
    // in `CURRENT`. So it is valid for ever, and only shared references to it are made.
    unsafe { pointer.as_ref() }
}

impl Process {
    /// This process, if it has begun anything.
    pub(crate) fn begun() -> Option<&'static Self> {
        get(CURRENT.load(Ordering::Acquire)).filter(|p| p.pid == std::process::id())
    }

    /// This process; begun by the first call.
    pub(crate) fn current() -> io::Result<&'static Self> {
        if let Some(process) = Self::begun() {
            return Ok(process);
        }
        let found = CURRENT.load(Ordering::Acquire);
        let fresh = Box::leak(Box::new(Self::start()?));
        match CURRENT.compare_exchange(found, fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(fresh),
            Err(other) => {
                // Another thread of this process was faster. Its neighbour stays unused, at most once.
                fresh.end();
                Ok(get(other).expect("only null is ever replaced by null"))
            }
        }
    }

    fn start() -> io::Result<Self> {
        Ok(Self {
            pid: std::process::id(),
            driver: Driver::new()?,
            background: Mutex::new(Background::Unneeded),
            connections: Mutex::default(),
            streams: Mutex::default(),
            reporter: Reporter::default(),
        })
    }

    /// The runtime in the background, which the first call starts.
    pub(crate) fn background(&self) -> Result<Handle, Failure> {
        let mut background = lock(&self.background);
        if let Background::Unneeded = *background {
            let runtime = Builder::new_multi_thread()
                // What waits for Python cannot use more, and a second one would only wake the first.
                .worker_threads(1)
                .max_blocking_threads(8)
                .thread_name("tidings")
                .enable_all()
                .build();
            *background = Background::Running(runtime.map_err(|e| Failure::no_threads(&e))?);
        }
        match &*background {
            Background::Running(runtime) => Ok(runtime.handle().clone()),
            _ => Err(Failure::ending()),
        }
    }

    /// Whether the interpreter is ending and nothing may begin any more.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(*lock(&self.background), Background::Ended)
    }

    /// What this process has of a bus, made by the first call.
    pub(crate) fn connection(
        &self,
        bus: u64,
        make: impl FnOnce() -> Arc<Connection>,
    ) -> Arc<Connection> {
        let mut connections = lock(&self.connections);
        let entry = connections.entry(bus);
        entry.or_insert_with(make).clone()
    }

    pub(crate) fn connections(&self) -> Vec<Arc<Connection>> {
        lock(&self.connections).values().cloned().collect()
    }

    pub(crate) fn forget_connection(&self, bus: u64) {
        let connection = lock(&self.connections).remove(&bus);
        if connection.is_some() {
            drop(connection);
            self.driver.tidy();
        }
    }

    pub(crate) fn add_stream(&self, id: u64, stream: &Arc<Running>) {
        lock(&self.streams).insert(id, Arc::downgrade(stream));
    }

    pub(crate) fn forget_stream(&self, id: u64) {
        lock(&self.streams).remove(&id);
    }

    pub(crate) fn streams(&self) -> Vec<Arc<Running>> {
        lock(&self.streams)
            .values()
            .filter_map(Weak::upgrade)
            .collect()
    }

    /// Consumers drain, what is buffered goes out, threads end; what is not done in time is left.
    pub(crate) fn shut_down(&self, within: Duration) {
        let deadline = Instant::now() + within;
        let running = match &*lock(&self.background) {
            Background::Running(runtime) => Some(runtime.handle().clone()),
            _ => None,
        };
        if let Some(handle) = running {
            let finished = async {
                let streams = self.streams();
                for stream in &streams {
                    stream.stop();
                }
                for connection in self.connections() {
                    connection.buffer.flushed().await;
                }
                for stream in streams {
                    let _ = stream.ended().await;
                }
            };
            let _ = handle.block_on(async { timeout(within, finished).await });
        }
        self.end();
        // What could not be sent may be on its way into an outbox.
        let left = deadline.saturating_duration_since(Instant::now());
        self.reporter.end(left.max(MOMENT));
    }

    fn end(&self) {
        let background = std::mem::replace(&mut *lock(&self.background), Background::Ended);
        if let Background::Running(runtime) = background {
            runtime.shutdown_timeout(MOMENT);
        }
    }
}

/// Runs what needs the thread-locals of tokio.
///
/// A server that ends the interpreter while the C library exits, as uwsgi does, calls us on a thread
/// that has lost its own: then it runs on another.
pub(crate) fn with_thread_locals<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    match Handle::try_current() {
        Err(error) if error.is_thread_local_destroyed() => std::thread::scope(|scope| {
            let done = scope.spawn(work).join();
            done.unwrap_or_else(|panic| resume_unwind(panic))
        }),
        _ => work(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
