//! Processes die at any instant; nothing that was acknowledged is lost.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rusqlite::Connection;
use tidings_transport::Transport;

use crate::child::{Other, PATIENCE, Role, ack, file, id, join, open, runtime, topic};

/// Kills in one run.
const KILLS: usize = 25;

#[test]
fn what_was_acknowledged_is_consumed_whoever_is_killed() {
    for seed in [1, 2] {
        run(seed);
    }
}

fn run(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut started = 0;
    let mut start = |role: Role| {
        started += 1;
        Other::start(folder, role, &format!("{role:?}{started}"))
    };
    let roles = [Role::Publish, Role::Publish, Role::Consume, Role::Consume];
    let mut others: Vec<Option<Other>> = roles.iter().map(|r| Some(start(*r))).collect();
    let (mut acknowledged, mut consumed) = (Vec::new(), Vec::new());
    for kill in 0..=KILLS {
        std::thread::sleep(Duration::from_millis(random.random_range(0..120)));
        // All of them at the end.
        let victims = if kill < KILLS {
            let i = random.random_range(0..roles.len());
            i..i + 1
        } else {
            0..roles.len()
        };
        for i in victims {
            let notes = others[i].take().expect("it runs").kill();
            match roles[i] {
                Role::Publish => acknowledged.extend(notes),
                _ => consumed.push(notes),
            }
            if kill < KILLS {
                others[i] = Some(start(roles[i]));
            }
        }
    }
    assert!(
        acknowledged.len() > 100,
        "too little was published to show anything"
    );
    let rest = runtime().block_on(drain(folder));
    in_order(&rest);
    consumed.push(rest);
    nothing_lost(&acknowledged, &consumed);
    for notes in &consumed {
        in_order(notes);
    }
    let db = Connection::open(file(folder)).expect("the file opens");
    let check: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("it can be checked");
    assert_eq!(check, "ok", "seed {seed}");
}

/// Each event that a publisher was told is stored has come to somebody.
pub fn nothing_lost(acknowledged: &[String], consumed: &[Vec<String>]) {
    let all: HashSet<&String> = consumed.iter().flatten().collect();
    let lost: Vec<_> = acknowledged.iter().filter(|id| !all.contains(id)).collect();
    assert!(
        lost.is_empty(),
        "{} of {} lost, such as {:?}",
        lost.len(),
        acknowledged.len(),
        &lost[..lost.len().min(5)]
    );
}

/// What nobody settled.
pub async fn drain(folder: &std::path::Path) -> Vec<String> {
    let log = open(folder);
    let consumer = join(&log, "last").await;
    let mut seen = Vec::new();
    let begun = std::time::Instant::now();
    loop {
        let open = log.groups(&topic()).await.expect("groups")[0].lag.events;
        if open == tidings_transport::Count::Exactly(0) {
            return seen;
        }
        assert!(
            begun.elapsed() < PATIENCE * 2,
            "{open} are never handed out"
        );
        let batch = tokio::time::timeout(PATIENCE, consumer.next(500)).await;
        let batch = batch.expect("in time").expect("events");
        ack(&*consumer, &batch.deliveries).await;
        seen.extend(batch.deliveries.iter().map(|d| id(d)));
    }
}

/// Ids are `publisher-batch-key`: of each key one consumer sees rising batches. A repetition is
/// allowed where a settlement was lost with its process.
pub fn in_order(notes: &[String]) {
    let mut last: HashMap<String, u64> = HashMap::new();
    for id in notes {
        let mut parts = id.split('-');
        let mut part = || parts.next().expect("three parts");
        let (publisher, batch, key) = (part(), part(), part());
        let batch: u64 = batch.parse().expect("a number");
        let last = last.entry(format!("{publisher}-{key}")).or_insert(batch);
        assert!(*last <= batch, "{id} after batch {last} of its key");
        *last = batch;
    }
}
