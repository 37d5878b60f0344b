//! Ending holdings.

use std::collections::HashSet;

use bytes::Bytes;
use foldhash::fast::RandomState;
use tidings_transport::{
    Delivery, Error, ErrorKind, Follower, Key, Outcome, Reason, Result, Settlement,
};

use crate::bundle::{Answer, Bundles, Calls, Item, stale};
use crate::desk::Desk;
use crate::entry_id::EntryId;
use crate::error::{Code, Failure};
use crate::held::{Held, What};
use crate::member::Member;
use crate::script::{Call, SETTLE};
use crate::value;
use crate::wire;

impl Member {
    pub(crate) async fn settle(&self, settlements: &[Settlement]) -> Vec<Result<()>> {
        let mut results = self.undecided(settlements);
        let answers = self.settling(settlements, &mut results).run(self).await;
        self.settled(settlements, results, &answers)
    }

    /// Both scripts go to the server in one go, one behind the other: the second finds what the first has
    /// done.
    pub(crate) async fn settle_and_start(
        &self,
        settlements: &[Settlement],
        followers: &[Follower],
    ) -> (Vec<Result<()>>, Vec<Result<u32>>) {
        let deliveries: Vec<_> = followers.iter().map(|f| f.delivery.clone()).collect();
        if self.check_open("start").is_err() {
            return (
                self.settle(settlements).await,
                self.start(&deliveries).await,
            );
        }
        let mut results = self.undecided(settlements);
        let settling = self.settling(settlements, &mut results);
        let starting = self.starting(&deliveries);
        let (settled, started) = settling.run_before(starting, self).await;
        let settled = self.settled(settlements, results, &settled);
        let mut started = self.started(&deliveries, &started);
        let mut desk = self.desk();
        for (follower, result) in followers.iter().zip(&mut started) {
            if !follower.is_free(&settled)
                && let Ok(attempt) = *result
            {
                // It is asked for with the same number again.
                if let Some(held) = desk.held(&follower.delivery) {
                    desk.set_attempts(held, attempt.saturating_sub(1));
                }
                *result = Err(follower.held_back());
            }
        }
        (settled, started)
    }

    fn undecided(&self, settlements: &[Settlement]) -> Vec<Option<Result<()>>> {
        settlements.iter().map(|_| None).collect()
    }

    /// What the server is asked to end; what is refused before that has its result.
    fn settling(&self, settlements: &[Settlement], results: &mut [Option<Result<()>>]) -> Calls {
        let mut bundles = Bundles::default();
        let mut once = HashSet::with_capacity_and_hasher(settlements.len(), RandomState::default());
        {
            let desk = self.desk();
            for (at, settlement) in settlements.iter().enumerate() {
                if let Err(refusal) = self.check_settlement(settlement) {
                    results[at] = Some(Err(refusal));
                } else if let Some(held) = desk.held(&settlement.delivery)
                    && once.insert(held.epoch)
                {
                    // The first of them ends the holding; what is not added is stale.
                    bundles.add(self, &desk, at, held);
                }
            }
        }
        let is_ack = |item: &Item| {
            let outcome = &settlements[item.at].outcome;
            matches!((item.held.what, outcome), (What::Live(_), Outcome::Ack))
        };
        let same = |a: &Item, b: &Item| is_ack(a) && is_ack(b);
        bundles.calls(self, &SETTLE, same, |call, run| {
            if is_ack(&run[0]) {
                call.push("a");
                call.push(run.len());
                for item in run {
                    call.push(settlements[item.at].delivery.position.as_str());
                }
            } else {
                self.write(call, run[0].held, &settlements[run[0].at]);
            }
        })
    }

    /// What it has ended.
    fn settled(
        &self,
        settlements: &[Settlement],
        mut results: Vec<Option<Result<()>>>,
        answers: &[Answer],
    ) -> Vec<Result<()>> {
        {
            let mut desk = self.desk();
            for answer in answers {
                for (Item { at, held }, result) in answer.each() {
                    let Settlement { delivery, outcome } = &settlements[at];
                    let result = result
                        .map_err(Clone::clone)
                        .and_then(|a| value::str(a, "OK or what is wrong"));
                    results[at] = match result {
                        Ok("OK") => {
                            self.let_go(&mut desk, held, delivery, outcome);
                            Some(Ok(()))
                        }
                        Ok("STALE") => {
                            desk.let_go(held);
                            None
                        }
                        Ok("NOTPARKED") => Some(Err(not_parked(delivery))),
                        Ok(error) => Some(Err(refused("settle", error))),
                        Err(failure) => {
                            let failed = self.failed("settle", &mut desk, held, delivery, failure);
                            Some(Err(failed))
                        }
                    };
                }
            }
        }
        self.poke.notify_one();
        let table = results.into_iter().zip(settlements);
        let results = table.map(|(r, s)| r.unwrap_or_else(|| Err(stale("settle", &s.delivery))));
        results.collect()
    }

    fn check_settlement(&self, settlement: &Settlement) -> Result<()> {
        self.check_open("settle")?;
        let delivery = &settlement.delivery;
        match &settlement.outcome {
            Outcome::Retry { at: Some(_) } => Err(Error::new(
                ErrorKind::Unsupported,
                "settle",
                "this log does not have the capability Delay; wait with the delivery in hand, \
                 or retry without a time",
            )),
            Outcome::Park {
                key: None,
                reason: None,
            } if delivery.key.is_none() => Err(not_parked(delivery)),
            Outcome::Ack
            | Outcome::Retry { at: None }
            | Outcome::DeadLetter { .. }
            | Outcome::Park { .. } => Ok(()),
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                "settle",
                "this log does not know this outcome",
            )),
        }
    }

    /// Writes one settlement in the words of the script.
    fn write(&self, call: &mut Call, held: Held, settlement: &Settlement) {
        let Settlement { delivery, outcome } = settlement;
        let letter = |key: Option<&Key>, reason: Option<&Reason>| {
            wire::letter(delivery, key, held.attempts, reason, &self.name)
        };
        let own_key = delivery.key.as_ref();
        match (held.what, outcome) {
            (What::Live(id), Outcome::Ack) => push(call, "a", id, &[]),
            (What::Live(id), Outcome::DeadLetter { reason }) => {
                push(call, "d", id, &[]);
                push_words(call, &letter(own_key, Some(reason)));
            }
            (What::Live(id), Outcome::Park { key, reason }) => {
                match (key.as_ref().or(own_key), reason) {
                    (Some(key), reason) => {
                        let why = if reason.is_some() { "1" } else { "0" };
                        push(call, "p", id, &[key.as_str(), why]);
                        push_words(call, &letter(Some(key), reason.as_ref()));
                    }
                    (None, reason) => {
                        push(call, "d", id, &[]);
                        push_words(call, &letter(None, reason.as_ref()));
                    }
                }
            }
            // Retry; what this version of the contract does not know was refused before.
            (What::Live(id), _) => push(call, "r", id, &[]),
            (What::Released(id) | What::Redelivered(id), outcome) => {
                let again = matches!(held.what, What::Redelivered(_));
                let (what, reason) = match (outcome, again) {
                    (Outcome::Ack, false) => ("A", None),
                    (Outcome::Ack, true) => ("X", None),
                    (Outcome::DeadLetter { reason }, false) => ("D", Some(reason)),
                    (
                        Outcome::Park {
                            reason: Some(r), ..
                        },
                        false,
                    ) => ("P", Some(r)),
                    // Its successors have passed: nothing waits behind it.
                    (Outcome::DeadLetter { reason }, true) => ("Z", Some(reason)),
                    (
                        Outcome::Park {
                            reason: Some(r), ..
                        },
                        true,
                    ) => ("Z", Some(r)),
                    // Given back, or only waiting: it keeps its place and its turn.
                    (_, false) => ("R", None),
                    (_, true) => ("Y", None),
                };
                let lane = match again {
                    true => wire::lane(own_key),
                    false => own_key.map_or_else(String::new, |key| key.as_str().to_owned()),
                };
                push(call, what, id, &[&lane]);
                if let Some(reason) = reason {
                    let words = wire::amendment(Some(reason), &self.name).into_iter();
                    let words = words.flat_map(|(name, value)| [name.into(), value.into()]);
                    push_words(call, &words.collect::<Vec<Bytes>>());
                }
            }
        }
    }

    /// The server has done it.
    fn let_go(&self, desk: &mut Desk, held: Held, delivery: &Delivery, outcome: &Outcome) {
        match outcome {
            // The active consumer keeps it and hands it out again; a competing one gave it back.
            Outcome::Retry { .. } if !delivery.released && !self.competes() => {
                desk.hand_out_again(held, delivery);
            }
            _ => desk.let_go(held),
        }
        if matches!(outcome, Outcome::Park { .. }) {
            // Its key may be one that is being released.
            desk.look_for_released(held.lane);
        }
    }

    /// A script failed as a whole.
    pub(crate) fn failed(
        &self,
        operation: &'static str,
        desk: &mut Desk,
        held: Held,
        delivery: &Delivery,
        failure: Failure,
    ) -> Error {
        match failure.code() {
            Some(Code::Stale) => {
                desk.lose_lease(held.lane, self.competes());
                stale(operation, delivery)
            }
            // The group was lost, and with it who holds what; it is made anew and hands it out.
            Some(Code::NoGroup) => {
                desk.let_go(held);
                stale(operation, delivery)
            }
            _ => failure.writing(operation),
        }
    }
}

fn push(call: &mut Call, what: &str, id: EntryId, more: &[&str]) {
    call.push(what);
    call.push(id.to_string());
    for word in more {
        call.push(*word);
    }
}

fn push_words(call: &mut Call, words: &[Bytes]) {
    call.push(words.len());
    for word in words {
        call.push(&word[..]);
    }
}

fn not_parked(delivery: &Delivery) -> Error {
    Error::new(
        ErrorKind::NotParked,
        "settle",
        format!(
            "the key of {} at {} is not parked; run the delivery",
            delivery.topic, delivery.position
        ),
    )
}

/// One item failed within a script: the text of a server's error.
pub(crate) fn refused(operation: &'static str, text: &str) -> Error {
    let (code, detail) = text.split_once(' ').unwrap_or((text, ""));
    let source = redis::make_extension_error(code.to_owned(), Some(detail.to_owned()));
    Failure::Refused {
        code: Code::parse(code, detail),
        source,
    }
    .writing(operation)
}
