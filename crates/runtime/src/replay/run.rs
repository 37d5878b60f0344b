//! A replay, from its range to the last event handed over.

use std::collections::HashSet;
use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tidings_event::openedx::UnknownSchema;
use tidings_event::{Definitions, Event};
use tidings_transport::{
    Error as TransportError, ErrorKind, Group, Key, Position, Redelivery, Start, Stored, Topic,
    Transport,
};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use super::ReplayError;
use super::mark::marked;
use super::plan::ReplayPlan;
use super::selection::{Selection, Until, Walk};
use crate::Backoff;
use crate::wire::{Decoder, Reading};

/// Records of one read.
const PAGE: usize = 500;
/// Events of one hand-over: what an interruption may repeat.
const BATCH: usize = 100;

/// Hands a part of a topic to one group once more.
///
/// No other group hears it. Each event is a copy that carries the extension
/// [`REPLAY`](super::REPLAY); its id is the one that it had, so a handler with an inbox drops what
/// it has done already. Events of one key come one at a time, in order; one that fails for good
/// becomes a dead letter of the group, and parks nothing.
#[must_use = "a replay does nothing until it runs"]
pub struct Replay {
    transport: Arc<dyn Transport>,
    decoder: Decoder,
    topic: Topic,
    group: Group,
    selection: Selection,
    rate: Option<NonZeroU32>,
    patience: Duration,
    fresh: bool,
    resumed: bool,
}

/// How far a replay is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ReplayProgress {
    /// Everything up to here is done: [`Replay::resume`] goes on behind it.
    pub position: Option<Position>,
    /// The last record: the newest when the replay began, unless told otherwise. Whoever resumes
    /// names it, so that what came since is not replayed as well.
    pub end: Option<Position>,
    /// Records read.
    pub scanned: u64,
    /// Events handed over.
    pub replayed: u64,
    /// Records that cannot be read, and were left out.
    pub unreadable: u64,
}

/// What a replay did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ReplaySummary {
    /// How far it came.
    pub progress: ReplayProgress,
    /// It came to its end, and was not asked to stop before.
    pub finished: bool,
}

impl Replay {
    /// A replay of all that stands in a topic, to a group.
    pub fn new(
        transport: Arc<dyn Transport>,
        definitions: Arc<dyn Definitions>,
        topic: Topic,
        group: Group,
    ) -> Self {
        Self {
            decoder: Decoder::new(transport.clone(), definitions),
            transport,
            topic,
            group,
            selection: Selection {
                from: Start::Earliest,
                until: None,
                keys: HashSet::new(),
                types: Vec::new(),
            },
            rate: None,
            patience: Duration::from_secs(60),
            fresh: false,
            resumed: false,
        }
    }

    /// What to do with Open edX entries that do not name their schema.
    pub fn unknown_schema(mut self, setting: UnknownSchema) -> Self {
        self.decoder = self.decoder.unknown_schema(setting);
        self
    }

    /// Where it begins. Default: at the oldest record.
    pub fn from(mut self, from: Start) -> Self {
        self.selection.from = from;
        self
    }

    /// Where it ends. Default: with the newest record when it begins.
    pub fn until(mut self, until: Until) -> Self {
        self.selection.until = Some(until);
        self
    }

    /// Only events of these keys.
    pub fn keys(mut self, keys: impl IntoIterator<Item = Key>) -> Self {
        self.selection.keys.extend(keys);
        self
    }

    /// Only events of these types; one that ends in `*` means all that begin so.
    pub fn types<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.selection
            .types
            .extend(types.into_iter().map(Into::into));
        self
    }

    /// At most so many events a second. Default: as fast as the log takes them.
    pub fn rate(mut self, events: NonZeroU32) -> Self {
        self.rate = Some(events);
        self
    }

    /// How long to try again while the log is away. Default: one minute.
    pub fn patience(mut self, away: Duration) -> Self {
        self.patience = away;
        self
    }

    /// Makes the group, which must not exist: it hears the replay, and then all that the topic
    /// got since the end of the replayed range.
    pub fn fresh(mut self) -> Self {
        self.fresh = true;
        self
    }

    /// Goes on behind the position that an interrupted replay told last. A fresh group exists then.
    pub fn resume(mut self, position: Position) -> Self {
        self.selection.from = Start::After(position);
        self.resumed = true;
        self
    }

    /// Finds out what would be handed over, and hands over nothing.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn plan(&self) -> Result<ReplayPlan, ReplayError> {
        self.check_group().await?;
        let mut walk = self.walk().await?;
        let mut plan = ReplayPlan::default();
        loop {
            let page = walk.next(PAGE).await?;
            if page.is_empty() {
                return Ok(plan);
            }
            for stored in page {
                plan.scanned += 1;
                match self.read(&stored).await? {
                    None => plan.unreadable += 1,
                    Some((event, key)) if self.selection.takes(&event, key.as_ref()) => {
                        plan.note((stored.position, stored.received), key.as_ref());
                    }
                    Some(_) => {}
                }
            }
        }
    }

    /// Hands over, until the end of the range or until `shutdown` completes. `report` is called
    /// after each batch of at most 100 events; an interruption repeats no more than one batch when
    /// it is resumed from there.
    ///
    /// # Errors
    /// [`ReplayError::GroupExists`], [`ReplayError::EndsBeforeItBegins`]; and what the log refuses, or
    /// its being away for longer than [`patience`](Self::patience).
    pub async fn run(
        &self,
        shutdown: impl Future<Output = ()> + Send,
        mut report: impl FnMut(&ReplayProgress) + Send,
    ) -> Result<ReplaySummary, ReplayError> {
        self.check_group().await?;
        let mut walk = self.walk().await?;
        if self.fresh && !self.resumed {
            self.make_group(walk.end.as_ref()).await?;
        }
        let began = Timestamp::now().to_string();
        let mut summary = ReplaySummary::default();
        let progress = &mut summary.progress;
        progress.end = walk.end.clone();
        let mut pace = Pace::new(self.rate);
        let mut shutdown = std::pin::pin!(shutdown);
        info!(topic = %self.topic, group = %self.group, end = ?progress.end, "a replay begins");
        report(progress);
        loop {
            let page = self.patiently(async || walk.next(PAGE).await).await?;
            if page.is_empty() {
                summary.finished = true;
                return Ok(summary);
            }
            for part in page.chunks(pace.batch()) {
                let (records, unreadable) = self.pick(part, &began).await?;
                tokio::select! {
                    biased;
                    () = &mut shutdown => return Ok(summary),
                    () = pace.wait(records.len()) => {}
                }
                self.hand_over(&records).await?;
                progress.scanned += part.len() as u64;
                progress.replayed += records.len() as u64;
                progress.unreadable += unreadable;
                progress.position = part.last().map(|stored| stored.position.clone());
                report(progress);
            }
        }
    }

    async fn walk(&self) -> Result<Walk<'_>, ReplayError> {
        let (log, selection) = (&*self.transport, &self.selection);
        // One that is resumed may have been interrupted at its very end.
        if !self.resumed
            && let Some(until) = selection.ends_before_it_begins(log, &self.topic).await?
        {
            let (from, until) = (selection.from.clone(), until.clone());
            return Err(ReplayError::EndsBeforeItBegins { from, until });
        }
        Ok(Walk::begin(log, &self.topic, selection).await?)
    }

    async fn check_group(&self) -> Result<(), ReplayError> {
        let groups = match self.transport.groups(&self.topic).await {
            Err(error) if error.kind() == ErrorKind::NotFound && self.fresh => Vec::new(),
            groups => groups?,
        };
        let exists = groups.iter().any(|info| info.group == self.group);
        let (topic, group) = (self.topic.clone(), self.group.clone());
        match (exists, self.fresh && !self.resumed) {
            (true, true) => Err(ReplayError::GroupExists { topic, group }),
            (false, false) => Err(ReplayError::Transport(TransportError::new(
                ErrorKind::NotFound,
                "replay",
                format!(
                    "topic {topic} has no group {group}; make a fresh one, or name one that exists"
                ),
            ))),
            _ => Ok(()),
        }
    }

    /// Makes the group where the range ends: nothing is left out, and nothing comes twice.
    async fn make_group(&self, end: Option<&Position>) -> Result<(), ReplayError> {
        let end = match (&self.selection.until, end) {
            (Some(Until::Time(end)), _) => Start::Time(*end),
            (Some(Until::Position(end)), _) | (None, Some(end)) => Start::After(end.clone()),
            (None, None) => Start::Latest,
        };
        let opened = self
            .transport
            .create_group(&self.topic, &self.group, &end)
            .await?;
        let (topic, group) = (self.topic.clone(), self.group.clone());
        match opened.existed {
            true => Err(ReplayError::GroupExists { topic, group }),
            false => Ok(()),
        }
    }

    /// What is to be handed over of these, and how many cannot be read.
    async fn pick(
        &self,
        part: &[Stored],
        began: &str,
    ) -> Result<(Vec<Redelivery>, u64), ReplayError> {
        let (mut records, mut unreadable) = (Vec::new(), 0);
        for stored in part {
            match self.read(stored).await? {
                None => unreadable += 1,
                Some((event, key)) if self.selection.takes(&event, key.as_ref()) => {
                    records.push(Redelivery::Record(Stored {
                        body: marked(&stored.body, event, began),
                        key,
                        ..stored.clone()
                    }));
                }
                Some(_) => {}
            }
        }
        Ok((records, unreadable))
    }

    /// The event and its key; `None` if it cannot be read.
    async fn read(&self, stored: &Stored) -> Result<Option<(Event, Option<Key>)>, ReplayError> {
        let resolve = async || self.decoder.resolve(&stored.body).await;
        let event = match self.patiently(resolve).await? {
            Reading::Event(event) => event,
            Reading::Undecodable(why) => {
                warn!(topic = %self.topic, position = %stored.position, why, "left out of the replay");
                return Ok(None);
            }
            Reading::Unresolved(_) => return Ok(None),
        };
        let key = stored.key.clone().or_else(|| self.decoder.key_of(&event));
        Ok(Some((event, key)))
    }

    /// Asks again while the log is away.
    async fn patiently<T>(
        &self,
        mut ask: impl AsyncFnMut() -> Result<T, TransportError>,
    ) -> Result<T, TransportError> {
        let (mut failures, began) = (0, Instant::now());
        loop {
            match ask().await {
                Err(error) if error.is_temporary() && began.elapsed() < self.patience => {
                    failures += 1;
                    warn!(topic = %self.topic, %error, "the log does not answer; trying again");
                    sleep(backoff().draw(failures)).await;
                }
                answer => return answer,
            }
        }
    }

    /// Tries again what the log could not take.
    async fn hand_over(&self, records: &[Redelivery]) -> Result<(), ReplayError> {
        let (mut left, mut failures, began) = (records.to_vec(), 0, Instant::now());
        while !left.is_empty() {
            let results = self
                .transport
                .redeliver(&self.topic, &self.group, &left)
                .await;
            let (mut again, mut error) = (Vec::new(), None);
            for (record, result) in left.into_iter().zip(results) {
                match result {
                    Ok(()) => {}
                    Err(e) if e.is_temporary() => {
                        again.push(record);
                        error = Some(e);
                    }
                    Err(e) => return Err(e.into()),
                }
            }
            left = again;
            let Some(error) = error else {
                continue;
            };
            if began.elapsed() >= self.patience {
                return Err(error.into());
            }
            failures += 1;
            warn!(topic = %self.topic, group = %self.group, %error, "the log takes nothing; trying again");
            sleep(backoff().draw(failures)).await;
        }
        Ok(())
    }
}

fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(100), Duration::from_secs(5))
}

/// Spreads events over time.
struct Pace {
    rate: Option<NonZeroU32>,
    next: Instant,
}

impl Pace {
    fn new(rate: Option<NonZeroU32>) -> Self {
        Self {
            rate,
            next: Instant::now(),
        }
    }

    /// How many records at once: a tenth of a second's.
    fn batch(&self) -> usize {
        self.rate
            .map_or(BATCH, |rate| (rate.get() as usize / 10).clamp(1, BATCH))
    }

    /// Waits for the turn of so many.
    async fn wait(&mut self, events: usize) {
        let Some(rate) = self.rate else {
            return;
        };
        sleep_until(self.next).await;
        let each = Duration::from_secs(1) / rate.get();
        // A log that was away is not made up for in a burst.
        let from = self.next.max(Instant::now());
        self.next = from + each * u32::try_from(events).unwrap_or(u32::MAX);
    }
}
