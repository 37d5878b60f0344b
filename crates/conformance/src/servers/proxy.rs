//! A TCP proxy that cuts, stalls and refuses on command.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
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
                        () = listen(listener, server, worker) => {}
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

async fn listen(first: std::net::TcpListener, server: SocketAddr, shared: Arc<Shared>) {
    let Ok(address) = first.local_addr() else {
        return;
    };
    let mut mode = shared.mode.subscribe();
    let mut listener = TcpListener::from_std(first).ok();
    // Refusing means not to listen; but a port that nobody holds may go to another server that
    // starts on a free one, and then nothing is refused.
    let mut held = None;
    loop {
        match listener.take() {
            Some(open) => {
                let accepted = tokio::select! {
                    _ = mode.wait_for(|mode| !mode.accepting) => None,
                    accepted = open.accept() => Some(accepted),
                };
                if let Some(accepted) = accepted {
                    if let Ok((client, _)) = accepted {
                        shared.accepted.fetch_add(1, Ordering::SeqCst);
                        tokio::spawn(carry(client, server, shared.clone()));
                    }
                    listener = Some(open);
                } else {
                    drop(open);
                    held = hold(address).ok();
                    shared.listening.send_replace(false);
                }
            }
            None => {
                if mode.wait_for(|mode| mode.accepting).await.is_err() {
                    return;
                }
                drop(held.take());
                match TcpListener::bind(address).await {
                    Ok(open) => {
                        listener = Some(open);
                        shared.listening.send_replace(true);
                    }
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                }
            }
        }
    }
}

/// Keeps the port without listening on it.
fn hold(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn carry(client: TcpStream, server: SocketAddr, shared: Arc<Shared>) {
    let mut mode = shared.mode.subscribe();
    let age = mode.borrow_and_update().age;
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    // Without this, small commands wait for delayed acknowledgements.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    shared.open.fetch_add(1, Ordering::SeqCst);
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    // Whether the server's next answer is to be lost.
    let mute = AtomicBool::new(false);
    let (requests, answers) = (Direction::Requests, Direction::Answers);
    tokio::select! {
        _ = mode.wait_for(|mode| mode.age != age) => {}
        () = pump(client_read, server_write, &shared, requests, &mute) => {}
        () = pump(server_read, client_write, &shared, answers, &mute) => {}
    }
    shared.open.fetch_sub(1, Ordering::SeqCst);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Requests,
    Answers,
}

/// Carries bytes until either end closes, or until the connection is to break.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
    direction: Direction,
    mute: &AtomicBool,
) {
    let mut mode = shared.mode.subscribe();
    let mut buffer = vec![0; 64 * 1024];
    let budget = match direction {
        Direction::Requests => &shared.requests,
        Direction::Answers => &shared.replies,
    };
    loop {
        let Ok(n @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        if mode.wait_for(|mode| !mode.stalled).await.is_err() {
            return;
        }
        let cut = match direction {
            Direction::Requests => shared.next().take(),
            Direction::Answers => None,
        };
        match direction {
            Direction::Answers if mute.load(Ordering::SeqCst) => return,
            Direction::Answers => {}
            Direction::Requests => match cut {
                None => {}
                Some(CutAt::Answer) => mute.store(true, Ordering::SeqCst),
                Some(CutAt::Request) => {
                    // Whether the half arrives makes no difference.
                    let _ = to.write_all(&buffer[..n / 2]).await;
                    return;
                }
            },
        }
        let spend = |left: u64| (left != UNLIMITED).then(|| left.saturating_sub(n as u64));
        let before = budget
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend)
            .unwrap_or(UNLIMITED);
        let allowed = usize::try_from(before).map_or(n, |left| left.min(n));
        if to.write_all(&buffer[..allowed]).await.is_err() {
            return;
        }
        if before != UNLIMITED && before <= n as u64 {
            shared.cut();
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it gets.
    async fn echo() -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        Ok(address)
    }

    async fn connect(proxy: &Proxy) -> io::Result<TcpStream> {
        TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await
    }

    #[tokio::test]
    async fn cuts_in_the_middle() -> io::Result<()> {
        let proxy = Proxy::start(echo().await?)?;
        let mut client = connect(&proxy).await?;
        client.write_all(b"hello").await?;
        let mut got = [0; 5];
        client.read_exact(&mut got).await?;
        assert_eq!(&got, b"hello");
        proxy.cut_replies_after(3);
        client.write_all(b"world").await?;
        let mut rest = Vec::new();
        // The end may come as an orderly close or as a reset.
        let _ = client.read_to_end(&mut rest).await;
        assert!(rest.len() <= 3 && b"world".starts_with(&rest), "{rest:?}");
        assert!(!proxy.cut_is_armed());
        let mut client = connect(&proxy).await?;
        client.write_all(b"again").await?;
        client.read_exact(&mut got).await?;
        assert_eq!(&got, b"again");
        assert_eq!(proxy.accepted_connections(), 2);
        Ok(())
    }

    #[tokio::test]
    async fn cuts_only_the_connection_of_the_next_request() -> io::Result<()> {
        let proxy = Proxy::start(echo().await?)?;
        for at in [CutAt::Request, CutAt::Answer] {
            let mut other = connect(&proxy).await?;
            let mut cut = connect(&proxy).await?;
            let mut got = [0; 5];
            for client in [&mut other, &mut cut] {
                client.write_all(b"hello").await?;
                client.read_exact(&mut got).await?;
            }
            proxy.cut_next(at);
            cut.write_all(b"world").await?;
            let mut rest = Vec::new();
            // The end may come as an orderly close or as a reset.
            let _ = cut.read_to_end(&mut rest).await;
            assert_eq!(rest, b"", "{at:?}");
            assert!(!proxy.cut_is_armed());
            other.write_all(b"again").await?;
            other.read_exact(&mut got).await?;
            assert_eq!(&got, b"again");
        }
        Ok(())
    }

    #[tokio::test]
    async fn refuses_and_stalls() -> io::Result<()> {
        let proxy = Proxy::start(echo().await?)?;
        proxy.refuse().await;
        assert!(connect(&proxy).await.is_err());
        proxy.accept().await;
        let mut client = connect(&proxy).await?;
        proxy.stall();
        client.write_all(b"x").await?;
        let wait = std::time::Duration::from_millis(100);
        let mut got = [0; 1];
        assert!(
            tokio::time::timeout(wait, client.read_exact(&mut got))
                .await
                .is_err()
        );
        proxy.resume();
        client.read_exact(&mut got).await?;
        assert_eq!(&got, b"x");
        Ok(())
    }
}
