//! A disk that is full, and has room again.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tidings_transport::{ErrorKind, Outcome, Settlement, Start, Transport};
use tidings_transport_sqlite::Sqlite;

use crate::child::{
    Other, PATIENCE, Role, ack, id, id_in, join, open, record, this_program, topic, wait_for,
};

/// Room for what is written ahead, which is kept until it is moved to its place.
const DISK_KIB: usize = 64 * 1024;
const BALLAST_KIB: usize = 62 * 1024;

#[test]
fn a_full_disk_loses_nothing_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Role::Fill.folder(folder.path());
    std::fs::create_dir(&disk).expect("a folder");
    let other = Other::start_by(on_a_small_disk(&disk), folder.path(), Role::Fill, "other");
    wait_for("it to have filled its disk", || {
        other.noted().contains(&"whole".into())
    });
}

/// Runs this program where a file system of its own is mounted on the folder: nobody else sees it,
/// and it ends with the program. Needs no root where users may have namespaces of their own.
fn on_a_small_disk(folder: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.arg("--mount");
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let script = r#"mount -t tmpfs -o "size=$1k" tidings "$2" && shift 2 && exec "$@""#;
    command.args(["sh", "-c", script, "sh"]);
    command.arg(DISK_KIB.to_string()).arg(folder);
    command.arg(this_program().get_program());
    command
}

/// What the other process does on its small disk.
pub async fn fill(folder: &Path, log: Sqlite, mut notes: File) {
    let ballast = folder.join("ballast");
    std::fs::write(&ballast, vec![1; BALLAST_KIB * 1024]).expect("room at first");
    let consumer = join(&log, "only").await;
    let long = "x".repeat(2_000);
    let (mut stored, mut refused) = (Vec::new(), 0);
    for n in 0.. {
        let records: Vec<_> = (0..10)
            .map(|i| record(&format!("{n}-{i}-{long}"), "a"))
            .collect();
        for (i, result) in log.publish(&records).await.into_iter().enumerate() {
            match result {
                Ok(_) => stored.push(format!("{n}-{i}-{long}")),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Full, "{error}");
                    assert!(error.is_temporary(), "{error}");
                    assert!(error.to_string().contains("Free space"), "{error}");
                    refused += 1;
                }
            }
        }
        if refused >= 50 {
            break;
        }
        assert!(n < 1_000, "the disk is never full");
    }
    assert!(stored.len() > 10, "only {} were stored", stored.len());
    // To hand something out and to settle it takes room, too.
    let mut settled = HashSet::new();
    match tokio::time::timeout(Duration::from_secs(1), consumer.next(5)).await {
        Ok(Ok(batch)) => {
            let acked = ack(&*consumer, &batch.deliveries).await;
            let ids = batch.deliveries.iter().map(|d| id(d));
            settled.extend(ids.zip(acked).filter_map(|(id, ok)| ok.then_some(id)));
        }
        Ok(Err(error)) => assert!(error.is_temporary(), "{error}"),
        Err(_) => {}
    }
    std::fs::remove_file(&ballast).expect("it is there");
    let after = log.publish(&[record("after", "a")]).await.remove(0);
    after.expect("there is room again");
    stored.push("after".to_owned());
    drop((consumer, log));

    // What was acknowledged is there, in order, and what was refused is not.
    let log = open(folder);
    let found = log
        .read(&topic(), &Start::Earliest, 10_000)
        .await
        .expect("events");
    let found: Vec<_> = found.iter().map(|stored| id_in(&stored.body)).collect();
    assert_eq!(found.len(), stored.len());
    assert!(
        found == stored,
        "other events than those that were acknowledged"
    );
    let consumer = join(&log, "second").await;
    let begun = std::time::Instant::now();
    while settled.len() < stored.len() {
        assert!(
            begun.elapsed() < PATIENCE,
            "{} are never handed out",
            stored.len() - settled.len()
        );
        let batch = consumer.next(500).await.expect("events");
        assert!(batch.gaps.is_empty(), "{:?}", batch.gaps);
        let done = batch.deliveries.iter().map(|delivery| Settlement {
            delivery: delivery.clone(),
            outcome: Outcome::Ack,
        });
        for result in consumer.settle(&done.collect::<Vec<_>>()).await {
            result.expect("there is room, and they are its own");
        }
        settled.extend(batch.deliveries.iter().map(|d| id(d)));
    }
    assert!(stored.iter().all(|id| settled.contains(id)));
    notes.write_all(b"whole\n").expect("notes");
    tokio::time::sleep(PATIENCE).await;
}
