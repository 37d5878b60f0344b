//! A Redis server of one's own, to be killed, frozen and emptied.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::Certificates;
use super::process::free_port;

/// How the server keeps its data, which decides what a `kill -9` may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AppendOnly {
    /// Written and synced before each reply: nothing acknowledged is lost.
    #[default]
    Always,
    /// Written before each reply, synced each second: survives `kill -9`, not the loss of power.
    EverySecond,
    /// In memory only: a restart is a restart empty.
    Off,
}

/// Names another program than the `redis-server` of the path: how the tests run against Redis 6.2
/// too, or against Valkey.
const PROGRAM_VARIABLE: &str = "TIDINGS_REDIS_SERVER";

/// How to start a server.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    /// Durability.
    pub append_only: AppendOnly,
    /// Password of the default user.
    pub password: Option<String>,
    /// Further users, as in `ACL SETUSER`: `"worker on >pw ~* &* +@all -flushall"`.
    pub users: Vec<String>,
    /// Speak TLS on the port; clients may show a certificate, and need not.
    pub tls: Option<Certificates>,
    /// Further lines of `redis.conf`, given last.
    pub config: Vec<String>,
}

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

const CONTROL_USER: &str = "tidings-control";
const CONTROL_PASSWORD: &str = "control";
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
        let stream = UnixStream::connect(self.socket())?;
        stream.set_read_timeout(Some(DEADLINE))?;
        let mut reader = BufReader::new(stream);
        request(&mut reader, &["AUTH", CONTROL_USER, CONTROL_PASSWORD])?;
        request(&mut reader, arguments)
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
        std::fs::write(&config, self.config_file(&folder))?;
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

    fn config_file(&self, folder: &Path) -> String {
        let mut lines = vec![
            "bind 127.0.0.1".to_owned(),
            "protected-mode no".to_owned(),
            "daemonize no".to_owned(),
            format!("dir {}", folder.display()),
            format!("logfile {}", folder.join("redis.log").display()),
            format!("unixsocket {}", self.socket().display()),
            "save \"\"".to_owned(),
            format!("user {CONTROL_USER} on >{CONTROL_PASSWORD} ~* &* +@all"),
        ];
        lines.push(match self.options.append_only {
            AppendOnly::Always => "appendonly yes\nappendfsync always".to_owned(),
            AppendOnly::EverySecond => "appendonly yes\nappendfsync everysec".to_owned(),
            AppendOnly::Off => "appendonly no".to_owned(),
        });
        match &self.options.tls {
            None => lines.push(format!("port {}", self.port)),
            Some(tls) => lines.push(format!(
                "port 0\ntls-port {}\ntls-auth-clients optional\ntls-ca-cert-file {}\n\
                 tls-cert-file {}\ntls-key-file {}",
                self.port,
                tls.ca.display(),
                tls.server_cert.display(),
                tls.server_key.display()
            )),
        }
        if let Some(password) = &self.options.password {
            lines.push(format!("requirepass {password}"));
        }
        lines.extend(self.options.users.iter().map(|user| format!("user {user}")));
        lines.extend(self.options.config.iter().cloned());
        lines.join("\n") + "\n"
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn request(reader: &mut BufReader<UnixStream>, command: &[&str]) -> io::Result<String> {
    let mut text = format!("*{}\r\n", command.len());
    for argument in command {
        text.push_str(&format!("${}\r\n{argument}\r\n", argument.len()));
    }
    reader.get_mut().write_all(text.as_bytes())?;
    let mut reply = String::new();
    read_reply(reader, &mut reply)?;
    reply.truncate(reply.trim_end_matches('\n').len());
    Ok(reply)
}

/// Reads one RESP2 reply and appends it as lines of text.
fn read_reply(reader: &mut BufReader<UnixStream>, out: &mut String) -> io::Result<()> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let line = line.trim_end();
    let Some((kind, rest)) = line.split_at_checked(1) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let length = || rest.parse::<i64>().map_err(io::Error::other);
    match kind {
        "+" | ":" => {
            out.push_str(rest);
            out.push('\n');
        }
        "-" => return Err(io::Error::other(rest.to_owned())),
        "$" => match usize::try_from(length()?) {
            Err(_) => out.push_str("(nil)\n"),
            Ok(n) => {
                let mut bytes = vec![0; n + 2];
                reader.read_exact(&mut bytes)?;
                out.push_str(&String::from_utf8_lossy(&bytes[..n]));
                out.push('\n');
            }
        },
        "*" => match length()? {
            -1 => out.push_str("(nil)\n"),
            n => {
                for _ in 0..n {
                    read_reply(reader, out)?;
                }
            }
        },
        _ => return Err(io::ErrorKind::InvalidData.into()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_data_over_a_kill_and_loses_it_when_asked() -> io::Result<()> {
        let mut server = RedisServer::start(RedisOptions::default()).await?;
        server.command(&["SET", "a", "1"])?;
        server.kill();
        assert!(server.command(&["PING"]).is_err());
        server.restart().await?;
        assert_eq!(server.command(&["GET", "a"])?, "1");
        server.stop().await?;
        server.restart().await?;
        assert_eq!(server.command(&["GET", "a"])?, "1");
        server.restart_empty().await?;
        assert_eq!(server.command(&["GET", "a"])?, "(nil)");
        assert_eq!(
            server.command(&["CONFIG", "GET", "appendfsync"])?,
            "appendfsync\nalways"
        );
        Ok(())
    }

    #[tokio::test]
    async fn a_frozen_server_answers_after_the_thaw() -> io::Result<()> {
        let server = RedisServer::start(RedisOptions {
            append_only: AppendOnly::Off,
            ..RedisOptions::default()
        })
        .await?;
        server.freeze()?;
        let socket = server.socket();
        let mut stream = BufReader::new(UnixStream::connect(socket)?);
        stream
            .get_ref()
            .set_read_timeout(Some(Duration::from_millis(100)))?;
        assert!(request(&mut stream, &["PING"]).is_err());
        server.thaw()?;
        assert_eq!(server.command(&["PING"])?, "PONG");
        Ok(())
    }

    #[tokio::test]
    async fn dies_with_the_process_that_started_it() -> io::Result<()> {
        let mut server = RedisServer::start(RedisOptions::default()).await?;
        let running = server.running.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        // The end of the pipe is what the death of this process looks like to the watchdog.
        drop(running.watchdog.stdin.take());
        let end = Instant::now() + DEADLINE;
        while running.server.try_wait()?.is_none() {
            assert!(
                Instant::now() < end,
                "the server outlives its watchdog's pipe"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}
