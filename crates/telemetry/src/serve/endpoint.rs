//! The address that the monitoring asks.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tidings_transport::Transport;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;
use tracing::warn;

use super::answer::Answers;
use super::connection;
use crate::Telemetry;

/// Connections at once; a monitoring has one or two.
const MAX_CONNECTIONS: usize = 64;

/// A bound address that does not answer yet.
#[derive(Debug)]
pub struct Endpoint {
    listener: TcpListener,
    address: SocketAddr,
}

/// An endpoint that answers, until this is dropped.
pub struct Serving {
    task: JoinHandle<()>,
    answers: Arc<Answers>,
}

impl Endpoint {
    /// Binds `HOST:PORT`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address is not valid, not ours, or in use.
    pub async fn bind(address: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers from now on; `/readyz` says no before the process [has a log](Serving::has_log).
    pub fn serve(self, telemetry: Telemetry) -> Serving {
        let answers = Arc::new(Answers::new(telemetry));
        let task = tokio::spawn(accept(self.listener, answers.clone()));
        Serving { task, answers }
    }
}

impl Serving {
    /// The process has opened its log, which is pinged from now on when `/readyz` is asked.
    pub fn has_log(&self, transport: Arc<dyn Transport>) {
        self.answers.has_log(transport);
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").finish_non_exhaustive()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, answers: Arc<Answers>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let answers = answers.clone();
                connections.spawn(async move {
                    connection::serve(stream, answers).await;
                    drop(permit);
                });
            }
            Err(error) => {
                // Out of file descriptors, mostly: they come back.
                warn!(%error, "cannot accept connections for metrics");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}
