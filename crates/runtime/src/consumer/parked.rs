//! Which keys are parked, as far as this consumer knows.
//!
//! Knowing too much is harmless: a successor that is parked behind a key which is clear by now is
//! refused by the log and runs. Knowing too little is not: so the log is asked whenever others may
//! have parked keys, before anything is handled.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tidings_transport::{Error as TransportError, ErrorKind, Key, ParkedKey, Topic};
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};

use super::ConsumeError;
use super::hand::Engine;
use super::outage::Outage;
use crate::Counters;

/// How often the log is asked whether there is room for another parked key.
const LOOK_FOR_ROOM: Duration = Duration::from_secs(5);

/// The parked keys, and whether more may be.
#[derive(Debug)]
pub(super) struct ParkedKeys {
    topics: HashMap<Topic, HashSet<Key>>,
    count: usize,
    max: usize,
    /// Half of them was warned of.
    warned: bool,
    /// Since when a key waits to be parked.
    full: Option<Instant>,
}

impl ParkedKeys {
    pub(super) fn new(max: usize) -> Self {
        Self {
            topics: HashMap::new(),
            count: 0,
            max,
            warned: false,
            full: None,
        }
    }

    pub(super) fn holds(&self, topic: &Topic, key: &Key) -> bool {
        self.count > 0
            && self
                .topics
                .get(topic)
                .is_some_and(|keys| keys.contains(key))
    }

    /// Whether one more may be parked.
    pub(super) fn has_room_for(&self, topic: &Topic, key: &Key) -> bool {
        self.count < self.max || self.holds(topic, key)
    }

    /// Notes that a key is parked. Whether it is time to warn of their number.
    pub(super) fn add(&mut self, topic: &Topic, key: &Key) -> Option<usize> {
        let keys = self.topics.entry(topic.clone()).or_default();
        if keys.insert(key.clone()) {
            self.count += 1;
        }
        let half = self.count >= self.max.div_ceil(2).max(2);
        (half && !std::mem::replace(&mut self.warned, half)).then_some(self.count)
    }

    /// Notes that a key is clear.
    pub(super) fn remove(&mut self, topic: &Topic, key: &Key) {
        let removed = self.topics.get_mut(topic).is_some_and(|k| k.remove(key));
        self.count -= usize::from(removed);
    }

    /// What the log says of a topic.
    fn set(&mut self, topic: &Topic, parked: Vec<ParkedKey>) {
        let keys: HashSet<Key> = parked.into_iter().map(|parked| parked.key).collect();
        self.count += keys.len();
        let before = self.topics.insert(topic.clone(), keys);
        self.count -= before.map_or(0, |keys| keys.len());
        self.warned &= self.count >= self.max.div_ceil(2);
    }

    /// Nothing is started until there is room for another.
    pub(super) fn is_full(&self) -> bool {
        self.full.is_some()
    }

    /// A key is to be parked for which there is no room.
    pub(super) fn wait_for_room(&mut self) {
        self.full.get_or_insert_with(Instant::now);
    }
}

/// Asks the log which keys of these topics are parked.
pub(super) async fn ask(engine: &Engine, topics: &[Topic]) -> Result<(), ConsumeError> {
    let mut outage = Outage::new(engine.group.clone(), "parked", &engine.settings.patience);
    for topic in topics {
        let parked = loop {
            match engine.transport.parked(topic, &engine.group).await {
                Ok(parked) => break parked,
                // A log that came back empty has none.
                Err(error) if error.kind() == ErrorKind::NotFound => break Vec::new(),
                Err(error) => wait(engine, &mut outage, error).await?,
            }
            if engine.stopping.is_cancelled() {
                return Ok(());
            }
        };
        engine.hand().parked.set(topic, parked);
    }
    Ok(())
}

async fn wait(
    engine: &Engine,
    outage: &mut Outage,
    error: TransportError,
) -> Result<(), ConsumeError> {
    let wait = outage.failed(error)?;
    tokio::select! {
        () = sleep(wait) => {}
        () = engine.stopping.cancelled() => {}
    }
    Ok(())
}

/// Waits until keys were released or discarded, so that another may be parked.
pub(super) async fn make_room(engine: &Engine) -> Result<(), ConsumeError> {
    let topics: Vec<Topic> = {
        let hand = engine.hand();
        hand.parked.topics.keys().cloned().collect()
    };
    Counters::add(&engine.counters.parked_full, 1);
    loop {
        ask(engine, &topics).await?;
        {
            let mut hand = engine.hand();
            let (count, max) = (hand.parked.count, hand.parked.max);
            if count < max {
                let since = hand.parked.full.take();
                let waited = since.map(|since| since.elapsed()).unwrap_or_default();
                info!(group = %engine.group, parked = count, ?waited, "there is room for parked keys again");
                return Ok(());
            }
            error!(group = %engine.group, parked = count, max,
                "too many keys are parked: nothing is handled until some are released or discarded; \
                 see `tidings dlq list`");
        }
        tokio::select! {
            () = sleep(LOOK_FOR_ROOM) => {}
            () = engine.stopping.cancelled() => return Ok(()),
        }
    }
}

/// Says that it is time to look.
pub(super) fn warn_of(engine: &Engine, count: usize) {
    warn!(group = %engine.group, parked = count, max = engine.settings.max_parked_keys,
        "many keys are parked; at the bound this consumer pauses");
}
