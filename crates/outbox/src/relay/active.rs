//! The active relay's work, for as long as it has the lock.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tidings_runtime::{Prepared, Producer};
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::batch::{Settled, fitting, publish};
use super::counters::RelayCounters;
use super::holds::Holds;
use super::look::Looks;
use super::pace::Pace;
use super::permits::Permits;
use super::resend::{Resend, Sight};
use super::settings::Settings;
use crate::Result;
use crate::database::{Row, Session, bounded};

mod outcome;

/// How often depth and age are looked at, and old published rows deleted.
const SURVEY: Duration = Duration::from_secs(5);
/// How long it waits at most while it could not fall asleep, and no commit wakes it.
const AWAKE: Duration = Duration::from_millis(50);
/// Rows of the first look, before anything is known of their size.
const FIRST: usize = 200;

pub(super) struct Active<'a> {
    session: &'a mut dyn Session,
    producer: &'a Producer,
    settings: &'a Settings,
    counters: &'a RelayCounters,
    wake: &'a Notify,
    holds: Holds,
    permits: Permits,
    resend: Resend,
    looks: Looks,
    pace: Pace,
    /// The next commit will wake it.
    asleep: bool,
    /// Confirmed by the bus, not yet deleted.
    done: Vec<i64>,
    /// The mean size of a row, for the size of the next look.
    row_bytes: usize,
    beat: Instant,
    surveyed: Option<Instant>,
    survey_took: Duration,
    failures: u32,
}

impl<'a> Active<'a> {
    pub(super) async fn begin(
        session: &'a mut dyn Session,
        producer: &'a Producer,
        settings: &'a Settings,
        counters: &'a RelayCounters,
        wake: &'a Notify,
        poll: Duration,
    ) -> Result<Self> {
        let holds = Holds::load(session).await?;
        let permits = Permits::load(session).await?;
        #[cfg(feature = "sabotage")]
        let cursor = settings.sabotaged(crate::Sabotage::Cursor);
        #[cfg(not(feature = "sabotage"))]
        let cursor = false;
        let soon = Duration::from_millis(2);
        #[cfg(feature = "sabotage")]
        let soon = match settings.sabotaged(crate::Sabotage::OnlyWoken) {
            true => poll,
            false => soon,
        };
        Ok(Self {
            session,
            producer,
            settings,
            counters,
            wake,
            holds,
            permits,
            resend: Resend::default(),
            looks: Looks::new(cursor),
            pace: Pace::new(soon, poll),
            asleep: false,
            done: Vec::new(),
            row_bytes: 0,
            beat: Instant::now(),
            surveyed: None,
            survey_took: Duration::ZERO,
            failures: 0,
        })
    }

    /// Works until asked to end, and then deletes what is published.
    ///
    /// # Errors
    /// What the database says; whatever is in hand then is looked for again.
    pub(super) async fn run(&mut self, stop: &CancellationToken) -> Result<()> {
        let mut ready: Vec<(Row, Prepared)> = Vec::new();
        loop {
            if stop.is_cancelled() {
                return self.finish().await;
            }
            self.tend(ready.is_empty()).await?;
            if !self.is_whole(ready.is_empty()).await? {
                ready.clear();
                self.back_off(stop).await?;
                continue;
            }
            if ready.is_empty() {
                self.finish().await?;
                let rows = self.look(&[]).await?;
                if rows.is_empty() {
                    self.doze(stop).await?;
                } else {
                    self.wake_up().await?;
                    self.pace.reset();
                    ready = self.set_aside(rows).await?;
                }
                continue;
            }
            let later = ready.split_off(fitting(
                &ready,
                self.settings.batch,
                self.settings.batch_bytes,
            ));
            let batch = std::mem::replace(&mut ready, later);
            let (settled, rows) = self.publish(batch, ready.is_empty()).await?;
            if self.settle(settled, &mut ready).await? {
                self.failures = 0;
                ready.extend(self.set_aside(rows).await?);
                continue;
            }
            // Nothing that comes later may pass by what failed.
            ready.clear();
            self.back_off(stop).await?;
        }
    }

    /// Waits for a bus that failed.
    async fn back_off(&mut self, stop: &CancellationToken) -> Result<()> {
        self.finish().await?;
        self.failures = self.failures.saturating_add(1);
        let wait = self.settings.backoff.draw(self.failures);
        self.rest(wait, false, stop).await;
        Ok(())
    }

    /// Sees to it that the log has what it acknowledged, before anything is published and now and
    /// then while nothing is. False when it does not answer.
    async fn is_whole(&mut self, idle: bool) -> Result<bool> {
        let due = !idle || self.resend.is_due(self.settings.heartbeat);
        if self.settings.resend.is_none() || !due {
            return Ok(true);
        }
        match self.resend.look(self.producer).await? {
            Sight::Whole => Ok(true),
            Sight::Another(process) => {
                self.finish().await?;
                let (session, counters) = (&mut *self.session, self.counters);
                let sending =
                    self.resend
                        .send(process, session, self.producer, self.settings, counters);
                sending.await
            }
            Sight::Away => {
                self.counters.outage();
                Ok(false)
            }
        }
    }

    /// Publishes a batch, and meanwhile deletes the one before and selects the one after.
    async fn publish(
        &mut self,
        batch: Vec<(Row, Prepared)>,
        last: bool,
    ) -> Result<(Settled, Vec<Row>)> {
        #[cfg(feature = "sabotage")]
        self.delete_before_publish(&batch).await?;
        let done = std::mem::take(&mut self.done);
        // A batch that is full has more behind it.
        let look_ahead = last && batch.len() >= self.limit();
        let in_hand: Vec<i64> = match look_ahead {
            true => batch.iter().map(|(row, _)| row.seq).collect(),
            false => Vec::new(),
        };
        let publishing = publish(self.producer, batch);
        tokio::pin!(publishing);
        let mut settled = None;
        let rows = {
            let beside = async {
                if !done.is_empty() {
                    let keep = self.settings.kept().is_some();
                    bounded(self.session.finish(&done, keep)).await?;
                }
                match look_ahead {
                    true => self.look(&in_hand).await,
                    false => Ok(Vec::new()),
                }
            };
            tokio::pin!(beside);
            loop {
                tokio::select! {
                    rows = &mut beside => break rows?,
                    outcome = &mut publishing, if settled.is_none() => settled = Some(outcome),
                }
            }
        };
        loop {
            if let Some(settled) = settled {
                return Ok((settled, rows));
            }
            tokio::select! {
                outcome = &mut publishing => settled = Some(outcome),
                // A bus that is slow must not cost the lock.
                () = sleep(self.settings.heartbeat) => self.heartbeat().await?,
            }
        }
    }

    /// The rows that wait, from the beginning, but for those in hand, which are there still.
    async fn look(&mut self, in_hand: &[i64]) -> Result<Vec<Row>> {
        let began = Instant::now();
        let limit = in_hand.len() + self.limit() * self.looks.batches();
        let mut rows = bounded(self.session.ready(self.looks.from(), limit)).await?;
        let last = rows.last().map(|row| row.seq);
        let full = rows.len() >= limit;
        self.looks.looked(began.elapsed(), rows.len(), full, last);
        if !in_hand.is_empty() {
            let in_hand: HashSet<&i64> = in_hand.iter().collect();
            rows.retain(|row| !in_hand.contains(&row.seq));
        }
        if !rows.is_empty() {
            let bytes: usize = rows.iter().map(|row| row.document.len()).sum();
            self.row_bytes = (bytes / rows.len()).max(1);
        }
        Ok(rows)
    }

    /// Rows of a batch.
    fn limit(&self) -> usize {
        let batch = self.settings.batch;
        match self.row_bytes {
            0 => batch.min(FIRST),
            bytes => (self.settings.batch_bytes / bytes).clamp(1, batch),
        }
    }

    /// Deletes what the bus has.
    async fn finish(&mut self) -> Result<()> {
        if self.done.is_empty() {
            return Ok(());
        }
        let done = std::mem::take(&mut self.done);
        bounded(self.session.finish(&done, self.settings.kept().is_some())).await
    }

    /// What is due beside publishing.
    async fn tend(&mut self, nothing_in_hand: bool) -> Result<()> {
        if self.beat.elapsed() >= self.settings.heartbeat {
            self.heartbeat().await?;
        }
        if nothing_in_hand && self.holds.is_due() {
            self.holds.look(self.session).await?;
        }
        if nothing_in_hand && self.permits.is_due() {
            let backoff = self.settings.backoff;
            self.permits.try_again(self.session, backoff).await?;
        }
        let rest = SURVEY.max(self.survey_took * 20);
        if self.surveyed.is_none_or(|at| at.elapsed() >= rest) {
            let began = Instant::now();
            let status = bounded(self.session.status()).await?;
            self.counters.saw(&status);
            if let Some(age) = self.settings.kept() {
                let last = self.settings.resend.unwrap_or_default();
                bounded(self.session.forget_published(age, last)).await?;
            }
            self.survey_took = began.elapsed();
            self.surveyed = Some(Instant::now());
        }
        Ok(())
    }

    async fn heartbeat(&mut self) -> Result<()> {
        bounded(self.session.keep()).await?;
        self.beat = Instant::now();
        Ok(())
    }

    /// Nothing waits: it falls asleep and looks once more, and then rests.
    async fn doze(&mut self, stop: &CancellationToken) -> Result<()> {
        if !self.asleep {
            self.asleep = bounded(self.session.fall_asleep()).await?;
            if self.asleep {
                return Ok(());
            }
        }
        let wait = match self.asleep {
            true => self.pace.wait(),
            false => self.pace.wait().min(AWAKE),
        };
        self.rest(wait, true, stop).await;
        Ok(())
    }

    async fn wake_up(&mut self) -> Result<()> {
        if std::mem::take(&mut self.asleep) {
            bounded(self.session.wake_up()).await?;
        }
        Ok(())
    }

    /// Waits, keeping the lock, until there may be something to do. Errors of the heartbeat show
    /// at the next statement.
    async fn rest(&mut self, wait: Duration, wakeable: bool, stop: &CancellationToken) {
        let wait = wait.min(self.settings.heartbeat);
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.wake.notified(), if wakeable => {}
            () = sleep(wait) => {}
        }
    }

    /// Planted: an event is lost when the relay dies before it is published.
    #[cfg(feature = "sabotage")]
    async fn delete_before_publish(&mut self, batch: &[(Row, Prepared)]) -> Result<()> {
        if self
            .settings
            .sabotaged(crate::Sabotage::DeleteBeforePublish)
        {
            let seqs: Vec<i64> = batch.iter().map(|(row, _)| row.seq).collect();
            bounded(self.session.finish(&seqs, false)).await?;
        }
        Ok(())
    }
}
