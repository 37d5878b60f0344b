//! Under which conditions the figures hold.

use std::fs;
use std::process::Command;

use clap::ValueEnum;
use tidings_conformance::servers::AppendOnly;

use crate::contest::PAIRS;
use crate::samples::document;

/// How the Redis server of both contenders keeps its data.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Durability {
    /// In memory only. The hardest comparison: no wait for the disk hides what a client costs.
    Off,
    /// An append-only file, synced each second: what most sites run.
    Everysec,
    /// An append-only file, synced before each reply.
    Always,
}

impl Durability {
    /// As the server is told.
    pub fn append_only(self) -> AppendOnly {
        match self {
            Self::Off => AppendOnly::Off,
            Self::Everysec => AppendOnly::EverySecond,
            Self::Always => AppendOnly::Always,
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Off => "no append-only file, no snapshots",
            Self::Everysec => "appendonly yes, appendfsync everysec, no snapshots",
            Self::Always => "appendonly yes, appendfsync always, no snapshots",
        }
    }
}

/// A few lines: machine, versions, durability, method.
pub fn describe(durability: Durability) -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|l| l.starts_with("model name"))?;
            Some(line.split(": ").nth(1)?.to_owned())
        })
        .unwrap_or_else(|| "unknown processor".into());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let redis = Command::new("redis-server")
        .arg("--version")
        .output()
        .map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
        .unwrap_or_else(|_| "no redis-server".into());
    format!(
        "machine     {cores} cores, {cpu}, shared by the server and its client\n\
         redis       {redis}\n\
         durability  Redis on both sides: {}; SQLite: durability=full\n\
         method      contenders alternate; one warm-up pair, then medians of {PAIRS} pairs; release build\n\
         events      the course-catalog document of benches/src/samples.rs, {} bytes",
        durability.describe(),
        document(0).len()
    )
}
