//! The other side of each contest: the bare client loop, and the server's own benchmark.

use std::process::Command;
use std::time::Instant;

use crate::contest::rate;
use crate::samples::key;

/// Events a second of `redis-benchmark`, appending `document` and a key at a pipeline depth, on one
/// connection. `events` must be a multiple of the depth: `redis-benchmark` sends whole pipelines,
/// and when it has sent more than it was asked for, its progress report may take the end of the run
/// for the loss of all its clients, and abort.
pub fn redis_benchmark(port: u16, events: usize, depth: usize, document: &str) -> f64 {
    assert_eq!(events % depth, 0, "whole pipelines only");
    let output = Command::new("redis-benchmark")
        .args(["-p", &port.to_string(), "-c", "1", "--csv"])
        .args(["-n", &events.to_string(), "-P", &depth.to_string()])
        .args(["XADD", "bare", "*", "ce", document, "key", &key(0)])
        .output()
        .expect("redis-benchmark runs; it comes with redis-server");
    let text = String::from_utf8_lossy(&output.stdout);
    // "test","rps",…  then  "XADD bare …","123456.78",…; the command is echoed with its commas.
    let row = text.lines().last().filter(|_| output.status.success());
    row.and_then(|line| line.rsplit("\",\"").nth(6))
        .and_then(|rps| rps.parse().ok())
        .unwrap_or_else(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            panic!("redis-benchmark: {}: {text}{said}", output.status)
        })
}

/// Fills a stream with entries like ours, by pipelines of a thousand.
pub fn fill(con: &mut redis::Connection, stream: &str, events: usize, document: &str) {
    for start in (0..events).step_by(1_000) {
        let mut pipe = redis::pipe();
        for n in start..events.min(start + 1_000) {
            pipe.cmd("XADD")
                .arg(stream)
                .arg("*")
                .arg(&["ce", document, "key"])
                .arg(key(n))
                .ignore();
        }
        pipe.query::<()>(con).expect("the server takes entries");
    }
}

/// Events a second of a loop that reads `batch` entries and acknowledges the batch before it, in one
/// round trip.
pub fn read_and_ack(con: &mut redis::Connection, stream: &str, events: usize, batch: usize) -> f64 {
    redis::cmd("XGROUP")
        .arg(&["CREATE", stream, "bare", "0"])
        .query::<()>(con)
        .expect("the group is new");
    let began = Instant::now();
    let mut seen = 0;
    let mut ids: Vec<String> = Vec::new();
    while seen < events || !ids.is_empty() {
        let mut pipe = redis::pipe();
        if !ids.is_empty() {
            pipe.cmd("XACK").arg(stream).arg("bare").arg(&ids).ignore();
        }
        pipe.cmd("XREADGROUP")
            .arg(&["GROUP", "bare", "c1", "COUNT"])
            .arg(batch)
            .arg(&["STREAMS", stream, ">"]);
        let (reply,): (redis::streams::StreamReadReply,) =
            pipe.query(con).expect("the server answers");
        ids.clear();
        for entry in reply.keys.iter().flat_map(|k| &k.ids) {
            // What any consumer must do at least: look at the document.
            assert!(entry.map.contains_key("ce"));
            ids.push(entry.id.clone());
        }
        seen += ids.len();
    }
    let figure = rate(events, began.elapsed());
    redis::cmd("XGROUP")
        .arg(&["DESTROY", stream, "bare"])
        .query::<()>(con)
        .expect("the group is there");
    figure
}
