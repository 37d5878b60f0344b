//! A PostgreSQL of one's own, to be killed, frozen and restarted.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use nix::sys::signal::Signal;
use nix::unistd::{Uid, User, chown};
use tempfile::TempDir;

use super::process::{DEADLINE, Process, free_port, is_taken_for_now, run};

/// Names the folder with `postgres` and `initdb`, where they are not in the path.
const FOLDER_VARIABLE: &str = "TIDINGS_POSTGRES_BIN";

/// A running `postgres` on a free port of 127.0.0.1, with its data in a temporary folder. It
/// refuses to run as root; a test that does runs it as the user `postgres` or `nobody`.
///
/// It is killed on drop, and also when the test process dies.
#[derive(Debug)]
pub struct PostgresServer {
    folder: TempDir,
    programs: PathBuf,
    user: Option<User>,
    config: Vec<String>,
    port: u16,
    running: Option<Process>,
}

impl PostgresServer {
    /// Starts one and waits until it answers. `config` has settings like `fsync=off`.
    ///
    /// # Errors
    /// When PostgreSQL is missing or does not come up; the message holds its log.
    pub async fn start(config: &[&str]) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tidings-postgres-")
            .tempdir()?;
        let user = match Uid::effective().is_root() {
            true => Some(unprivileged()?),
            false => None,
        };
        if let Some(user) = &user {
            chown(folder.path(), Some(user.uid), Some(user.gid))?;
        }
        let mut server = Self {
            folder,
            programs: programs()?,
            user,
            config: config.iter().map(|line| (*line).to_owned()).collect(),
            port: 0,
            running: None,
        };
        let mut initdb = server.command_for("initdb");
        initdb
            .args(["--auth=trust", "--username=tidings", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync", "--no-instructions", "-D"])
            .arg(server.data());
        run(&mut initdb)?;
        for _ in 0..20 {
            server.port = free_port()?;
            match server.up().await {
                Err(e) if e.kind() == io::ErrorKind::AddrInUse => continue,
                other => return other.map(|()| server),
            }
        }
        Err(io::Error::other("no free port for postgres"))
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// `postgres://tidings@127.0.0.1:PORT/DATABASE`.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://tidings@127.0.0.1:{}/{database}", self.port)
    }

    /// Where one of its programs is, such as `pgbench`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// Makes an empty database; its URL.
    ///
    /// # Errors
    /// When the server is down or has one of this name.
    pub fn create_database(&self, name: &str) -> io::Result<String> {
        self.sql("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(self.url(name))
    }

    /// Runs statements in a database; the rows that come back, columns divided by `|`.
    ///
    /// # Errors
    /// When the server is down or refuses a statement, whose message it is.
    pub fn sql(&self, database: &str, statements: &str) -> io::Result<String> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .args(["-h", "127.0.0.1", "-U", "tidings", "-d", database, "-p"])
            .arg(self.port.to_string())
            .args(["-c", statements]);
        run(&mut psql).map(|text| text.trim_end().to_owned())
    }

    /// Stops it in good order; sessions are ended.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop(&mut self) -> io::Result<()> {
        if let Some(running) = &mut self.running {
            running.signal(Signal::SIGCONT)?;
            running.signal(Signal::SIGINT)?;
            running.ended().await?;
        }
        self.running = None;
        Ok(())
    }

    /// `kill -9` of all its processes. Does nothing to a server that is down.
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

    fn command_for(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.folder.path());
        if let Some(user) = &self.user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }

    async fn up(&mut self) -> io::Result<()> {
        let log = self.folder.path().join("postgres.log");
        let mut command = self.command_for("postgres");
        command
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1", "-k"])
            .arg(self.folder.path())
            .args(["-c", "shared_buffers=64MB", "-c", "log_checkpoints=off"]);
        for setting in &self.config {
            command.args(["-c", setting]);
        }
        let taken = ["Address already in use", "still in use", "lock file"];
        let process = Process::come_up(command, self.folder.path(), &log, &taken, |said| {
            said.contains("database system is ready to accept connections")
        });
        self.running = Some(process.await?);
        Ok(())
    }
}

/// Where Debian keeps the programs: the newest version.
fn programs() -> io::Result<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        return Ok(folder.into());
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = versions
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .max();
    if let Some(version) = newest {
        return Ok(Path::new("/usr/lib/postgresql")
            .join(version.to_string())
            .join("bin"));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .find(|folder| folder.join("initdb").exists())
        .ok_or_else(|| {
            let what =
                format!("no initdb in the path; install postgresql, or set {FOLDER_VARIABLE}");
            io::Error::new(io::ErrorKind::NotFound, what)
        })
}

/// Who runs servers that refuse to run as root.
pub(super) fn unprivileged() -> io::Result<User> {
    for name in ["postgres", "nobody"] {
        if let Some(user) = User::from_name(name)? {
            return Ok(user);
        }
    }
    let what = "postgres does not run as root, and there is neither a user postgres nor nobody";
    Err(io::Error::new(io::ErrorKind::NotFound, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_committed_rows_over_a_kill() -> io::Result<()> {
        let mut server = PostgresServer::start(&[]).await?;
        let url = server.create_database("app")?;
        assert!(url.ends_with("/app"), "{url}");
        server.sql("app", "CREATE TABLE t (n int); INSERT INTO t VALUES (7)")?;
        server.kill();
        assert!(server.sql("app", "SELECT 1").is_err());
        server.restart().await?;
        assert_eq!(server.sql("app", "SELECT n, n + 1 FROM t")?, "7|8");
        server.stop().await?;
        server.restart().await?;
        assert_eq!(server.sql("app", "SELECT count(*) FROM t")?, "1");
        Ok(())
    }
}
