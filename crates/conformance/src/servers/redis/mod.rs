//! A Redis server of one's own, to be killed, frozen and emptied.

mod control;
mod options;
#[cfg(test)]
mod tests;

pub use options::{AppendOnly, RedisOptions};

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::process::free_port;

/// Names another program than the `redis-server` of the path: how the tests run against Redis 6.2
/// too, or against Valkey.
const PROGRAM_VARIABLE: &str = "TIDINGS_REDIS_SERVER";

/// A running `redis-server` on a free port of 127.0.0.1, with its data in a temporary folder. The
/// environment variable `TIDINGS_REDIS_SERVER` names another program than the one in the path.
///
/// It is killed on drop, and also when the test process dies: a small shell waits for the end of
/// a pipe that only the test process holds open.
#[derive(Debug)]
pub struct RedisServer {
    folder: TempDir,
    options: RedisOptions,
    port: u16,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    server: Child,
    watchdog: Child,
}

const DEADLINE: Duration = Duration::from_secs(30);

impl RedisServer {
    /// Starts one and waits until it answers.
    ///
    /// # Errors
    /// When `redis-server` is missing or does not come up; the message holds its log.
    pub async fn start(options: RedisOptions) -> io::Result<Self> {
        let mut server = Self {
            folder: tempfile::Builder::new()
                .prefix("tidings-redis-")
                .tempdir()?,
            options,
            port: 0,
            running: None,
        };
        for _ in 0..20 {
            server.port = free_port()?;
            match server.up().await {
                Err(e) if e.kind() == io::ErrorKind::AddrInUse => continue,
                other => return other.map(|()| server),
            }
        }
        Err(io::Error::other("no free port for redis-server"))
    }

    /// The port on 127.0.0.1; stays the same over restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// `redis://127.0.0.1:PORT`, without credentials.
    pub fn url(&self) -> String {
        let scheme = if self.options.tls.is_some() {
            "rediss"
        } else {
            "redis"
        };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// The folder with the data, the log and the socket.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The Unix socket, which the server always offers too.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    /// Stops it in good order.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop(&mut self) -> io::Result<()> {
        self.signal(Signal::SIGCONT)?;
        self.signal(Signal::SIGTERM)?;
        let end = Instant::now() + DEADLINE;
        while let Some(running) = &mut self.running {
            if running.server.try_wait()?.is_some() {
                break;
            }
            if Instant::now() > end {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "redis-server does not stop",
                ));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.kill();
        Ok(())
    }

    /// `kill -9`. Does nothing to a server that is down.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            // A process that is gone already is what was asked for.
            let _ = running.server.kill();
            let _ = running.server.wait();
            let _ = running.watchdog.kill();
            let _ = running.watchdog.wait();
        }
    }

    /// Starts it again on its port with the data that it kept, after `stop` or `kill` (which it
    /// does if needed).
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart(&mut self) -> io::Result<()> {
        self.kill();
        let end = Instant::now() + DEADLINE;
        loop {
            match self.up().await {
                // Some other socket may have taken the port for a moment.
                Err(e) if e.kind() == io::ErrorKind::AddrInUse && Instant::now() < end => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                other => return other,
            }
        }
    }

    /// Kills it and starts it again without its data.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart_empty(&mut self) -> io::Result<()> {
        self.kill();
        for entry in std::fs::read_dir(self.folder.path())? {
            let path = entry?.path();
            if path.is_dir() {
                std::fs::remove_dir_all(path)?;
            } else if path.extension().is_some_and(|e| e == "rdb" || e == "aof") {
                std::fs::remove_file(path)?;
            }
        }
        self.restart().await
    }

    /// Freezes it: connections stay open and are accepted by the kernel, nothing answers.
    ///
    /// # Errors
    /// When it is down.
    pub fn freeze(&self) -> io::Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets a frozen server go on.
    ///
    /// # Errors
    /// When it is down.
    pub fn thaw(&self) -> io::Result<()> {
        self.signal(Signal::SIGCONT)
    }

    /// Sends one command over the Unix socket as an administrator, and returns the reply as text:
    /// elements of arrays one a line, nil as `(nil)`.
    ///
    /// # Errors
    /// When the server is down or answers with an error, whose text is the message.
    pub fn command(&self, arguments: &[&str]) -> io::Result<String> {
        control::command(&self.socket(), DEADLINE, arguments)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        let Some(running) = &self.running else {
            return Err(io::Error::new(
                io::ErrorKind::NotConnected,
                "redis-server is down",
            ));
        };
        let pid = i32::try_from(running.server.id()).map_err(io::Error::other)?;
        Ok(kill(Pid::from_raw(pid), signal)?)
    }

    async fn up(&mut self) -> io::Result<()> {
        let folder = self.folder.path().to_owned();
        let (log, config) = (folder.join("redis.log"), folder.join("redis.conf"));
        std::fs::write(
            &config,
            self.options.file(&folder, &self.socket(), self.port),
        )?;
        std::fs::write(&log, "")?;
        let program = std::env::var_os(PROGRAM_VARIABLE).unwrap_or_else(|| "redis-server".into());
        let mut server = Command::new(&program)
            .arg(&config)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| {
                io::Error::new(
                    e.kind(),
                    format!("starting {}: {e}; is it installed?", program.display()),
                )
            })?;
        let watchdog = Command::new("sh")
            .args([
                "-c",
                "read _; kill -9 \"$1\"",
                "sh",
                &server.id().to_string(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let watchdog = match watchdog {
            Ok(watchdog) => watchdog,
            Err(e) => {
                let _ = server.kill();
                let _ = server.wait();
                return Err(e);
            }
        };
        self.running = Some(Running { server, watchdog });
        let end = Instant::now() + DEADLINE;
        loop {
            if self.command(&["PING"]).is_ok_and(|reply| reply == "PONG") {
                return Ok(());
            }
            let ended = match &mut self.running {
                Some(running) => running.server.try_wait()?.is_some(),
                None => true,
            };
            if ended || Instant::now() > end {
                self.kill();
                let text = std::fs::read_to_string(&log).unwrap_or_default();
                let kind = if text.contains("Address already in use") {
                    io::ErrorKind::AddrInUse
                } else {
                    io::ErrorKind::Other
                };
                return Err(io::Error::new(
                    kind,
                    format!("redis-server did not come up: {text}"),
                ));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
