//! Counting handlers that start.

use std::sync::Arc;

use tidings_transport::{Delivery, Result};

use crate::bundle::{Answer, Bundles, Calls, Item, stale};
use crate::held::What;
use crate::member::Member;
use crate::script::{Call, START};
use crate::value;
use crate::wire;

impl Member {
    pub(crate) async fn start(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32>> {
        if self.check_open("start").is_err() {
            let closed = |_| self.check_open("start").map(|()| 0);
            return deliveries.iter().map(closed).collect();
        }
        let answers = self.starting(deliveries).run(self).await;
        self.started(deliveries, &answers)
    }

    /// What the server is asked to count.
    pub(crate) fn starting(&self, deliveries: &[Arc<Delivery>]) -> Calls {
        let mut bundles = Bundles::default();
        {
            let mut desk = self.desk();
            for (at, delivery) in deliveries.iter().enumerate() {
                if let Some(held) = desk.held(delivery)
                    && bundles.add(self, &desk, at, held)
                    && let What::Live(_) = held.what
                {
                    // So that the same delivery, twice in one batch, counts twice.
                    desk.set_attempts(held, held.attempts.saturating_add(1));
                }
            }
        }
        let same = |a: &Item, b: &Item| match (a.held.what, b.held.what) {
            (What::Live(_), What::Live(_)) => a.held.attempts == b.held.attempts,
            _ => false,
        };
        bundles.calls(self, &START, same, |call, run| match run[0].held.what {
            What::Live(_) if run[0].held.attempts == 0 && !self.competes() => {
                write_first(call, deliveries, run);
            }
            What::Live(_) => {
                call.push("l");
                call.push(run[0].held.attempts.saturating_add(1));
                call.push(run.len());
                for item in run {
                    call.push(deliveries[item.at].position.as_str());
                }
            }
            What::Released(letter) => {
                let key = deliveries[run[0].at].key.as_ref();
                call.push("r");
                call.push(letter);
                call.push(key.map_or("", |key| key.as_str()));
            }
            What::Redelivered(letter) => {
                let key = deliveries[run[0].at].key.as_ref();
                call.push("s");
                call.push(letter);
                call.push(wire::lane(key));
            }
        })
    }

    /// What it has counted.
    pub(crate) fn started(
        &self,
        deliveries: &[Arc<Delivery>],
        answers: &[Answer],
    ) -> Vec<Result<u32>> {
        let mut results: Vec<Option<Result<u32>>> = deliveries.iter().map(|_| None).collect();
        let mut desk = self.desk();
        for answer in answers {
            for (Item { at, held }, attempt) in answer.each() {
                let delivery = &deliveries[at];
                let attempt = attempt
                    .map_err(Clone::clone)
                    .and_then(|n| value::number(n, "a number of attempts"));
                results[at] = match attempt {
                    Ok(0) => {
                        desk.let_go(held);
                        None
                    }
                    Ok(n) => {
                        let n = u32::try_from(n).unwrap_or(u32::MAX);
                        if let What::Released(_) = held.what {
                            desk.set_attempts(held, n);
                        }
                        Some(Ok(n))
                    }
                    Err(failure) => {
                        // It is asked for with the same number again, whether it was counted or not.
                        desk.uncount(held);
                        Some(Err(self.failed("start", &mut desk, held, delivery, failure)))
                    }
                };
            }
        }
        let table = results.into_iter().zip(deliveries);
        // What nobody answered otherwise.
        let results = table.map(|(r, delivery)| r.unwrap_or_else(|| Err(stale("start", delivery))));
        results.collect()
    }
}

/// A run of first starts. One word for all ids is cheaper for the server than a word for each.
fn write_first(call: &mut Call, deliveries: &[Arc<Delivery>], run: &[Item]) {
    let ids = run.iter().filter_map(|item| item.held.what.live());
    let mut words = String::with_capacity(24 * run.len());
    for item in run {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(deliveries[item.at].position.as_str());
    }
    call.push("f");
    call.push(ids.clone().min().unwrap_or_default());
    call.push(ids.max().unwrap_or_default());
    call.push(words);
}
