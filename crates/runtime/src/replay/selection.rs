//! Which part of a topic.

use std::collections::HashSet;
use std::fmt;

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

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(position) => position.fmt(f),
            Self::Time(time) => time.fmt(f),
        }
    }
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

    /// Its end, if that comes before its beginning. Only the log knows the order of positions, and it
    /// tells by what stands between them.
    pub(super) async fn ends_before_it_begins(
        &self,
        log: &dyn Transport,
        topic: &Topic,
    ) -> Result<Option<&Until>> {
        let (until, end) = match (&self.from, &self.until) {
            (Start::Time(from), Some(until @ Until::Time(end))) => {
                return Ok((end < from).then_some(until));
            }
            (_, Some(until @ Until::Position(end))) => (until, end),
            _ => return Ok(None),
        };
        if !log.read_until(topic, &self.from, end, 1).await?.is_empty() {
            return Ok(None);
        }
        let between = match &self.from {
            Start::After(from) => {
                let behind = Start::After(end.clone());
                log.read_until(topic, &behind, from, 1).await?
            }
            from => log.read(topic, from, 1).await?,
        };
        Ok((!between.is_empty()).then_some(until))
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
