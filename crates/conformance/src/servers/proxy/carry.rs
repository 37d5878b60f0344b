//! The connections: accepted, carried, broken.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::{Shared, UNLIMITED};
use crate::CutAt;

/// Accepts connections while that is wanted, and carries each.
pub(super) async fn listen(first: std::net::TcpListener, server: SocketAddr, shared: Arc<Shared>) {
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
