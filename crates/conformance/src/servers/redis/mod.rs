//! A Redis server of one's own, to be killed, frozen and emptied.

mod control;
mod options;
#[cfg(test)]
mod tests;

pub use options::{AppendOnly, RedisOptions};

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::process::{DEADLINE, Process, free_port, is_taken_for_now};

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
    running: Option<Process>,
}

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
        if let Some(running) = &mut self.running {
            running.ended().await?;
        }
        self.kill();
        Ok(())
    }

    /// `kill -9`. Does nothing to a server that is down.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// How much of what it does it has written down so far, in bytes.
    ///
    /// # Errors
    /// When there is no append-only file.
    pub fn written(&self) -> io::Result<u64> {
        Ok(self.append_only_file()?.metadata()?.len())
    }

    /// Kills it, and with it its machine: of what it had written down only so much had come to the
    /// disk.
    ///
    /// # Errors
    /// When there is no append-only file.
    pub fn lose_power(&mut self, synced: u64) -> io::Result<()> {
        self.kill();
        self.append_only_file()?.set_len(synced)
    }

    /// The file that grows: in a folder of its own from Redis 7 on.
    fn append_only_file(&self) -> io::Result<File> {
        let folder = self.folder.path().join("appendonlydir");
        let folder = match folder.is_dir() {
            true => folder,
            false => self.folder.path().to_owned(),
        };
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.ends_with(".incr.aof") || name == "appendonly.aof" {
                return File::options().write(true).open(path);
            }
        }
        Err(io::Error::other("there is no append-only file"))
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
            let up = self.up().await;
            if !is_taken_for_now(&up, end).await {
                return up;
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
        running.signal(signal)
    }

    async fn up(&mut self) -> io::Result<()> {
        let folder = self.folder.path().to_owned();
        let (log, config) = (folder.join("redis.log"), folder.join("redis.conf"));
        std::fs::write(
            &config,
            self.options.file(&folder, &self.socket(), self.port),
        )?;
        let program = std::env::var_os(PROGRAM_VARIABLE).unwrap_or_else(|| "redis-server".into());
        let mut command = Command::new(&program);
        command.arg(&config).current_dir(&folder);
        let socket = self.socket();
        let process = Process::come_up(command, &folder, &log, &["Address already in use"], |_| {
            control::command(&socket, DEADLINE, &["PING"]).is_ok_and(|reply| reply == "PONG")
        });
        self.running = Some(process.await?);
        Ok(())
    }
}
