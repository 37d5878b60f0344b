//! A PgBouncer of one's own before a PostgreSQL, as many sites have one.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Instant;

use nix::unistd::{Uid, chown};
use tempfile::TempDir;

use super::PostgresServer;
use super::postgres::unprivileged;
use super::process::{DEADLINE, Process, free_port};

/// A running `pgbouncer` in transaction mode on a free port of 127.0.0.1. It is killed on drop, and
/// also when the test process dies.
#[derive(Debug)]
pub struct PgBouncer {
    _folder: TempDir,
    port: u16,
    _running: Process,
}

impl PgBouncer {
    /// Starts one before a server and waits until it listens.
    ///
    /// # Errors
    /// When PgBouncer is missing or does not come up; the message holds its log.
    pub async fn start(server: &PostgresServer) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tidings-pgbouncer-")
            .tempdir()?;
        let port = free_port()?;
        let config = folder.path().join("pgbouncer.ini");
        fs::write(
            &config,
            format!(
                "[databases]\n* = host=127.0.0.1 port={} user=tidings\n[pgbouncer]\n\
                 listen_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n\
                 pool_mode = transaction\nunix_socket_dir =\n\
                 ignore_startup_parameters = extra_float_digits\n",
                server.address().port()
            ),
        )?;
        let mut command = Command::new("pgbouncer");
        command.arg(&config).current_dir(folder.path());
        // It refuses to run as root, like PostgreSQL.
        if Uid::effective().is_root() {
            let user = unprivileged()?;
            chown(folder.path(), Some(user.uid), Some(user.gid))?;
            chown(&config, Some(user.uid), Some(user.gid))?;
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let log = folder.path().join("pgbouncer.log");
        let mut running = Process::start(command, folder.path(), &log)?;
        let end = Instant::now() + DEADLINE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if running.has_ended()? || Instant::now() > end {
                let said = fs::read_to_string(&log).unwrap_or_default();
                return Err(io::Error::other(format!(
                    "pgbouncer did not come up: {said}"
                )));
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        Ok(Self {
            _folder: folder,
            port,
            _running: running,
        })
    }

    /// `postgres://tidings@127.0.0.1:PORT/DATABASE`.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://tidings@127.0.0.1:{}/{database}", self.port)
    }
}
