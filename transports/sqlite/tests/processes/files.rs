//! Files that are not what they should be, and copies that are.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tidings_transport::{
    Count, Error, ErrorKind, Outcome, Retention, Settlement, Start, Transport,
};
use tidings_transport_sqlite::{Durability, Sqlite, SqliteConfig};

use crate::child::{Other, Role, ack, file, id, join, open, record, runtime, topic, wait_for};

fn refusal(path: &Path) -> Error {
    Sqlite::open(SqliteConfig::new(path)).expect_err("such a file must be refused")
}

fn made_by_us(folder: &Path) -> PathBuf {
    drop(open(folder));
    file(folder)
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = made_by_us(folder.path());
    let db = Connection::open(&path).expect("a file");
    db.pragma_update(None, "user_version", 99).expect("set");
    drop(db);
    let error = refusal(&path);
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(!error.is_temporary());
    let text = error.to_string();
    assert!(
        text.contains("version 99") && text.contains("Update"),
        "{text}"
    );
}

#[test]
fn a_database_of_another_application_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("theirs.db");
    let db = Connection::open(&path).expect("a file");
    db.execute_batch("CREATE TABLE theirs (a)")
        .expect("a table");
    drop(db);
    let before = std::fs::read(&path).expect("bytes");
    let error = refusal(&path);
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains("another application"), "{error}");
    assert_eq!(std::fs::read(&path).expect("bytes"), before);
}

#[test]
fn what_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notes.txt");
    let text = "these are my notes, and nobody's database\n".repeat(200);
    std::fs::write(&path, &text).expect("a file");
    let error = refusal(&path);
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(std::fs::read_to_string(&path).expect("text"), text);
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = refusal(&folder.path().join("missing/events.db"));
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("missing/events.db"), "{error}");
}

#[test]
fn an_empty_file_is_filled() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(file(folder.path()), b"").expect("a file");
    runtime().block_on(async {
        open(folder.path()).ping().await.expect("it is a log now");
    });
}

/// Gives up the right to write where it has none, as for a user who is not root. For this thread
/// and those it starts.
fn as_nobody<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            if nix::unistd::geteuid().is_root() {
                nix::unistd::setfsuid(nix::unistd::Uid::from_raw(65_534));
            }
            f()
        });
        work.join().expect("no panic")
    })
}

fn set_mode(path: &Path, mode: u32) {
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, permissions).expect("a mode");
}

#[test]
fn a_read_only_file_is_denied() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = made_by_us(folder.path());
    set_mode(folder.path(), 0o777);
    for beside in std::fs::read_dir(folder.path()).expect("a folder") {
        set_mode(&beside.expect("a file").path(), 0o666);
    }
    set_mode(&path, 0o444);
    let error = as_nobody(|| refusal(&path));
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("writable"), "{error}");
}

#[test]
fn a_read_only_folder_is_denied() {
    let folder = tempfile::tempdir().expect("a folder");
    set_mode(folder.path(), 0o555);
    let error = as_nobody(|| refusal(&file(folder.path())));
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    set_mode(folder.path(), 0o755);
}

#[test]
fn a_full_file_says_so_and_works_again_when_there_is_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = SqliteConfig::new(file(folder.path())).max_bytes(512 * 1024);
    let log = Sqlite::open(config).expect("the file opens");
    let long = "x".repeat(10_000);
    runtime().block_on(async {
        let consumer = join(&log, "only").await;
        let mut stored = 0;
        let error = loop {
            match log.publish(&[record(&long, "a")]).await.remove(0) {
                Ok(_) => stored += 1,
                Err(error) => break error,
            }
            assert!(stored < 1_000, "the limit does not hold");
        };
        assert_eq!(error.kind(), ErrorKind::Full, "{error}");
        assert!(error.is_temporary());
        assert!(stored > 10, "{stored}");
        // What needs no room goes on, and the reader loses nothing.
        for _ in 0..stored {
            let batch = consumer.next(1).await.expect("events");
            assert_eq!(ack(&*consumer, &batch.deliveries).await, [true]);
        }
        let mut rules = Retention::default();
        rules.max_len = Some(0);
        let trimmed = log.trim(&topic(), &rules).await.expect("it can be trimmed");
        assert_eq!(trimmed.removed, stored);
        let again = log.publish(&[record(&long, "a")]).await.remove(0);
        again.expect("there is room again");
    });
}

#[test]
fn a_copy_opens_and_goes_on_where_the_original_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = tempfile::tempdir().expect("a folder");
    runtime().block_on(async {
        let log = open(folder.path());
        let consumer = join(&log, "first").await;
        let records: Vec<_> = (0..10).map(|n| record(&n.to_string(), "a")).collect();
        for result in log.publish(&records).await {
            result.expect("room");
        }
        let batch = consumer.next(1).await.expect("events");
        assert_eq!(ack(&*consumer, &batch.deliveries).await, [true]);
        let held = consumer.next(1).await.expect("events");
        assert_eq!(id(&held.deliveries[0]), "1");
        // While it is in use: the file and its log, as a snapshot of the disk has them.
        for suffix in ["", "-wal"] {
            let name = format!("events.db{suffix}");
            std::fs::copy(folder.path().join(&name), copy.path().join(&name)).expect("a copy");
        }
        let other = open(copy.path());
        let found = other.read(&topic(), &Start::Earliest, 100).await;
        assert_eq!(found.expect("events").len(), 10);
        // What was held in the original comes back after the lease.
        let second = join(&other, "second").await;
        let batch = second.next(1).await.expect("events");
        assert_eq!(id(&batch.deliveries[0]), "1");
        // The original is as it was.
        let settlement = Settlement {
            delivery: held.deliveries[0].clone(),
            outcome: Outcome::Ack,
        };
        consumer
            .settle(&[settlement])
            .await
            .remove(0)
            .expect("its own");
    });
}

#[test]
fn a_file_that_is_taken_away_is_a_temporary_error_until_it_is_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let away = tempfile::tempdir().expect("a folder");
    let move_all = |from: &Path, to: &Path| {
        for suffix in ["", "-wal", "-shm"] {
            let name = format!("events.db{suffix}");
            std::fs::rename(from.join(&name), to.join(&name)).expect("it can be moved");
        }
    };
    runtime().block_on(async {
        let log = open(folder.path());
        let consumer = join(&log, "only").await;
        log.publish(&[record("1", "a")])
            .await
            .remove(0)
            .expect("room");
        move_all(folder.path(), away.path());
        let error = log.publish(&[record("2", "a")]).await.remove(0);
        let error = error.expect_err("there is no file");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        move_all(away.path(), folder.path());
        log.publish(&[record("2", "a")])
            .await
            .remove(0)
            .expect("it is back");
        let mut seen = Vec::new();
        while seen.len() < 2 {
            let batch = consumer.next(1).await.expect("events");
            assert_eq!(ack(&*consumer, &batch.deliveries).await, [true]);
            seen.extend(batch.deliveries.iter().map(|d| id(d)));
        }
        assert_eq!(seen, ["1", "2"]);
    });
}

/// Whoever lived through it knows that something is missing, and nobody how much.
#[test]
fn an_older_copy_that_is_put_back_under_a_living_consumer_is_a_gap() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("copy.db");
    runtime().block_on(async {
        let log = open(folder.path());
        let consumer = join(&log, "only").await;
        let hear = async |ids: [&str; 2]| {
            let records = ids.map(|id| record(id, "a"));
            for result in log.publish(&records).await {
                result.expect("room");
            }
            let (mut seen, mut gaps) = (Vec::new(), Vec::new());
            while seen.len() < 2 {
                let batch = consumer.next(1).await.expect("events");
                ack(&*consumer, &batch.deliveries).await;
                seen.extend(batch.deliveries.iter().map(|d| id(d)));
                gaps.extend(batch.gaps);
            }
            assert_eq!(seen, ids);
            gaps
        };
        assert_eq!(hear(["1", "2"]).await, []);
        log.backup(&copy, |_, _| ()).await.expect("a copy");
        assert_eq!(hear(["3", "4"]).await, []);
        for suffix in ["-wal", "-shm"] {
            let name = format!("events.db{suffix}");
            std::fs::remove_file(folder.path().join(name)).expect("it is there");
        }
        std::fs::rename(&copy, file(folder.path())).expect("it is put back");
        let gaps = hear(["5", "6"]).await;
        let lost: Vec<_> = gaps.iter().map(|gap| gap.lost).collect();
        assert_eq!(lost, [Count::Unknown], "{gaps:?}");
        assert_eq!(hear(["7", "8"]).await, [], "said once");
    });
}

/// To take much in hand needs room, and room comes by taking it: not a knot.
#[test]
fn a_file_that_is_full_can_be_emptied() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = SqliteConfig::new(file(folder.path())).max_bytes(512 * 1024);
    let log = Sqlite::open(config).expect("the file opens");
    runtime().block_on(async {
        let consumer = join(&log, "only").await;
        let mut stored = 0;
        loop {
            let records: Vec<_> = (0..20)
                .map(|n| record(&n.to_string(), &n.to_string()))
                .collect();
            let results = log.publish(&records).await;
            stored += results.iter().filter(|result| result.is_ok()).count();
            if results.iter().any(Result::is_err) {
                break;
            }
            assert!(stored < 100_000, "the limit does not hold");
        }
        let mut settled = 0;
        while settled < stored {
            let batch = consumer
                .next(1_000)
                .await
                .expect("there is room to consume");
            settled += batch.deliveries.len();
            let acked = ack(&*consumer, &batch.deliveries).await;
            assert!(acked.iter().all(|ok| *ok));
        }
    });
}

#[test]
fn durability_normal_is_told_by_diagnose() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = SqliteConfig::new(file(folder.path())).durability(Durability::Normal);
    let log = Sqlite::open(config).expect("the file opens");
    let found = runtime().block_on(log.diagnose()).expect("findings");
    assert!(
        found.iter().any(|f| f.code == "sqlite-durability"),
        "{found:?}"
    );
}

#[test]
fn threads_end_with_the_last_handle() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = Other::start(folder.path(), Role::Leave, "other");
    wait_for("it to have left", || other.noted() == ["left"]);
}
