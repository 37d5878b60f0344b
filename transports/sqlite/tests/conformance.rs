//! The suite of the contract, on a file of its own for each case.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, params};
use tempfile::TempDir;
use tidings_conformance::{
    Crash, DeadLetterRefusal, Faults, Foreign, GroupLoss, Harness, Removal, TopicRefusal, Wipe,
    conformance_tests,
};
use tidings_transport::{Body, Group, Topic, Transport};
use tidings_transport_sqlite::{Sqlite, SqliteConfig};

struct OneFile {
    dir: TempDir,
}

async fn start() -> OneFile {
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(dir.path().join("disk")).expect("a folder");
    OneFile { dir }
}

impl OneFile {
    fn path(&self) -> PathBuf {
        self.disk().join("events.db")
    }

    fn disk(&self) -> PathBuf {
        self.dir.path().join("disk")
    }

    /// What another program can do, with SQLite alone.
    fn other_program(&self) -> Connection {
        let db = Connection::open(self.path()).expect("the file is there");
        db.busy_timeout(Duration::from_secs(30)).expect("settable");
        db
    }
}

#[async_trait]
impl Harness for OneFile {
    async fn open(&self) -> Arc<dyn Transport> {
        Arc::new(Sqlite::open(SqliteConfig::new(self.path())).expect("the file opens"))
    }

    fn faults(&self) -> Faults<'_> {
        let mut faults = Faults::default();
        faults.crash = Some(self);
        faults.wipe = Some(self);
        faults.removal = Some(self);
        faults.group_loss = Some(self);
        faults.foreign = Some(self);
        faults.dead_letter_refusal = Some(self);
        faults.topic_refusal = Some(self);
        faults
    }
}

/// A file has no process that could crash; what comes nearest is a disk that is gone for a while.
#[async_trait]
impl Crash for OneFile {
    async fn kill(&self) {
        std::fs::rename(self.disk(), self.dir.path().join("gone")).expect("it can be moved");
    }

    async fn restart(&self) {
        std::fs::rename(self.dir.path().join("gone"), self.disk()).expect("it can be moved back");
    }
}

#[async_trait]
impl Wipe for OneFile {
    /// Somebody removes the file, and a program that starts makes a new one.
    async fn restart_empty(&self) {
        for suffix in ["", "-wal", "-shm", "-wake", "-lock"] {
            let mut name = self.path().into_os_string();
            name.push(suffix);
            if let Err(e) = std::fs::remove_file(&name) {
                assert_eq!(e.kind(), std::io::ErrorKind::NotFound, "{name:?}");
            }
        }
        drop(self.open().await);
    }
}

#[async_trait]
impl Removal for OneFile {
    async fn remove_oldest(&self, topic: &Topic, count: u64) {
        let count = i64::try_from(count).expect("fewer than a topic holds");
        let removed = self.other_program().execute(
            "DELETE FROM events WHERE rowid IN (
               SELECT events.rowid FROM events JOIN topics USING (topic_id)
                WHERE topics.name = ?1 ORDER BY seq LIMIT ?2)",
            params![topic.as_str(), count],
        );
        let removed = removed.expect("events can be removed");
        assert_eq!(i64::try_from(removed), Ok(count));
    }
}

#[async_trait]
impl GroupLoss for OneFile {
    async fn destroy_group(&self, topic: &Topic, group: &Group) {
        let db = self.other_program();
        let id: i64 = db
            .query_row(
                "SELECT group_id FROM groups JOIN topics USING (topic_id)
                  WHERE topics.name = ?1 AND groups.name = ?2",
                params![topic.as_str(), group.as_str()],
                |row| row.get(0),
            )
            .expect("the group is there");
        for table in ["deliveries", "members", "groups"] {
            db.execute(&format!("DELETE FROM {table} WHERE group_id = ?1"), [id])
                .expect("rows can be removed");
        }
    }
}

#[async_trait]
impl Foreign for OneFile {
    async fn write(&self, topic: &Topic) -> Body {
        let document = b"\x00\xff this is no event";
        let db = self.other_program();
        db.execute_batch("BEGIN IMMEDIATE")
            .expect("a turn to write");
        db.execute(
            "INSERT OR IGNORE INTO topics (name) VALUES (?1)",
            [topic.as_str()],
        )
        .expect("a topic");
        db.execute(
            "INSERT INTO events (topic_id, seq, received, document)
             SELECT topic_id, last_seq + 1, 0, ?2 FROM topics WHERE name = ?1",
            params![topic.as_str(), document],
        )
        .expect("an event");
        db.execute(
            "UPDATE topics SET last_seq = last_seq + 1, length = length + 1 WHERE name = ?1",
            [topic.as_str()],
        )
        .expect("its count");
        db.execute_batch("COMMIT").expect("room on the disk");
        Body::Document(document.as_slice().into())
    }
}

#[async_trait]
impl DeadLetterRefusal for OneFile {
    async fn refuse(&self, _topic: &Topic, _group: &Group) {
        self.other_program()
            .execute_batch(
                "CREATE TRIGGER refuse_letters BEFORE INSERT ON dead_letters BEGIN
                   SELECT RAISE (ABORT, 'no room for dead letters');
                 END",
            )
            .expect("a trigger");
    }

    async fn allow(&self, _topic: &Topic, _group: &Group) {
        self.other_program()
            .execute_batch("DROP TRIGGER refuse_letters")
            .expect("the trigger is there");
    }
}

#[async_trait]
impl TopicRefusal for OneFile {
    async fn refuse(&self, topic: &Topic) {
        self.other_program()
            .execute_batch(&format!(
                "CREATE TRIGGER refuse_topic BEFORE INSERT ON topics WHEN new.name = '{topic}' BEGIN
                   SELECT RAISE (ABORT, 'this topic is not allowed');
                 END"
            ))
            .expect("a trigger");
    }
}

conformance_tests!(start);
