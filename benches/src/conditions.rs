//! Under which conditions the figures hold.

use std::fs;
use std::process::Command;

use clap::ValueEnum;
use tidings_conformance::servers::AppendOnly;

use crate::contest::PAIRS;

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
         events      the course-catalog document of benches/src/conditions.rs, {} bytes",
        durability.describe(),
        document(0).len()
    )
}

/// An event as a service publishes it, about as large as the median Open edX event. All have the
/// same length.
pub fn document(n: usize) -> String {
    let key = key(n);
    format!(
        concat!(
            r#"{{"specversion":"1.0","id":"8353e8ea-e784-11f1-8511-{:012x}","#,
            r#""source":"/openedx/cms/web","type":"org.openedx.content_authoring.course.catalog_info.changed.v1","#,
            r#""time":"2026-11-23T21:26:15.021067Z","minorversion":0,"sourcehost":"cms-1","#,
            r#""partitionkey":"{key}","datacontenttype":"application/json","#,
            r#""data":{{"catalog_info":{{"course_key":"{key}","name":"Demonstration Course","#,
            r#""schedule_data":{{"start":"2025-09-01T08:00:00+00:00","pacing":"instructor","end":null}},"#,
            r#""hidden":false,"invitation_only":false}}}}}}"#
        ),
        n,
        key = key
    )
}

/// The key of an event: one of a thousand courses.
pub fn key(n: usize) -> String {
    format!("course-v1:a+b+{:03}", n % 1_000)
}
