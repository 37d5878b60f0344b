//! Topics that the bus does not permit, for now.

use std::collections::HashMap;
use std::time::Instant;

use tidings_runtime::Backoff;
use tracing::info;

use crate::Result;
use crate::database::{Session, bounded};

/// How many rows are made ready at a time once their topic is permitted.
const MANY: usize = 10_000;

/// Topics whose rows stand aside because the bus does not permit them: a rule that is missing is
/// no fault of a row, so the first row of such a topic is tried again now and then, and the others
/// follow when the bus has it. Other topics go on meanwhile.
#[derive(Debug, Default)]
pub(super) struct Permits {
    closed: HashMap<String, Closed>,
    /// Rows that are tried for their topic.
    tried: HashMap<i64, String>,
}

#[derive(Debug)]
struct Closed {
    /// The bus took a row of it since.
    open: bool,
    failures: u32,
    next: Instant,
}

impl Permits {
    /// What earlier relays have set aside.
    pub(super) async fn load(session: &mut dyn Session) -> Result<Self> {
        let topics = bounded(session.forbidden_topics()).await?;
        let closed = topics.into_iter().map(|topic| (topic, Closed::now()));
        Ok(Self {
            closed: closed.collect(),
            tried: HashMap::new(),
        })
    }

    /// The bus forbade this row; whether that is news.
    pub(super) fn forbidden(&mut self, topic: &str, seq: i64) -> bool {
        self.tried.remove(&seq);
        if let Some(closed) = self.closed.get_mut(topic) {
            closed.open = false;
            return false;
        }
        self.closed.insert(topic.to_owned(), Closed::now());
        true
    }

    /// The bus has these rows.
    pub(super) fn published(&mut self, seqs: &[i64]) {
        if self.tried.is_empty() {
            return;
        }
        for topic in seqs.iter().filter_map(|seq| self.tried.remove(seq)) {
            if let Some(closed) = self.closed.get_mut(&topic) {
                info!(topic, "the bus permits this topic now; its rows follow");
                closed.open = true;
                closed.next = Instant::now();
            }
        }
    }

    /// Whether it is time to try a topic again.
    pub(super) fn is_due(&self) -> bool {
        let now = Instant::now();
        self.closed.values().any(|closed| closed.next <= now)
    }

    /// Makes the first row of each topic ready whose time has come, and all of a topic that is
    /// permitted now. To be called with nothing in hand, as [`Holds::look`](super::holds::Holds).
    pub(super) async fn try_again(
        &mut self,
        session: &mut dyn Session,
        backoff: Backoff,
    ) -> Result<()> {
        let now = Instant::now();
        let mut over = Vec::new();
        for (topic, closed) in &mut self.closed {
            if closed.next > now {
                continue;
            }
            let limit = if closed.open { MANY } else { 1 };
            let seqs = bounded(session.forbidden(topic, limit)).await?;
            if seqs.len() < limit {
                over.push(topic.clone());
            } else if !closed.open {
                self.tried
                    .extend(seqs.iter().map(|seq| (*seq, topic.clone())));
                closed.failures = closed.failures.saturating_add(1);
                closed.next = now + backoff.draw(closed.failures);
            }
            if !seqs.is_empty() {
                bounded(session.retry(&seqs)).await?;
            }
        }
        for topic in over {
            self.closed.remove(&topic);
            self.tried.retain(|_, of| *of != topic);
        }
        Ok(())
    }
}

impl Closed {
    fn now() -> Self {
        Self {
            open: false,
            failures: 0,
            next: Instant::now(),
        }
    }
}
