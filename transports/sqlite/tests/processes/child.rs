//! Another process: this test binary once more, in one of a few roles.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidings_transport::{
    Body, Delivery, Group, Key, Outcome, Record, Settlement, Start, Subscriber, Subscription,
    Topic, Transport,
};
use tidings_transport_sqlite::{Sqlite, SqliteConfig};

/// How long a step may take that is done at once on an idle machine.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Short, so that what a killed consumer held comes back soon.
pub const LEASE: Duration = Duration::from_millis(500);

const ROLE: &str = "TIDINGS_TEST_ROLE";
const FOLDER: &str = "TIDINGS_TEST_FOLDER";
const NAME: &str = "TIDINGS_TEST_NAME";

/// What another process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Publishes batches of 10 for ever, and notes what was acknowledged.
    Publish,
    /// Consumes for ever, notes what it does, and then settles it.
    Consume,
    /// Consumes, and notes when each came.
    Watch,
    /// Waits for what never comes.
    Idle,
    /// Fills its disk, makes room, and notes when everything was whole.
    Fill,
    /// Opens the file, uses it, lets it go, and notes when no thread of it is left.
    Leave,
}

impl Role {
    const ALL: [Self; 6] = [
        Self::Publish,
        Self::Consume,
        Self::Watch,
        Self::Idle,
        Self::Fill,
        Self::Leave,
    ];

    /// Where its file is.
    pub fn folder(self, of: &Path) -> PathBuf {
        match self {
            Self::Fill => of.join("disk"),
            _ => of.to_owned(),
        }
    }

    fn name(self) -> String {
        format!("{self:?}")
    }
}

/// A command that runs this program once more.
pub fn this_program() -> Command {
    Command::new(std::env::current_exe().expect("this program has a path"))
}

/// A process that is killed when dropped.
pub struct Other {
    process: Child,
    notes: PathBuf,
}

impl Other {
    /// Starts one, and waits until it has opened the file.
    pub fn start(folder: &Path, role: Role, name: &str) -> Self {
        Self::start_by(this_program(), folder, role, name)
    }

    /// The same by a command that runs this program.
    pub fn start_by(mut program: Command, folder: &Path, role: Role, name: &str) -> Self {
        let process = program
            .args(["child::plays_its_role", "--exact", "--test-threads=1"])
            .env(ROLE, role.name())
            .env(FOLDER, folder)
            .env(NAME, name)
            .stdout(Stdio::null())
            .spawn()
            .expect("this program starts again");
        let other = Self {
            process,
            notes: notes(folder, name),
        };
        wait_for("a process to open the file", || other.notes.exists());
        other
    }

    /// Its number in the system.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Kills it (SIGKILL) and returns what it had noted.
    pub fn kill(mut self) -> Vec<String> {
        self.process.kill().expect("it can be killed");
        let status = self.process.wait().expect("it ends");
        assert!(status.code().is_none(), "it ended by itself: {status}");
        self.noted()
    }

    /// What it has noted so far. A line that is not whole was not acknowledged, or not settled.
    pub fn noted(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.notes).expect("notes are text");
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits for a condition, generously.
#[track_caller]
pub fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn notes(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.notes"))
}

pub fn file(folder: &Path) -> PathBuf {
    folder.join("events.db")
}

pub fn open(folder: &Path) -> Sqlite {
    Sqlite::open(SqliteConfig::new(file(folder))).expect("the file opens")
}

pub fn topic() -> Topic {
    Topic::new("courses").expect("a valid name")
}

pub fn group() -> Group {
    Group::new("lms").expect("a valid name")
}

/// A record whose id is its text.
pub fn record(id: &str, key: &str) -> Record {
    Record {
        topic: topic(),
        key: Some(Key::new(key)),
        body: Body::Document(format!(r#"{{"specversion":"1.0","id":"{id}"}}"#).into()),
    }
}

/// The id of a delivery.
pub fn id(delivery: &Delivery) -> String {
    id_in(&delivery.body)
}

/// The id in a body.
pub fn id_in(body: &Body) -> String {
    let Body::Document(document) = body else {
        panic!("a file holds documents");
    };
    let text = std::str::from_utf8(document).expect("text");
    let (_, rest) = text.split_once(r#""id":""#).expect("an id");
    rest.trim_end_matches(r#""}"#).to_owned()
}

pub async fn join(log: &Sqlite, name: &str) -> Arc<dyn Subscriber> {
    let subscription = Subscription::new(group(), topic())
        .start(&Start::Earliest)
        .lease(LEASE)
        .consumer(name);
    log.subscribe(subscription).await.expect("it can join")
}

pub async fn ack(consumer: &dyn Subscriber, deliveries: &[Arc<Delivery>]) -> Vec<bool> {
    let settlements: Vec<_> = deliveries
        .iter()
        .map(|d| Settlement {
            delivery: Arc::clone(d),
            outcome: Outcome::Ack,
        })
        .collect();
    let results = consumer.settle(&settlements).await;
    results.iter().map(Result::is_ok).collect()
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("threads")
}

/// The body of the other process. In the run of the tests themselves it has no role, and then
/// shows in one process what the roles do in several.
#[test]
fn plays_its_role() {
    let Ok(name) = std::env::var(ROLE) else {
        return runtime().block_on(publishes_and_consumes());
    };
    let role = Role::ALL.into_iter().find(|r| r.name() == name);
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("a folder"));
    let own = std::env::var(NAME).expect("a name");
    let role = role.expect("a role");
    let log = open(&role.folder(&folder));
    let notes = OpenOptions::new()
        .create(true)
        .append(true)
        .open(notes(&folder, &own))
        .expect("a file for notes");
    runtime().block_on(play(role, &folder, log, &own, notes));
}

async fn publishes_and_consumes() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = open(folder.path());
    let consumer = join(&log, "only").await;
    for result in log.publish(&[record("1", "a"), record("2", "b")]).await {
        result.expect("room");
    }
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let batch = consumer.next(10).await.expect("events");
        assert!(
            ack(&*consumer, &batch.deliveries)
                .await
                .iter()
                .all(|ok| *ok)
        );
        seen.extend(batch.deliveries.iter().map(|d| id(d)));
    }
    assert_eq!(seen, ["1", "2"]);
}

async fn play(role: Role, folder: &Path, log: Sqlite, name: &str, mut notes: File) {
    match role {
        Role::Publish => {
            for n in 0.. {
                let records: Vec<_> = (0..10)
                    .map(|i| record(&format!("{name}-{n}-{i}"), &format!("{name}-{i}")))
                    .collect();
                let mut lines = String::new();
                for (i, result) in log.publish(&records).await.into_iter().enumerate() {
                    match result {
                        Ok(_) => lines += &format!("{name}-{n}-{i}\n"),
                        Err(e) => assert!(e.is_temporary(), "{e}"),
                    }
                }
                notes.write_all(lines.as_bytes()).expect("notes");
            }
        }
        Role::Consume => {
            let consumer = join(&log, name).await;
            loop {
                let batch = match consumer.next(50).await {
                    Ok(batch) => batch,
                    Err(e) if e.is_temporary() => continue,
                    Err(e) => panic!("{e}"),
                };
                assert!(batch.gaps.is_empty(), "{:?}", batch.gaps);
                let started = consumer.start(&batch.deliveries).await;
                let ours: Vec<_> = std::iter::zip(batch.deliveries, started)
                    .filter_map(|(d, s)| s.is_ok().then_some(d))
                    .collect();
                let lines: String = ours.iter().map(|d| id(d) + "\n").collect();
                notes.write_all(lines.as_bytes()).expect("notes");
                ack(&*consumer, &ours).await;
            }
        }
        Role::Watch => {
            let consumer = join(&log, name).await;
            notes.write_all(b"joined\n").expect("notes");
            loop {
                let batch = consumer.next(50).await.expect("events");
                let now = jiff::Timestamp::now().as_microsecond();
                for delivery in &batch.deliveries {
                    writeln!(notes, "{} {now}", id(delivery)).expect("notes");
                }
                ack(&*consumer, &batch.deliveries).await;
            }
        }
        Role::Fill => crate::full::fill(&role.folder(folder), log, notes).await,
        Role::Leave => {
            let consumer = join(&log, name).await;
            log.publish(&[record("1", "a")])
                .await
                .remove(0)
                .expect("room");
            consumer.next(1).await.expect("events");
            log.topics().await.expect("topics");
            // A second call waits, and so has the system tell of changes.
            let waits = tokio::time::timeout(Duration::from_millis(300), consumer.next(1));
            assert!(waits.await.is_err(), "there was only one");
            assert!(threads_of_the_log() >= 4);
            drop(consumer);
            drop(log);
            wait_for("the threads to end", || threads_of_the_log() == 0);
            notes.write_all(b"left\n").expect("notes");
            tokio::time::sleep(PATIENCE).await;
        }
        Role::Idle => {
            let consumer = join(&log, name).await;
            notes.write_all(b"joined\n").expect("notes");
            let batch = consumer.next(1).await;
            panic!("nothing was published, but: {batch:?}");
        }
    }
}

/// The writer, the readers, and the one that hears of changes to files.
fn threads_of_the_log() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).ok();
    tasks
        .filter_map(|task| name(task.ok()?))
        .filter(|name| name.starts_with("tidings-sqlite") || name.starts_with("notify-rs"))
        .count()
}
