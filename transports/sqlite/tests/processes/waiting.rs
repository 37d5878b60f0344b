//! Consumers that wait are woken by the others, and cost nothing meanwhile.

use std::collections::HashMap;
use std::time::Duration;

use tidings_transport::Transport;

use crate::child::{Other, Role, open, record, runtime, wait_for};

#[test]
fn a_publish_wakes_consumers_of_other_processes() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = open(folder.path());
    let watcher = Other::start(folder.path(), Role::Watch, "watcher");
    wait_for("it to join", || !watcher.noted().is_empty());
    let mut published = HashMap::new();
    for n in 0..30 {
        // Long enough to be asleep, and not in step with the backstop.
        std::thread::sleep(Duration::from_millis(37));
        let id = n.to_string();
        let result = runtime().block_on(log.publish(&[record(&id, &id)]));
        result[0].as_ref().expect("room");
        published.insert(id, jiff::Timestamp::now().as_microsecond());
        wait_for("it to come", || watcher.noted().len() >= n + 2);
    }
    let mut took: Vec<i64> = watcher.noted()[1..]
        .iter()
        .map(|line| {
            let (id, seen) = line.split_once(' ').expect("id and time");
            seen.parse::<i64>().expect("a time") - published[id]
        })
        .collect();
    took.sort_unstable();
    let median = took[took.len() / 2];
    // The backstop alone would take half a second; a few milliseconds are usual.
    assert!(median < 150_000, "microseconds: {took:?}");
}

#[test]
fn waiting_costs_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let idle = Other::start(folder.path(), Role::Idle, "idle");
    wait_for("it to join", || !idle.noted().is_empty());
    let before = ticks(idle.id());
    std::thread::sleep(Duration::from_secs(3));
    let used = ticks(idle.id()) - before;
    // Hundredths of a second. Spinning on one of two busy cores would cost more than 100.
    assert!(used < 30, "{used} ticks in 3 s");
}

/// Processor time of a process, in ticks of 10 ms.
fn ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("Linux");
    let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next().and_then(|f| f.parse::<u64>().ok());
    next().expect("user time") + next().expect("system time")
}
