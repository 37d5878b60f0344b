//! What this process has of its own: the runtime, connections, streams, the reporter.
//!
//! A forked child inherits memory but no threads. So nothing that waits or locks outlives a fork
//! here: everything that changes hangs off one [`Process`], which is found by the process id, and
//! a child finds none and makes its own. What it inherited it leaves alone, locks included.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::connection::Connection;
use crate::driver::Driver;
use crate::reporter::Reporter;
use crate::stream::Running;

/// Everything that must not be shared between processes.
pub(crate) struct Process {
    pid: u32,
    /// Runs what callers wait for.
    pub(crate) driver: Driver,
    handle: Handle,
    /// Runs in the background: consumers, asyncio, buffered events. Taken when the interpreter ends.
    runtime: Mutex<Option<Runtime>>,
    connections: Mutex<HashMap<u64, Arc<Connection>>>,
    streams: Mutex<HashMap<u64, Weak<Running>>>,
    pub(crate) reporter: Reporter,
}

/// Null, or a box that was leaked and is never freed.
static CURRENT: AtomicPtr<Process> = AtomicPtr::new(std::ptr::null_mut());

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
                // Another thread of this process was faster. Its neighbour stays unused: a few
                // sleeping threads, at most once.
                fresh.end(Duration::ZERO);
                Ok(get(other).expect("only null is ever replaced by null"))
            }
        }
    }

    fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            // What waits for Python cannot use more, and a second one would only wake the first.
            .worker_threads(1)
            .max_blocking_threads(8)
            .thread_name("tidings")
            .enable_all()
            .build()?;
        Ok(Self {
            pid: std::process::id(),
            driver: Driver::new()?,
            handle: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
            connections: Mutex::default(),
            streams: Mutex::default(),
            reporter: Reporter::start()?,
        })
    }

    /// The runtime in the background.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Whether the interpreter is ending and nothing may begin any more.
    pub(crate) fn has_ended(&self) -> bool {
        lock(&self.runtime).is_none()
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

    /// Ends all threads; what still runs after the time is left behind.
    pub(crate) fn end(&self, within: Duration) {
        let runtime = lock(&self.runtime).take();
        if let Some(runtime) = runtime {
            runtime.shutdown_timeout(within);
        }
        self.reporter.end();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
