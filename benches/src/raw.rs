//! The other side of each contest: the bare client loop, and the server's own benchmark.

use std::process::Command;
use std::time::Instant;

use crate::contest::rate;

/// Events a second of `redis-benchmark`, appending `document` and a key at a pipeline depth, on one
/// connection.
pub fn redis_benchmark(port: u16, events: usize, depth: usize, document: &str) -> f64 {
    let output = Command::new("redis-benchmark")
        .args(["-p", &port.to_string(), "-c", "1", "--csv"])
        .args(["-n", &events.to_string(), "-P", &depth.to_string()])
        .args([
            "XADD",
            "bare",
            "*",
            "ce",
            document,
            "key",
            "course-v1:a+b+c",
        ])
        .output()
        .expect("redis-benchmark runs; it comes with redis-server");
    let text = String::from_utf8_lossy(&output.stdout);
    // "test","rps",…  then  "XADD bare …","123456.78",…; the command is echoed with its commas.
    text.lines()
        .last()
        .and_then(|line| line.rsplit("\",\"").nth(6).or(None))
        .and_then(|rps| rps.parse().ok())
        .unwrap_or_else(|| panic!("redis-benchmark printed no figure: {text}"))
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
                .arg(format!("course-v1:a+b+{}", n % 1_000))
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
