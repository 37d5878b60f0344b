//! A TCP proxy that cuts, stalls and refuses on command.

mod carry;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{oneshot, watch};

use crate::CutAt;

/// Stands between a client and a server on 127.0.0.1.
///
/// It runs on a thread of its own, so a test that blocks does not stall the traffic. Dropping it
/// closes everything.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Clone, Copy)]
struct Mode {
    accepting: bool,
    stalled: bool,
    /// Connections of an older age are cut.
    age: u64,
}

#[derive(Debug)]
struct Shared {
    mode: watch::Sender<Mode>,
    listening: watch::Sender<bool>,
    /// Whether the connection of the next request breaks, and where.
    next: Mutex<Option<CutAt>>,
    /// How many bytes of requests and of replies may still pass before everything is cut.
    requests: AtomicU64,
    replies: AtomicU64,
    open: AtomicUsize,
    accepted: AtomicUsize,
}

const UNLIMITED: u64 = u64::MAX;

impl Proxy {
    /// Starts one in front of `server`.
    ///
    /// # Errors
    /// When no port or thread can be had.
    pub fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            mode: watch::Sender::new(Mode {
                accepting: true,
                stalled: false,
                age: 0,
            }),
            listening: watch::Sender::new(true),
            next: Mutex::new(None),
            requests: AtomicU64::new(UNLIMITED),
            replies: AtomicU64::new(UNLIMITED),
            open: AtomicUsize::new(0),
            accepted: AtomicUsize::new(0),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let worker = shared.clone();
        let thread = std::thread::Builder::new()
            .name("proxy".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = carry::listen(listener, server, worker) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            port,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The port to connect to, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts every connection now; new ones are accepted.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// Cuts, once, only the connection on which the next request comes: in the middle of that, or
    /// when the server begins to answer.
    pub fn cut_next(&self, at: CutAt) {
        *self.shared.next() = Some(at);
    }

    /// Cuts every connection after `bytes` more bytes of requests: in the middle of a command.
    pub fn cut_requests_after(&self, bytes: u64) {
        self.shared.requests.store(bytes, Ordering::SeqCst);
    }

    /// Cuts every connection after `bytes` more bytes of replies: the server has done what the
    /// client will not hear of.
    pub fn cut_replies_after(&self, bytes: u64) {
        self.shared.replies.store(bytes, Ordering::SeqCst);
    }

    /// Whether a cut that was ordered has not come about yet.
    pub fn cut_is_armed(&self) -> bool {
        self.shared.requests.load(Ordering::SeqCst) != UNLIMITED
            || self.shared.replies.load(Ordering::SeqCst) != UNLIMITED
            || self.shared.next().is_some()
    }

    /// Carries nothing any more, in either direction, but keeps connections and accepts new ones.
    pub fn stall(&self) {
        self.shared.mode.send_modify(|mode| mode.stalled = true);
    }

    /// Ends a stall; what was held back flows on.
    pub fn resume(&self) {
        self.shared.mode.send_modify(|mode| mode.stalled = false);
    }

    /// Cuts every connection and refuses new ones; returns when the port is closed.
    pub async fn refuse(&self) {
        self.shared.mode.send_modify(|mode| mode.accepting = false);
        self.shared.cut();
        self.listening(false).await;
    }

    /// Accepts connections again; returns when the port is open.
    pub async fn accept(&self) {
        self.shared.mode.send_modify(|mode| mode.accepting = true);
        self.listening(true).await;
    }

    /// How many connections are open now.
    pub fn open_connections(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// How many connections were accepted since the start.
    pub fn accepted_connections(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    async fn listening(&self, wanted: bool) {
        let mut listening = self.shared.listening.subscribe();
        // Its sender lives in `self.shared`, so waiting for it cannot fail.
        let _ = listening.wait_for(|now| *now == wanted).await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn next(&self) -> MutexGuard<'_, Option<CutAt>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut(&self) {
        self.requests.store(UNLIMITED, Ordering::SeqCst);
        self.replies.store(UNLIMITED, Ordering::SeqCst);
        self.mode.send_modify(|mode| mode.age += 1);
    }
}
