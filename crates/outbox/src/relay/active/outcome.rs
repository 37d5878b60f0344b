//! What becomes of rows: published, tried again, refused for good, or held behind a refused one.

use tidings_runtime::Prepared;
use tracing::{debug, error, warn};

use super::super::batch::{Settled, Sorted, sort};
use super::Active;
use crate::Result;
use crate::database::{Row, bounded};

impl Active<'_> {
    /// Takes note of what became of a batch. Whether the next may follow.
    pub(super) async fn settle(
        &mut self,
        settled: Settled,
        later: &mut Vec<(Row, Prepared)>,
    ) -> Result<bool> {
        let Settled {
            done,
            refused,
            forbidden,
            held,
            mut outage,
            mut again,
        } = settled;
        self.counters.published(done.len());
        self.permits.published(&done);
        self.done.extend(done);
        if !refused.is_empty() || !forbidden.is_empty() {
            // A bus whose credentials were changed refuses every row; that is no row's fault.
            match self.producer.ping().await {
                Ok(_) => {
                    self.refuse(refused).await?;
                    self.forbid(forbidden).await?;
                    self.hold(held).await?;
                    let rest = std::mem::take(later);
                    let behind: Vec<i64>;
                    (behind, *later) = self.part(rest);
                    self.hold(behind).await?;
                }
                Err(error) => {
                    again += refused.len() + forbidden.len() + held.len();
                    outage.get_or_insert_with(|| error.to_string());
                }
            }
        }
        let Some(what) = outage else {
            return Ok(true);
        };
        self.counters.retried(again);
        self.counters.outage();
        match self.failures {
            0 => warn!(
                events = again,
                error = what,
                "publishing failed; trying again"
            ),
            failures => debug!(events = again, failures, error = what, "publishing failed"),
        }
        Ok(false)
    }

    /// Sorts rows, and sets aside what is refused before anything of its key is sent.
    pub(super) async fn set_aside(&mut self, rows: Vec<Row>) -> Result<Vec<(Row, Prepared)>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let Sorted {
            ready,
            refused,
            held,
        } = sort(rows, self.producer, &self.holds);
        self.refuse(refused).await?;
        self.hold(held).await?;
        Ok(ready)
    }

    async fn refuse(&mut self, refused: Vec<(Row, String)>) -> Result<()> {
        if refused.is_empty() {
            return Ok(());
        }
        let mut rows = Vec::with_capacity(refused.len());
        for (row, reason) in refused {
            error!(
                seq = row.seq,
                topic = row.topic,
                reason,
                "an event was refused for good and stands aside; see `tidings outbox refused`"
            );
            self.holds.add(&row);
            rows.push((row.seq, reason));
        }
        bounded(self.session.refuse(&rows)).await?;
        self.counters.refused(rows.len());
        Ok(())
    }

    /// Sets aside what the bus forbids, until it is tried again.
    async fn forbid(&mut self, forbidden: Vec<(Row, String)>) -> Result<()> {
        if forbidden.is_empty() {
            return Ok(());
        }
        self.counters.retried(forbidden.len());
        let mut rows = Vec::with_capacity(forbidden.len());
        for (row, reason) in forbidden {
            if self.permits.forbidden(&row.topic, row.seq) {
                error!(
                    topic = row.topic,
                    reason,
                    "the bus does not permit this topic; its rows stand aside and are tried again"
                );
            }
            self.holds.add(&row);
            rows.push((row.seq, reason));
        }
        bounded(self.session.refuse(&rows)).await
    }

    async fn hold(&mut self, held: Vec<i64>) -> Result<()> {
        if held.is_empty() {
            return Ok(());
        }
        bounded(self.session.hold(&held)).await?;
        self.counters.held(held.len());
        Ok(())
    }

    /// Those that wait behind a refused row, and the others.
    fn part(&self, rows: Vec<(Row, Prepared)>) -> (Vec<i64>, Vec<(Row, Prepared)>) {
        let (held, free): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|(row, _)| self.holds.holds(row));
        (held.into_iter().map(|(row, _)| row.seq).collect(), free)
    }
}
