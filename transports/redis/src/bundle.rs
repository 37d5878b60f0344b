//! Deliveries that go to the server together: one script for each topic of a batch.

use std::sync::Arc;

use redis::Value;
use tidings_transport::{Delivery, Error, ErrorKind};

use crate::desk::Desk;
use crate::error::Failure;
use crate::held::Held;
use crate::member::Member;
use crate::script::{Call, Script};
use crate::value;

/// The most that one script takes, so that it does not hold up the server.
const MOST: usize = 1_000;

/// One of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item {
    /// Where it stands in the batch.
    pub(crate) at: usize,
    pub(crate) held: Held,
}

/// Those of one topic, and the leases to show for them.
struct Bundle {
    lane: usize,
    /// For entries of the topic.
    mine: Arc<str>,
    /// For released letters.
    releaser: Arc<str>,
    items: Vec<Item>,
}

/// A batch by topic.
#[derive(Default)]
pub(crate) struct Bundles(Vec<Bundle>);

/// A call of a script for each topic, and what will be said of it.
#[derive(Default)]
pub(crate) struct Calls {
    calls: Vec<Call>,
    answers: Vec<Answer>,
}

/// What the server said of a bundle.
pub(crate) struct Answer {
    items: Vec<Item>,
    results: Result<Vec<Value>, Failure>,
    runs: Vec<usize>,
}

impl Bundles {
    /// Adds a delivery in hand; `false` when the consumer has no lease to show for it.
    pub(crate) fn add(&mut self, member: &Member, desk: &Desk, at: usize, held: Held) -> bool {
        let item = Item { at, held };
        let open = |b: &&mut Bundle| b.lane == held.lane && b.items.len() < MOST;
        if let Some(bundle) = self.0.iter_mut().rev().find(open) {
            bundle.items.push(item);
            return true;
        }
        let Some(mine) = member.mine(desk, held.lane) else {
            return false;
        };
        self.0.push(Bundle {
            lane: held.lane,
            mine,
            releaser: desk.lease(held.lane).unwrap_or_default(),
            items: vec![item],
        });
        true
    }

    /// A call of the script for each. `same` says which neighbours are a run, whose results may come as
    /// one; `write` puts the words of a run behind what every script about deliveries begins with.
    pub(crate) fn calls(
        self,
        member: &Member,
        script: &'static Script,
        same: impl Fn(&Item, &Item) -> bool,
        mut write: impl FnMut(&mut Call, &[Item]),
    ) -> Calls {
        let mut calls = Vec::with_capacity(self.0.len());
        let mut answers = Vec::with_capacity(self.0.len());
        for bundle in self.0 {
            let mut call = Call::new(script, &member.keys[bundle.lane])
                .arg(member.group.as_str())
                .arg(&member.consumer)
                .arg(&*bundle.mine)
                .arg(&*bundle.releaser);
            let mut runs = Vec::new();
            for run in bundle.items.chunk_by(&same) {
                write(&mut call, run);
                runs.push(run.len());
            }
            calls.push(bundle.bounds(call));
            answers.push(Answer {
                items: bundle.items,
                results: Ok(Vec::new()),
                runs,
            });
        }
        Calls { calls, answers }
    }
}

impl Calls {
    /// Runs them, all in one go.
    pub(crate) async fn run(self, member: &Member) -> Vec<Answer> {
        self.run_before(Self::default(), member).await.0
    }

    /// Runs these and then others, all in one go.
    pub(crate) async fn run_before(
        mut self,
        mut others: Self,
        member: &Member,
    ) -> (Vec<Answer>, Vec<Answer>) {
        self.calls.append(&mut others.calls);
        if self.calls.is_empty() {
            return (self.answers, others.answers);
        }
        let answers = self.answers.iter_mut().chain(&mut others.answers);
        match member.link.scripts(self.calls).await {
            Ok(results) => {
                for (answer, result) in answers.zip(results) {
                    answer.results = result.and_then(|r| answer.read(r));
                }
            }
            Err(failure) => {
                for answer in answers {
                    answer.results = Err(failure.clone());
                }
            }
        }
        (self.answers, others.answers)
    }
}

impl Bundle {
    /// Ends a call with the least and the greatest id of those that are entries of the topic.
    fn bounds(&self, call: Call) -> Call {
        let ids = self.items.iter().filter_map(|item| item.held.what.live());
        match (ids.clone().min(), ids.max()) {
            (Some(least), Some(greatest)) => call.arg(least).arg(greatest),
            _ => call.arg("").arg(""),
        }
    }
}

impl Answer {
    fn read(&self, value: Value) -> Result<Vec<Value>, Failure> {
        const WHAT: &str = "a result for each run of deliveries";
        let results = value::array(value, WHAT)?;
        let fits = |(result, run): (&Value, &usize)| match result {
            Value::Array(each) => each.len() == *run,
            _ => true,
        };
        if results.len() != self.runs.len() || !results.iter().zip(&self.runs).all(fits) {
            return Err(Failure::Strange { what: WHAT });
        }
        Ok(results)
    }

    /// Each delivery with its result, in the order in which they were added.
    pub(crate) fn each(&self) -> impl Iterator<Item = (Item, Result<&Value, &Failure>)> {
        let runs = self.runs.iter().enumerate();
        let places = runs.flat_map(|(run, length)| (0..*length).map(move |at| (run, at)));
        self.items.iter().zip(places).map(|(item, (run, at))| {
            let result = self.results.as_ref().map(|results| match &results[run] {
                Value::Array(each) => &each[at],
                one => one,
            });
            (*item, result)
        })
    }
}

/// The refusal of what has passed to somebody else.
pub(crate) fn stale(operation: &'static str, delivery: &Delivery) -> Error {
    Error::new(
        ErrorKind::Stale,
        operation,
        format!(
            "the delivery of {} at {} has passed to somebody else or is settled",
            delivery.topic, delivery.position
        ),
    )
}
