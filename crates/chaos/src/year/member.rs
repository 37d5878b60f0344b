//! Services that listen, and what each has heard.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tidings::{Bus, Handler, HandlerError, Message, Start};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::topics;
use crate::words::Result;

/// For how long nothing may be heard while something is to come.
const PATIENCE: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(2);

/// What all groups have heard.
#[derive(Default)]
pub struct Books(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    heard: BTreeMap<&'static str, Heard>,
    repeated: u64,
    gaps: u64,
}

/// Which numbers: all up to one, and some beyond it.
#[derive(Default)]
struct Heard {
    below: u64,
    beyond: std::collections::BTreeSet<u64>,
}

impl Heard {
    /// Whether it is new.
    fn note(&mut self, n: u64) -> bool {
        if n < self.below || !self.beyond.insert(n) {
            return false;
        }
        while self.beyond.remove(&self.below) {
            self.below += 1;
        }
        true
    }
}

impl Books {
    fn open(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, group: &'static str, n: u64) {
        let mut books = self.open();
        let new = books.heard.entry(group).or_default().note(n);
        books.repeated += u64::from(!new);
    }

    /// Waits until a group has heard every event below this number.
    pub async fn heard_all(&self, group: &'static str, numbers: u64) -> Result<()> {
        let mut last = (0, Instant::now());
        loop {
            let below = self.open().heard.entry(group).or_default().below;
            if below >= numbers {
                return Ok(());
            }
            if below > last.0 {
                last = (below, Instant::now());
            } else if last.1.elapsed() > PATIENCE {
                let gaps = self.gaps();
                let what =
                    format!("{group} waits for event {below} of {numbers}; {gaps} gaps so far");
                return Err(what.into());
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Events that came to a group again.
    pub fn repeated(&self) -> u64 {
        self.open().repeated
    }

    /// Gaps that were reported to those who were there.
    pub fn gaps(&self) -> u64 {
        self.open().gaps
    }
}

#[derive(Deserialize)]
struct Data {
    n: u64,
}

/// Writes down what it hears.
struct Note {
    group: &'static str,
    books: Arc<Books>,
}

impl Handler for Note {
    async fn handle(&self, message: Message) -> Result<(), HandlerError> {
        let data = message.event().data().and_then(|data| data.as_json());
        let data: Data = serde_json::from_str(data.unwrap_or_default())
            .map_err(|error| HandlerError::permanent(error.to_string()))?;
        self.books.note(self.group, data.n);
        Ok(())
    }
}

/// A service that listens.
pub struct Member {
    end: oneshot::Sender<()>,
    running: JoinHandle<Result<tidings::Summary, tidings::ConsumeError>>,
}

impl Member {
    pub fn start(bus: &Bus, group: &'static str, books: &Arc<Books>) -> Self {
        let (heard, gaps) = (books.clone(), books.clone());
        let consumer = bus
            .consumer(group)
            .topics(topics())
            .from(Start::Earliest)
            .lease(LEASE)
            .concurrency(16)
            .on_gap(move |_| gaps.open().gaps += 1)
            .handler(Note {
                group,
                books: heard,
            });
        let (end, ended) = oneshot::channel();
        let running = tokio::spawn(async move {
            consumer
                .run(async {
                    // Dropping the member is an end as well.
                    let _ = ended.await;
                })
                .await
        });
        Self { end, running }
    }

    /// Ends it as a deployment does.
    pub async fn leave(self) -> Result<()> {
        let _ = self.end.send(());
        self.running.await??;
        Ok(())
    }
}
