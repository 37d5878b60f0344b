//! A MariaDB of one's own, to be killed, frozen and restarted.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use nix::sys::signal::Signal;
use nix::unistd::Uid;
use tempfile::TempDir;

use super::process::{DEADLINE, Process, free_port, is_taken_for_now, run};

/// A running `mariadbd` on a free port of 127.0.0.1, with its data in a temporary folder.
///
/// It is killed on drop, and also when the test process dies.
#[derive(Debug)]
pub struct MariadbServer {
    folder: TempDir,
    config: Vec<String>,
    port: u16,
    running: Option<Process>,
}

impl MariadbServer {
    /// Starts one and waits until it answers. `config` has options like
    /// `--innodb-flush-log-at-trx-commit=2`; as shipped, each commit is synced.
    ///
    /// # Errors
    /// When MariaDB is missing or does not come up; the message holds its log.
    pub async fn start(config: &[&str]) -> io::Result<Self> {
        let mut server = Self {
            folder: tempfile::Builder::new()
                .prefix("tidings-mariadb-")
                .tempdir()?,
            config: config.iter().map(|line| (*line).to_owned()).collect(),
            port: 0,
            running: None,
        };
        let mut install = Command::new("mariadb-install-db");
        install
            .arg("--no-defaults")
            .arg(format!("--datadir={}", server.data().display()))
            .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
            .args(as_root());
        run(&mut install)?;
        for _ in 0..20 {
            server.port = free_port()?;
            match server.up().await {
                Err(e) if e.kind() == io::ErrorKind::AddrInUse => continue,
                other => {
                    other?;
                    server.sql(
                        "mysql",
                        "CREATE USER tidings@'127.0.0.1'; \
                         GRANT ALL ON *.* TO tidings@'127.0.0.1'",
                    )?;
                    return Ok(server);
                }
            }
        }
        Err(io::Error::other("no free port for mariadbd"))
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// `mysql://tidings@127.0.0.1:PORT/DATABASE`.
    pub fn url(&self, database: &str) -> String {
        format!("mysql://tidings@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database; its URL.
    ///
    /// # Errors
    /// When the server is down or has one of this name.
    pub fn create_database(&self, name: &str) -> io::Result<String> {
        self.sql("mysql", &format!("CREATE DATABASE {name}"))?;
        Ok(self.url(name))
    }

    /// Runs statements in a database; the rows that come back, columns divided by tabs.
    ///
    /// # Errors
    /// When the server is down or refuses a statement, whose message it is.
    pub fn sql(&self, database: &str, statements: &str) -> io::Result<String> {
        let mut client = Command::new("mariadb");
        client
            .args([
                "--no-defaults",
                "--batch",
                "--skip-column-names",
                "-u",
                "root",
            ])
            .arg(format!("--socket={}", self.socket().display()))
            .args([database, "-e", statements]);
        run(&mut client).map(|text| text.trim_end().to_owned())
    }

    /// Stops it in good order; sessions are ended.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop(&mut self) -> io::Result<()> {
        if let Some(running) = &mut self.running {
            running.signal(Signal::SIGCONT)?;
            running.signal(Signal::SIGTERM)?;
            running.ended().await?;
        }
        self.running = None;
        Ok(())
    }

    /// `kill -9`. Does nothing to a server that is down.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Starts it again on its port with its data, after `stop` or `kill` (which it does if
    /// needed).
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

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("mariadb.sock")
    }

    async fn up(&mut self) -> io::Result<()> {
        let log = self.folder.path().join("mariadb.log");
        let mut command = Command::new("mariadbd");
        command
            .arg("--no-defaults")
            .arg(format!("--datadir={}", self.data().display()))
            .arg(format!("--socket={}", self.socket().display()))
            .arg(format!("--port={}", self.port))
            .args(["--bind-address=127.0.0.1", "--innodb-buffer-pool-size=64M"])
            .arg("--innodb-log-file-size=64M")
            .args(as_root())
            .args(&self.config);
        let taken = ["Address already in use"];
        let process = Process::come_up(command, self.folder.path(), &log, &taken, |said| {
            said.contains("ready for connections")
        });
        self.running = Some(process.await?);
        Ok(())
    }
}

/// As root it must be told that this is meant.
fn as_root() -> Option<&'static str> {
    Uid::effective().is_root().then_some("--user=root")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_committed_rows_over_a_kill() -> io::Result<()> {
        let mut server = MariadbServer::start(&[]).await?;
        server.create_database("app")?;
        server.sql("app", "CREATE TABLE t (n int); INSERT INTO t VALUES (7)")?;
        server.kill();
        assert!(server.sql("app", "SELECT 1").is_err());
        server.restart().await?;
        assert_eq!(server.sql("app", "SELECT n, n + 1 FROM t")?, "7\t8");
        server.stop().await?;
        server.restart().await?;
        assert_eq!(server.sql("app", "SELECT count(*) FROM t")?, "1");
        Ok(())
    }
}
