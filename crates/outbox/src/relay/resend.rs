//! What the log may have lost with its process, published again.

use std::time::{Duration, Instant};

use tidings_runtime::Producer;
use tidings_transport::LogProcess;
use tracing::{debug, warn};

use super::batch::{fitting, publish, sort};
use super::counters::RelayCounters;
use super::holds::Holds;
use super::settings::Settings;
use crate::database::{Session, bounded};
use crate::{Error, ErrorKind, Result};

/// Logs tell to a second for how long they have been up. What is published before that is past could
/// not be told from what was published to the process before.
const SETTLED: Duration = Duration::from_secs(1);

/// Watches over the process of the log.
///
/// A log that syncs once a second loses what it had acknowledged last when its machine dies. The
/// rows of that are kept in `tidings_outbox_published`, so the relay looks which process keeps the
/// log before it publishes anything, and publishes them again when that is another one.
#[derive(Debug, Default)]
pub(super) struct Resend {
    /// The process that was seen last.
    known: Option<String>,
    /// When it was last found that the log has what it acknowledged.
    looked: Option<Instant>,
    /// It did not answer the last time.
    away: bool,
}

/// What the relay may do after a look.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Publish: the log has what it acknowledged.
    Whole,
    /// First publish again what was published last, by the age that the process has.
    Another(LogProcess),
    /// Wait: it does not answer, or has only just been started.
    Away,
}

impl Resend {
    /// Whether nobody has looked for so long.
    pub(super) fn is_due(&self, every: Duration) -> bool {
        self.looked.is_none_or(|at| at.elapsed() >= every)
    }

    /// Looks which process keeps the log.
    ///
    /// # Errors
    /// `Invalid` where the log does not tell.
    pub(super) async fn look(&mut self, producer: &Producer) -> Result<Sight> {
        let process = match producer.log_process().await {
            Ok(Some(process)) => process,
            Ok(None) => {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    "resend",
                    "the log does not tell which process keeps it, or loses nothing with it: leave \
                     `resend` out",
                ));
            }
            Err(error) => {
                if !std::mem::replace(&mut self.away, true) {
                    warn!(%error, "the log does not say which process keeps it; trying again");
                }
                return Ok(Sight::Away);
            }
        };
        self.away = false;
        Ok(match self.known.as_ref() == Some(&process.id) {
            true => {
                self.looked = Some(Instant::now());
                Sight::Whole
            }
            false if process.up < SETTLED => Sight::Away,
            false => Sight::Another(process),
        })
    }

    /// Publishes again what the log may have lost, in order. Whether that is done; what the log does
    /// not take now is tried again with the next look.
    ///
    /// To be called with everything that is confirmed moved to the published rows, and before
    /// anything else is published, so that later rows of a key do not come before these.
    pub(super) async fn send(
        &mut self,
        process: LogProcess,
        session: &mut dyn Session,
        producer: &Producer,
        settings: &Settings,
        counters: &RelayCounters,
    ) -> Result<bool> {
        let window = settings.resend.unwrap_or_default();
        // To a process that came while this relay worked nothing was published before now. Else what
        // was published since it came shows that a relay had looked.
        let since = match self.known {
            Some(_) => Duration::ZERO,
            None => process.up,
        };
        let (mut sent, mut after) = (Vec::new(), 0);
        loop {
            let rows =
                bounded(session.published_last(window, since, after, settings.batch)).await?;
            let Some(last) = rows.last().map(|row| row.seq) else {
                break;
            };
            after = last;
            let mut ready = sort(rows, producer, &Holds::none()).ready;
            while !ready.is_empty() {
                let later = ready.split_off(fitting(&ready, settings.batch, settings.batch_bytes));
                let batch = std::mem::replace(&mut ready, later);
                let settled = publish(producer, batch).await;
                if let Some(error) = settled.outage {
                    debug!(error, "publishing again failed; trying again");
                    return Ok(false);
                }
                counters.published(settled.done.len());
                sent.extend(settled.done);
            }
            bounded(session.keep()).await?;
        }
        if !sent.is_empty() {
            // All at once: who is interrupted begins anew.
            bounded(session.published_again(&sent)).await?;
            warn!(
                events = sent.len(),
                ?window,
                "the log was started anew: what was published last before that is published again"
            );
        }
        (self.known, self.looked) = (Some(process.id), Some(Instant::now()));
        Ok(true)
    }
}
