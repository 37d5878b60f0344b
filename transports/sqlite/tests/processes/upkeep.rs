//! A file for years: copied, checked and made small again while others write.

use std::path::Path;

use rusqlite::Connection;
use tidings_transport::{ErrorKind, Retention, Start, Transport};
use tidings_transport_sqlite::Sqlite;

use crate::child::{Other, Role, file, open, record, runtime, topic, wait_for};

const MIB: u64 = 1 << 20;

/// Publishes so many events of 10,000 bytes.
async fn publish_long(log: &Sqlite, count: usize) {
    let long = "x".repeat(10_000);
    for _ in 0..count / 50 {
        let records: Vec<_> = (0..50).map(|_| record(&long, "a")).collect();
        for result in log.publish(&records).await {
            result.expect("there is room");
        }
    }
}

async fn keep(log: &Sqlite, max_len: u64) -> u64 {
    let mut rules = Retention::default();
    rules.max_len = Some(max_len);
    log.trim(&topic(), &rules)
        .await
        .expect("it is trimmed")
        .removed
}

async fn length(log: &Sqlite) -> u64 {
    log.topic(&topic())
        .await
        .expect("the topic is there")
        .length
}

#[test]
fn a_copy_is_whole_while_others_write() {
    let folder = tempfile::tempdir().expect("a folder");
    runtime().block_on(async {
        let log = open(folder.path());
        publish_long(&log, 1_000).await;
        let before = length(&log).await;
        let writer = Other::start(folder.path(), Role::Publish, "writer");
        wait_for("the writer", || writer.noted().len() > 10);
        let copy = folder.path().join("copy.db");
        let told = std::sync::Mutex::new(Vec::new());
        let bytes = log
            .backup(&copy, |done, all| {
                told.lock().expect("whole").push((done, all))
            })
            .await
            .expect("it is copied");
        assert_eq!(bytes, std::fs::metadata(&copy).expect("a file").len());
        assert!(
            told.lock()
                .expect("whole")
                .iter()
                .all(|(done, all)| done <= all)
        );
        let at_the_end = writer.noted().len();
        wait_for("the writer to go on", || writer.noted().len() > at_the_end);

        let copied = Sqlite::open(tidings_transport_sqlite::SqliteConfig::new(&copy));
        let copied = copied.expect("it is a log");
        assert_eq!(copied.check(true).await.expect("it can be read"), [""; 0]);
        let events = length(&copied).await;
        assert!(events > before && events <= length(&log).await, "{events}");
        let last = copied.read_back(&topic(), None, 1).await.expect("events");
        assert_eq!(last[0].position.as_str(), events.to_string());
        // There is something in the way.
        let again = log.backup(&copy, |_, _| ()).await.expect_err("it is there");
        assert_eq!(again.kind(), ErrorKind::Invalid, "{again}");
        let nowhere = folder.path().join("missing/copy.db");
        let nowhere = log
            .backup(&nowhere, |_, _| ())
            .await
            .expect_err("no folder");
        assert_eq!(nowhere.kind(), ErrorKind::Invalid, "{nowhere}");
    });
}

#[test]
fn half_a_copy_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let entries = |folder: &Path| std::fs::read_dir(folder).expect("a folder").count();
    let copies = tempfile::tempdir().expect("a folder");
    runtime().block_on(async {
        let log = open(folder.path());
        publish_long(&log, 2_000).await;
        let to = copies.path().join("copy.db");
        let patience = std::time::Duration::from_millis(1);
        if tokio::time::timeout(patience, log.backup(&to, |_, _| ()))
            .await
            .is_err()
        {
            wait_for("what was begun to go", || {
                entries(copies.path()) == 0 || to.exists()
            });
        }
    });
}

#[test]
fn what_is_trimmed_is_given_back_while_others_write() {
    let folder = tempfile::tempdir().expect("a folder");
    runtime().block_on(async {
        let log = open(folder.path());
        publish_long(&log, 3_000).await;
        let full = log.size().await.expect("a size");
        assert!(full.bytes > 25 * MIB && full.gives_back, "{full:?}");
        let writer = Other::start(folder.path(), Role::Publish, "writer");
        wait_for("the writer", || writer.noted().len() > 5);
        assert!(keep(&log, 10).await > 2_900);
        let small = log.size().await.expect("a size");
        assert!(small.bytes < 10 * MIB, "{small:?}");
        let before = writer.noted().len();
        wait_for("the writer to go on", || writer.noted().len() > before);
        drop(writer);
        log.compact(|done, all| assert!(done <= all))
            .await
            .expect("it is compacted");
        let least = log.size().await.expect("a size");
        assert_eq!(least.free, 0, "{least:?}");
        let on_disk = std::fs::metadata(file(folder.path()))
            .expect("a file")
            .len();
        assert_eq!(on_disk, least.bytes);
        assert_eq!(log.check(true).await.expect("it can be read"), [""; 0]);
    });
}

#[test]
fn what_is_free_is_used_again_before_the_file_grows() {
    let folder = tempfile::tempdir().expect("a folder");
    runtime().block_on(async {
        let log = open(folder.path());
        let mut most = 0;
        for round in 0..12 {
            publish_long(&log, 500).await;
            keep(&log, 500).await;
            let size = log.size().await.expect("a size").bytes;
            match round {
                0..4 => most = most.max(size),
                _ => assert!(size <= most + MIB, "{size} after {most}"),
            }
        }
    });
}

#[test]
fn an_old_file_is_rewritten_once() {
    let folder = tempfile::tempdir().expect("a folder");
    runtime().block_on(async {
        drop(open(folder.path()));
        let db = Connection::open(file(folder.path())).expect("a file");
        // As the first versions made it.
        db.execute_batch("PRAGMA auto_vacuum = 0; VACUUM;")
            .expect("rewritten");
        drop(db);
        let log = open(folder.path());
        publish_long(&log, 1_000).await;
        keep(&log, 10).await;
        let refused = log.compact(|_, _| ()).await.expect_err("it cannot");
        assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
        let (before, after) = log.rewrite().await.expect("it is rewritten");
        assert!(
            after.bytes < before.bytes / 4 && after.gives_back,
            "{after:?}"
        );
        log.compact(|_, _| ()).await.expect("it can now");
        let read = log.read(&topic(), &Start::Earliest, 100).await;
        assert_eq!(read.expect("events").len(), 10);
    });
}

#[test]
fn damage_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(folder.path());
    runtime().block_on(async {
        let log = open(folder.path());
        publish_long(&log, 200).await;
        let found = || async { log.check(true).await.expect("it can be read") };
        assert_eq!(found().await, [""; 0]);
        let db = Connection::open(&path).expect("a file");
        db.execute("UPDATE topics SET length = 3", [])
            .expect("written");
        assert!(
            found().await[0].contains("counters of topic"),
            "{:?}",
            found().await
        );
        db.execute("UPDATE topics SET length = 200", [])
            .expect("written");
        assert_eq!(found().await, [""; 0]);
        db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
            .expect("moved");
        drop((db, log));

        // A page in the middle, overwritten by somebody's disk.
        let mut bytes = std::fs::read(&path).expect("bytes");
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 4096].fill(0xa5);
        std::fs::write(&path, &bytes).expect("written");
        let log = open(folder.path());
        match log.check(true).await {
            Ok(found) => assert!(!found.is_empty(), "the damage was not found"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}"),
        }
    });
}
