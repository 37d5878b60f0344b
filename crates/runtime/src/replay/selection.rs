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
    time: Option<Timestamp>,
    /// The last record: the newest when the walk began, unless told otherwise. `None` when there was none.
    pub(super) end: Option<Position>,
    done: bool,
}

impl<'a> Walk<'a> {
    pub(super) async fn begin(
        log: &'a dyn Transport,
        topic: &'a Topic,
        selection: &Selection,
    ) -> Result<Self> {
        let newest = log.read_back(topic, None, 1).await?.pop();
        let newest = newest.map(|stored| stored.position);
        let (mut end, mut time) = (newest, None);
        match &selection.until {
            None => {}
            Some(Until::Time(until)) => time = Some(*until),
            Some(Until::Position(until)) => end = end.and(Some(until.clone())),
        }
        Ok(Self {
            log,
            topic,
            place: selection.from.clone(),
            time,
            done: end.is_none(),
            end,
        })
    }

    /// The next records, oldest first; none at the end.
    pub(super) async fn next(&mut self, limit: usize) -> Result<Vec<Stored>> {
        let end = match &self.end {
            Some(end) if !self.done => end,
            _ => return Ok(Vec::new()),
        };
        let page = self.log.read_until(self.topic, &self.place, end, limit);
        let page = page.await?;
        self.done = page.is_empty();
        let mut taken = Vec::with_capacity(page.len());
        for stored in page {
            let late = |until| stored.received.is_some_and(|received| received >= until);
            if self.time.is_some_and(late) {
                self.done = true;
                break;
            }
            self.place = Start::After(stored.position.clone());
            taken.push(stored);
        }
        Ok(taken)
    }
}
