//! Processes that were stopped, and files that others keep locked.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rusqlite::Connection;
use tidings_transport::{ErrorKind, Transport};
use tidings_transport_sqlite::{Sqlite, SqliteConfig};

use crate::child::{Other, PATIENCE, Role, file, open, record, runtime, wait_for};

/// Stops a writer at some instant, often while it waits for its turn: the others walk round it.
/// Only one that was stopped within its transaction holds them up, and they say so.
#[test]
fn a_stopped_writer_does_not_stop_the_others_for_good() {
    let folder = tempfile::tempdir().expect("a folder");
    let writer = Other::start(folder.path(), Role::Publish, "writer");
    let second = Other::start(folder.path(), Role::Publish, "second");
    let config = SqliteConfig::new(file(folder.path())).busy_timeout(Duration::from_millis(700));
    let log = Sqlite::open(config).expect("the file opens");
    let pid = Pid::from_raw(i32::try_from(writer.id()).expect("a process number"));
    let mut through = 0;
    for n in 0..6u64 {
        std::thread::sleep(Duration::from_millis(20 + 7 * n));
        kill(pid, Signal::SIGSTOP).expect("it can be stopped");
        let result = runtime().block_on(log.publish(&[record(&n.to_string(), "a")]));
        match &result[0] {
            Ok(_) => through += 1,
            Err(e) => assert_eq!(e.kind(), ErrorKind::Unavailable, "{e}"),
        }
        kill(pid, Signal::SIGCONT).expect("it can go on");
        let before = second.noted().len();
        wait_for("the others to go on", || second.noted().len() > before);
    }
    wait_for("it to work again", || {
        runtime().block_on(log.publish(&[record("end", "a")]))[0].is_ok()
    });
    assert!(through <= 6);
}

#[test]
fn a_file_that_another_program_keeps_locked_is_a_temporary_error() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(open(folder.path()));
    let config = SqliteConfig::new(file(folder.path())).busy_timeout(Duration::from_millis(200));
    let log = Sqlite::open(config).expect("the file opens");
    let shell = Connection::open(file(folder.path())).expect("the file opens");
    shell.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    runtime().block_on(async {
        let result = log.publish(&[record("1", "a")]).await.remove(0);
        let error = result.expect_err("the file is locked");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.is_temporary());
        // Reading does not need the lock.
        log.ping().await.expect("it can be read");
        shell.execute_batch("ROLLBACK").expect("unlocked");
        let again = tokio::time::timeout(PATIENCE, log.publish(&[record("1", "a")])).await;
        again.expect("in time").remove(0).expect("room");
    });
}
