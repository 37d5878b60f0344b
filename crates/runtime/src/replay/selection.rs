//! Which part of a topic.

use std::collections::HashSet;

use jiff::Timestamp;
use tidings_event::Event;
use tidings_transport::{Key, Position, Result, Start, Stored, Topic, Transport};

/// Where a replay ends.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Until {
    /// With the record at this position.
    Position(Position),
    /// Before the first record that the log received at or after this time.
    Time(Timestamp),
}

/// Which part of a topic.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    pub(super) from: Start,
    pub(super) until: Option<Until>,
    pub(super) keys: HashSet<Key>,
    pub(super) types: Vec<String>,
}

impl Selection {
    pub(super) fn takes(&self, event: &Event, key: Option<&Key>) -> bool {
        let named = |wanted: &String| match wanted.strip_suffix('*') {
            Some(prefix) => event.event_type().starts_with(prefix),
            None => event.event_type() == wanted,
        };
        (self.types.is_empty() || self.types.iter().any(named))
            && (self.keys.is_empty() || key.is_some_and(|key| self.keys.contains(key)))
    }
}

/// Walks along a topic, up to an end that stands still while others publish.
pub(super) struct Walk<'a> {
    log: &'a dyn Transport,
    topic: &'a Topic,
    place: Start,
    before: Option<Position>,
    time: Option<Timestamp>,
    /// The newest record when the walk began; `None` when there was none.
    pub(super) last: Option<Position>,
    done: bool,
}

impl<'a> Walk<'a> {
    pub(super) async fn begin(
        log: &'a dyn Transport,
        topic: &'a Topic,
        selection: &Selection,
    ) -> Result<Self> {
        let newest = log.read_back(topic, None, 1).await?.pop();
        let (mut before, mut time) = (None, None);
        match &selection.until {
            None => {}
            Some(Until::Time(until)) => time = Some(*until),
            Some(Until::Position(until)) => {
                let behind = log.read(topic, &Start::After(until.clone()), 1).await?;
                before = behind.into_iter().next().map(|stored| stored.position);
            }
        }
        let last = newest.map(|stored| stored.position);
        Ok(Self {
            log,
            topic,
            place: selection.from.clone(),
            before,
            time,
            done: last.is_none(),
            last,
        })
    }

    /// The next records, oldest first; none at the end.
    pub(super) async fn next(&mut self, limit: usize) -> Result<Vec<Stored>> {
        if self.done {
            return Ok(Vec::new());
        }
        let page = self.log.read(self.topic, &self.place, limit).await?;
        self.done = page.is_empty();
        let mut taken = Vec::with_capacity(page.len());
        for stored in page {
            let late = |until| stored.received.is_some_and(|received| received >= until);
            if self.before.as_ref() == Some(&stored.position) || self.time.is_some_and(late) {
                self.done = true;
                break;
            }
            self.done = self.last.as_ref() == Some(&stored.position);
            self.place = Start::After(stored.position.clone());
            taken.push(stored);
            if self.done {
                break;
            }
        }
        Ok(taken)
    }
}
