//! A log of its own.

use clap::ValueEnum;
use tempfile::TempDir;
use tidings::Bus;
use tidings_conformance::servers::{AppendOnly, RedisOptions, RedisServer};

use crate::cost::mib;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogArg {
    Memory,
    Sqlite,
    Redis,
}

/// A log, gone with this.
pub struct Log {
    pub bus: Bus,
    server: Option<RedisServer>,
    _folder: TempDir,
}

impl Log {
    pub async fn start(log: LogArg) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = None;
        let url = match log {
            LogArg::Memory => "memory:".to_owned(),
            LogArg::Sqlite => format!("sqlite:{}", folder.path().join("bus.db").display()),
            LogArg::Redis => {
                let options = RedisOptions {
                    append_only: AppendOnly::EverySecond,
                    ..RedisOptions::default()
                };
                let started = RedisServer::start(options)
                    .await
                    .expect("redis-server starts");
                server.insert(started).url()
            }
        };
        Self {
            bus: tidings::open(&url).await.expect("it opens"),
            server,
            _folder: folder,
        }
    }

    fn info(&self, section: &str, name: &str) -> Option<f64> {
        let info = self
            .server
            .as_ref()?
            .command(&["INFO", section])
            .expect("it answers");
        let value = info
            .lines()
            .find_map(|l| l.trim().strip_prefix(name)?.strip_prefix(':'));
        value.and_then(|value| value.parse().ok())
    }

    /// Processor time of the server, in seconds.
    pub fn cpu(&self) -> Option<f64> {
        Some(self.info("cpu", "used_cpu_user")? + self.info("cpu", "used_cpu_sys")?)
    }

    /// What the server holds, and for how many clients beside this question.
    pub fn server(&self) -> String {
        let (Some(memory), Some(clients)) = (
            self.info("memory", "used_memory"),
            self.info("clients", "connected_clients"),
        ) else {
            return String::new();
        };
        let connections = clients as u64 - 1;
        format!(
            "; server {:.1} MiB, {connections} connections",
            mib(memory as u64)
        )
    }
}
