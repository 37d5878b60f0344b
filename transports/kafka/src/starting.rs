//! How handlers start: counted, and stored before they run.

use std::sync::Arc;

use tidings_transport::{Delivery, Error, Result};

use crate::desk::{Desk, Place};
use crate::error::told_to;
use crate::member::Member;
use crate::subscriber::stale;

/// The starts of one call.
#[derive(Default)]
pub(crate) struct Starts {
    results: Vec<Result<u32>>,
    /// Records whose starts are counted, and not known to be stored.
    records: Vec<(usize, Place)>,
    letters: Vec<(usize, usize, i64)>,
}

impl Starts {
    /// Counts the next one: a commit that leaves from now on takes it along.
    pub(crate) fn count(&mut self, desk: &mut Desk, delivery: &Delivery) {
        let at = self.results.len();
        let place = desk.find(delivery);
        let result = match place {
            Some(place @ Place::Record(..)) => desk.start(place).inspect(|_| {
                self.records.push((at, place));
            }),
            Some(Place::Letter(topic, id)) => {
                self.letters.push((at, topic, id));
                Some(0)
            }
            None => None,
        };
        self.results
            .push(result.ok_or_else(|| stale("start", delivery)));
    }

    /// Does not count the next one.
    pub(crate) fn refuse(&mut self, error: Error) {
        self.results.push(Err(error));
    }

    /// Whether a commit is waited for.
    pub(crate) fn wait(&self) -> bool {
        !self.records.is_empty()
    }

    /// What has become of them, once it is known whether what was counted is stored, and which of them may
    /// not run all the same. Whose handler does not run is asked for with the same number again.
    pub(crate) fn end<'a>(
        mut self,
        desk: &mut Desk,
        delivery: impl Fn(usize) -> &'a Delivery,
        stored: &Result<()>,
        held_back: impl Fn(usize) -> Option<Error>,
    ) -> Vec<Result<u32>> {
        for (at, place) in self.records {
            let delivery = delivery(at);
            let failed = held_back(at).or_else(|| {
                let error = stored.as_ref().err()?;
                Some(told_to("start", error))
            });
            if !desk.holds(place, delivery.epoch) {
                self.results[at] = Err(stale("start", delivery));
            } else if let Some(error) = failed {
                desk.take_back_start(place);
                self.results[at] = Err(error);
            }
        }
        self.results
    }
}

impl Member {
    pub(crate) async fn start(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32>> {
        let mut starts = Starts::default();
        {
            let mut desk = self.desk();
            for delivery in deliveries {
                starts.count(&mut desk, delivery);
            }
        }
        for (at, topic, id) in std::mem::take(&mut starts.letters) {
            starts.results[at] = self.start_letter(topic, id, &deliveries[at]).await;
        }
        let stored = match starts.wait() {
            true => self.commit("start").await,
            false => Ok(()),
        };
        let mut desk = self.desk();
        starts.end(&mut desk, |at| &*deliveries[at], &stored, |_| None)
    }

    async fn start_letter(&self, topic: usize, id: i64, delivery: &Delivery) -> Result<u32> {
        self.catch_up(topic, "start").await?;
        let found = {
            let desk = self.desk();
            let journal = &desk.journals[topic];
            journal.letters.get(&id).and_then(|letter| {
                let attempts = letter.attempts() + 1;
                Some((attempts, journal.changed(id, None, Some(attempts), None)?))
            })
        };
        let (attempts, entry) = found.ok_or_else(|| stale("start", delivery))?;
        self.write(topic, vec![entry], "start").await?;
        Ok(attempts)
    }
}
