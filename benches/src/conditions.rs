//! Under which conditions the figures hold.

use std::fs;
use std::process::Command;

use crate::contest::PAIRS;

/// A few lines: machine, versions, durability, method.
pub fn describe() -> String {
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
        "machine     {cores} cores, {cpu}\n\
         redis       {redis}\n\
         durability  Redis without AOF and RDB on both sides; SQLite with durability=full\n\
         method      contenders alternate; one warm-up pair, then medians of {PAIRS} pairs; release build\n\
         events      the course-catalog document of benches/src/conditions.rs, {} bytes",
        document(0).len()
    )
}

/// An event as a service publishes it, about as large as the median Open edX event.
pub fn document(n: usize) -> String {
    format!(
        concat!(
            r#"{{"specversion":"1.0","id":"8353e8ea-e784-11f1-8511-{:012x}","#,
            r#""source":"/openedx/cms/web","type":"org.openedx.content_authoring.course.catalog_info.changed.v1","#,
            r#""time":"2026-11-23T21:26:15.021067Z","minorversion":0,"sourcehost":"cms-1","#,
            r#""partitionkey":"course-v1:a+b+{}","datacontenttype":"application/json","#,
            r#""data":{{"catalog_info":{{"course_key":"course-v1:a+b+{}","name":"Demonstration Course","#,
            r#""schedule_data":{{"start":"2025-09-01T08:00:00+00:00","pacing":"instructor","end":null}},"#,
            r#""hidden":false,"invitation_only":false}}}}}}"#
        ),
        n,
        n % 1_000,
        n % 1_000
    )
}
