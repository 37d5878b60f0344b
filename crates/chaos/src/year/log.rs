//! The log of the year, and what it occupies.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tidings_conformance::servers::{AppendOnly, RedisOptions, RedisServer};

use crate::args::LogArg;
use crate::words::Result;

/// A log of its own, gone with it.
pub enum Log {
    File(TempDir),
    Redis(Box<RedisServer>),
}

impl Log {
    pub async fn start(log: LogArg) -> Result<Self> {
        Ok(match log {
            LogArg::Sqlite => Self::File(tempfile::tempdir()?),
            LogArg::Redis => {
                let options = RedisOptions {
                    append_only: AppendOnly::EverySecond,
                    // So that a year of minutes sees what one of months sees: rewrites.
                    config: vec!["auto-aof-rewrite-min-size 4mb".to_owned()],
                    ..RedisOptions::default()
                };
                Self::Redis(Box::new(RedisServer::start(options).await?))
            }
        })
    }

    pub fn url(&self) -> String {
        match self {
            Self::File(folder) => format!("sqlite:{}", folder.path().join("bus.db").display()),
            Self::Redis(server) => server.url(),
        }
    }

    /// Bytes on the disk.
    pub fn disk(&self) -> Result<u64> {
        match self {
            Self::File(folder) => size_of(folder.path()),
            Self::Redis(server) => size_of(server.folder()),
        }
    }

    /// Bytes in the memory of the server, where there is one.
    pub fn memory(&self) -> Result<Option<u64>> {
        let Self::Redis(server) = self else {
            return Ok(None);
        };
        let info = server.command(&["INFO", "memory"])?;
        let used = info
            .lines()
            .find_map(|line| line.trim().strip_prefix("used_memory:"));
        Ok(Some(
            used.ok_or("the server does not tell its memory")?.parse()?,
        ))
    }
}

fn size_of(folder: &Path) -> Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // What was removed meanwhile occupies nothing.
        let Ok(found) = entry.metadata() else {
            continue;
        };
        size += match found.is_dir() {
            true => size_of(&entry.path())?,
            false => found.len(),
        };
    }
    Ok(size)
}
