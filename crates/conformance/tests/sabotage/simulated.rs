//! The log in memory with every fault that a harness can offer, so that every case of the suite
//! runs on it, and can be shown to fail.
//!
//! The *rich* one declares all abilities. The *poor* one declares none but `Durable`: it refuses
//! what it does not declare, and makes one consumer of a group active.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering as Atomic};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use tidings_conformance::{
    Crash, Cut, CutAt, DeadLetterRefusal, Faults, Foreign, Freeze, GroupLoss, Harness, Removal,
    TopicRefusal, Wipe,
};
use tidings_transport::{
    Body, Capabilities, Capability, Error, ErrorKind, Field, Group, Memory, Record, Result, Start,
    Topic, Transport,
};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::simulated_transport::SimulatedTransport;

/// How long a call waits for a log that says nothing.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Which consumer of a group is active on a topic, and until when.
#[derive(Debug, Clone, Copy)]
struct Active {
    consumer: u64,
    until: Instant,
    /// It was told so.
    told: bool,
}

/// What all handles of a simulated log share.
pub struct Simulated {
    pub poor: bool,
    memory: watch::Sender<Memory>,
    frozen: AtomicBool,
    cut: Mutex<Option<CutAt>>,
    refused_groups: Mutex<HashSet<(Topic, Group)>>,
    refused_topics: Mutex<HashSet<Topic>>,
    active: Mutex<HashMap<(Topic, Group), Active>>,
    pub active_changed: Notify,
    consumers: AtomicU64,
}

/// These locks guard plain values; a case that panics leaves them whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Simulated {
    pub fn new(poor: bool) -> Arc<Self> {
        Arc::new(Self {
            poor,
            memory: watch::Sender::new(Memory::new()),
            frozen: AtomicBool::new(false),
            cut: Mutex::default(),
            refused_groups: Mutex::default(),
            refused_topics: Mutex::default(),
            active: Mutex::default(),
            active_changed: Notify::new(),
            consumers: AtomicU64::new(1),
        })
    }

    pub fn capabilities(&self) -> Capabilities {
        if self.poor {
            return Capabilities::of(&[Capability::Competing, Capability::Durable]);
        }
        Capabilities::of(&[
            Capability::Replay,
            Capability::Competing,
            Capability::KeyedOrder,
            Capability::Delay,
            Capability::Fields,
            Capability::Durable,
            Capability::GroupUpkeep,
        ])
    }

    pub fn memory(&self) -> Memory {
        self.memory.borrow().clone()
    }

    /// Tells when the log was restarted empty.
    pub fn restarts(&self) -> watch::Receiver<Memory> {
        self.memory.subscribe()
    }

    pub fn next_consumer(&self) -> u64 {
        self.consumers.fetch_add(1, Atomic::Relaxed)
    }

    /// What a request meets on its way: nothing, or the loss of its answer.
    pub async fn send(&self, operation: &'static str) -> Result<Option<Error>> {
        let unknown = |why| Error::new(ErrorKind::UnknownOutcome, operation, why);
        if self.frozen.load(Atomic::Acquire) {
            tokio::time::sleep(ANSWER_WITHIN).await;
            return Err(unknown("the log did not answer in time"));
        }
        match lock(&self.cut).take() {
            None => Ok(None),
            Some(CutAt::Request) => Err(unknown("the connection broke")),
            Some(CutAt::Answer) => Ok(Some(unknown("the connection broke"))),
        }
    }

    /// Refuses a beginning that only a log with replay can find.
    pub fn check_start(&self, operation: &'static str, start: &Start) -> Result<()> {
        match start {
            Start::Earliest | Start::Time(_) => {
                self.capabilities().require(Capability::Replay, operation)
            }
            _ => Ok(()),
        }
    }

    pub fn check_record(&self, record: &Record) -> Result<()> {
        if matches!(record.body, Body::Fields(_)) {
            self.capabilities().require(Capability::Fields, "publish")?;
        }
        if lock(&self.refused_topics).contains(&record.topic) {
            return Err(Error::new(
                ErrorKind::Denied,
                "publish",
                "this topic takes no records",
            ));
        }
        Ok(())
    }

    pub fn check_letter(&self, topic: &Topic, group: &Group) -> Result<()> {
        if lock(&self.refused_groups).contains(&(topic.clone(), group.clone())) {
            let why = "dead letters cannot be stored";
            return Err(Error::new(ErrorKind::Full, "settle", why));
        }
        Ok(())
    }

    /// Makes the consumer the active one, or prolongs that; else says until when another is.
    pub fn activate(
        &self,
        topics: &[(Topic, Start)],
        group: &Group,
        consumer: u64,
        lease: Duration,
    ) -> Option<Instant> {
        let mut active = lock(&self.active);
        let now = Instant::now();
        let names = topics
            .iter()
            .map(|(topic, _)| (topic.clone(), group.clone()));
        let names: Vec<_> = names.collect();
        let others = names.iter().filter_map(|name| active.get(name));
        let other = others.filter(|a| a.consumer != consumer && a.until > now);
        if let Some(until) = other.map(|a| a.until).max() {
            return Some(until);
        }
        let until = now + lease;
        for name in names {
            let told = active
                .get(&name)
                .is_some_and(|a| a.consumer == consumer && a.told);
            let now = Active {
                consumer,
                until,
                told,
            };
            active.insert(name, now);
        }
        None
    }

    /// The topics of which this consumer has become the active one, once.
    pub fn became_active(&self, consumer: u64) -> Vec<Topic> {
        let mut active = lock(&self.active);
        let mine = active.iter_mut().filter(|(_, a)| a.consumer == consumer);
        let untold = mine.filter_map(|((topic, _), a)| {
            let told = std::mem::replace(&mut a.told, true);
            (!told).then(|| topic.clone())
        });
        untold.collect()
    }

    /// The consumer is active no more.
    pub fn retire(&self, consumer: u64) {
        lock(&self.active).retain(|_, a| a.consumer != consumer);
        self.active_changed.notify_waiters();
    }
}

/// A harness for it.
pub struct SimulatedHarness(pub Arc<Simulated>);

#[async_trait]
impl Harness for SimulatedHarness {
    async fn open(&self) -> Arc<dyn Transport> {
        Arc::new(SimulatedTransport(self.0.clone()))
    }

    fn faults(&self) -> Faults<'_> {
        let mut faults = Faults::default();
        let all = &*self.0;
        faults.crash = Some(all);
        faults.wipe = Some(all);
        faults.freeze = Some(all);
        faults.cut = Some(all);
        faults.removal = Some(all);
        faults.group_loss = Some(all);
        faults.foreign = Some(all);
        faults.dead_letter_refusal = Some(all);
        faults.topic_refusal = Some(all);
        faults
    }
}

#[async_trait]
impl Crash for Simulated {
    async fn kill(&self) {
        self.memory().set_available(false);
    }

    async fn restart(&self) {
        self.memory().set_available(true);
    }
}

#[async_trait]
impl Wipe for Simulated {
    async fn restart_empty(&self) {
        self.memory.send_replace(Memory::new());
    }
}

#[async_trait]
impl Freeze for Simulated {
    async fn freeze(&self) {
        self.frozen.store(true, Atomic::Release);
    }

    async fn thaw(&self) {
        self.frozen.store(false, Atomic::Release);
    }
}

#[async_trait]
impl Cut for Simulated {
    async fn cut_next(&self, at: CutAt) {
        *lock(&self.cut) = Some(at);
    }
}

#[async_trait]
impl Removal for Simulated {
    async fn remove_oldest(&self, topic: &Topic, count: u64) {
        let count = usize::try_from(count).expect("fewer than a topic holds");
        assert_eq!(self.memory().drop_records(topic, count), count);
    }
}

#[async_trait]
impl GroupLoss for Simulated {
    /// A log that forgets nothing: its group is back, where it was, before anybody looks.
    async fn destroy_group(&self, _topic: &Topic, _group: &Group) {}
}

#[async_trait]
impl Foreign for Simulated {
    async fn write(&self, topic: &Topic) -> Body {
        let body = if self.poor {
            Body::Document((&b"\0 no event"[..]).into())
        } else {
            Body::Fields(vec![Field {
                name: "payload".into(),
                value: (&b"\0\xff{"[..]).into(),
            }])
        };
        let record = Record {
            topic: topic.clone(),
            key: None,
            body: body.clone(),
        };
        let results = self.memory().publish(&[record]).await;
        results[0].as_ref().expect("there is room");
        body
    }
}

#[async_trait]
impl DeadLetterRefusal for Simulated {
    async fn refuse(&self, topic: &Topic, group: &Group) {
        lock(&self.refused_groups).insert((topic.clone(), group.clone()));
    }

    async fn allow(&self, topic: &Topic, group: &Group) {
        lock(&self.refused_groups).remove(&(topic.clone(), group.clone()));
    }
}

#[async_trait]
impl TopicRefusal for Simulated {
    async fn refuse(&self, topic: &Topic) {
        lock(&self.refused_topics).insert(topic.clone());
    }
}
