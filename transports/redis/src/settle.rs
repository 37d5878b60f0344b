//! Starting, settling and keeping deliveries: one script for each topic of a batch.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use tidings_transport::{Delivery, Error, ErrorKind, Key, Outcome, Reason, Result, Settlement};

use crate::desk::{Desk, Held, What};
use crate::entry_id::EntryId;
use crate::error::{Code, Failure};
use crate::lease::{Tended, sign_of_life, tended};
use crate::member::Member;
use crate::script::{Call, SETTLE, START, TOUCH};
use crate::value;
use crate::wire;

/// The most that one script settles, so that it does not hold up the server.
const MOST: usize = 1_000;

/// Items of a batch that go to the server together: of one topic.
struct Bundle {
    lane: usize,
    call: Call,
    /// Which of the batch they are.
    items: Vec<usize>,
    /// The least and the greatest id of those that are entries of the topic.
    bounds: Option<(EntryId, EntryId)>,
}

/// Collects the items of a batch by topic.
#[derive(Default)]
struct Bundles(Vec<Bundle>);

impl Bundles {
    /// The bundle that takes another item of this topic.
    fn of(&mut self, held: Held, item: usize, begin: impl FnOnce() -> Call) -> &mut Call {
        let Held { lane, what, .. } = held;
        let open = |b: &Bundle| b.lane == lane && b.items.len() < MOST;
        let at = match self.0.iter().rposition(open) {
            Some(at) => at,
            None => {
                self.0.push(Bundle {
                    lane,
                    call: begin(),
                    items: Vec::new(),
                    bounds: None,
                });
                self.0.len() - 1
            }
        };
        let bundle = &mut self.0[at];
        bundle.items.push(item);
        if let What::Live(id) = what {
            let (least, greatest) = bundle.bounds.unwrap_or((id, id));
            bundle.bounds = Some((least.min(id), greatest.max(id)));
        }
        &mut bundle.call
    }

    /// Runs them in one go; what came of each item, in no order.
    async fn run(self, member: &Member) -> Vec<(usize, usize, Result<redis::Value, Failure>)> {
        let mut calls = Vec::with_capacity(self.0.len());
        let mut rest = Vec::with_capacity(self.0.len());
        for bundle in self.0 {
            let (least, greatest) = match bundle.bounds {
                Some((least, greatest)) => (least.to_string(), greatest.to_string()),
                None => Default::default(),
            };
            calls.push(bundle.call.arg(least).arg(greatest));
            rest.push((bundle.lane, bundle.items));
        }
        if calls.is_empty() {
            return Vec::new();
        }
        let answers = match member.link.scripts(calls).await {
            Ok(answers) => answers,
            Err(failure) => rest.iter().map(|_| Err(failure.clone())).collect(),
        };
        let mut out = Vec::new();
        for ((lane, items), answer) in rest.into_iter().zip(answers) {
            const WHAT: &str = "one result for each delivery";
            let results = answer.and_then(|a| value::array(a, WHAT));
            match results {
                Ok(results) if results.len() == items.len() => {
                    out.extend(
                        items
                            .into_iter()
                            .zip(results)
                            .map(|(i, r)| (lane, i, Ok(r))),
                    );
                }
                Ok(_) => {
                    let strange = || Err(Failure::Strange { what: WHAT });
                    out.extend(items.into_iter().map(|i| (lane, i, strange())));
                }
                Err(failure) => {
                    out.extend(items.into_iter().map(|i| (lane, i, Err(failure.clone()))));
                }
            }
        }
        out
    }
}

/// What every script that is about deliveries begins with.
fn begin(script: &'static crate::script::Script, member: &Member, lane: usize, mine: &str) -> Call {
    Call::new(script, &member.keys[lane])
        .arg(member.group.as_str())
        .arg(&member.consumer)
        .arg(mine)
}

/// The holding of a delivery, and the lease to show for it.
fn in_hand(member: &Member, desk: &Desk, delivery: &Delivery) -> Option<(Held, Arc<str>)> {
    let held = desk.held(delivery)?;
    Some((held, member.mine(desk, held.lane)?))
}

impl Member {
    pub(crate) async fn start(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32>> {
        let mut results: Vec<Result<u32>> = Vec::with_capacity(deliveries.len());
        let mut bundles = Bundles::default();
        {
            let mut desk = self.desk();
            for (i, delivery) in deliveries.iter().enumerate() {
                if let Err(closed) = self.check_open("start") {
                    results.push(Err(closed));
                    continue;
                }
                // What is left here at the end is what nobody answered otherwise.
                results.push(Err(stale("start", delivery)));
                let Some((held, mine)) = in_hand(self, &desk, delivery) else {
                    continue;
                };
                let attempt = held.attempts.saturating_add(1);
                let call = bundles.of(held, i, || begin(&START, self, held.lane, &mine));
                match held.what {
                    What::Live(id) => {
                        call.push("l");
                        call.push(id.to_string());
                        call.push(attempt);
                        // So that the same delivery, twice in one batch, counts twice.
                        desk.set_attempts(delivery, attempt);
                    }
                    What::Released(letter) => {
                        call.push("r");
                        call.push(letter.to_string());
                        call.push(delivery.key.as_ref().map_or("", Key::as_str));
                    }
                    What::Redelivered(letter) => {
                        call.push("s");
                        call.push(letter.to_string());
                        call.push(wire::lane(delivery.key.as_ref()));
                    }
                }
            }
        }
        for (lane, i, answer) in bundles.run(self).await {
            let delivery = &deliveries[i];
            let attempt = answer.and_then(|n| value::number(&n, "a number of attempts"));
            results[i] = match attempt {
                Ok(0) => {
                    self.desk().let_go(delivery);
                    Err(stale("start", delivery))
                }
                Ok(n) => {
                    let n = u32::try_from(n).unwrap_or(u32::MAX);
                    self.desk().set_attempts(delivery, n);
                    Ok(n)
                }
                Err(failure) => Err(self.failed("start", lane, delivery, failure)),
            };
        }
        results
    }

    pub(crate) async fn settle(&self, settlements: &[Settlement]) -> Vec<Result<()>> {
        let mut results: Vec<Result<()>> = Vec::with_capacity(settlements.len());
        let mut bundles = Bundles::default();
        let mut once = HashSet::with_capacity(settlements.len());
        {
            let desk = self.desk();
            for (i, settlement) in settlements.iter().enumerate() {
                let delivery = &settlement.delivery;
                if let Err(refusal) = self.check_settlement(settlement) {
                    results.push(Err(refusal));
                    continue;
                }
                results.push(Err(stale("settle", delivery)));
                let Some((held, mine)) = in_hand(self, &desk, delivery) else {
                    continue;
                };
                if !once.insert(delivery.epoch) {
                    // The first of them ends the holding.
                    continue;
                }
                let call = bundles.of(held, i, || {
                    let lease = desk.lease(held.lane).unwrap_or_default();
                    begin(&SETTLE, self, held.lane, &mine).arg(&*lease)
                });
                self.write(call, held, settlement);
            }
        }
        for (lane, i, answer) in bundles.run(self).await {
            let Settlement { delivery, outcome } = &settlements[i];
            let answer = answer.and_then(|a| value::text(a, "OK or what is wrong"));
            results[i] = match answer.as_deref() {
                Ok("OK") => {
                    self.settled(lane, delivery, outcome);
                    Ok(())
                }
                Ok("STALE") => {
                    self.desk().let_go(delivery);
                    Err(stale("settle", delivery))
                }
                Ok("NOTPARKED") => Err(not_parked(delivery)),
                Ok(error) => Err(refused("settle", error)),
                Err(failure) => Err(self.failed("settle", lane, delivery, failure.clone())),
            };
        }
        self.poke.notify_one();
        results
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
    fn settled(&self, lane: usize, delivery: &Delivery, outcome: &Outcome) {
        let mut desk = self.desk();
        match outcome {
            // The active consumer keeps it and hands it out again; a competing one gave it back.
            Outcome::Retry { .. } if !delivery.released && !self.competes() => {
                desk.hand_out_again(delivery);
            }
            _ => desk.let_go(delivery),
        }
        if matches!(outcome, Outcome::Park { .. }) {
            // Its key may be one that is being released.
            desk.look_for_released(lane);
        }
    }

    /// Renews leases: of the consumer in all topics, and where consumers compete of each delivery;
    /// elsewhere the lease of the topic keeps them.
    pub(crate) async fn heartbeat(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<()>> {
        if self.check_open("heartbeat").is_err() {
            let closed = |_| self.check_open("heartbeat");
            return deliveries.iter().map(closed).collect();
        }
        if let Err(failure) = self.renew().await {
            // Nothing of this cannot be repeated.
            let unanswered = |_| Err(failure.clone().reading("heartbeat"));
            return deliveries.iter().map(unanswered).collect();
        }
        let mut results: Vec<Result<()>> = Vec::with_capacity(deliveries.len());
        let mut bundles = Bundles::default();
        {
            let desk = self.desk();
            for (i, delivery) in deliveries.iter().enumerate() {
                let Some((held, mine)) = in_hand(self, &desk, delivery) else {
                    results.push(Err(stale("heartbeat", delivery)));
                    continue;
                };
                // A released letter is kept by the lease alone.
                results.push(Ok(()));
                if let What::Live(id) = held.what {
                    let call = bundles.of(held, i, || begin(&TOUCH, self, held.lane, &mine));
                    call.push(id.to_string());
                }
            }
        }
        for (lane, i, answer) in bundles.run(self).await {
            let delivery = &deliveries[i];
            let held = answer.and_then(|a| value::number(&a, "whether it is held"));
            results[i] = match held {
                Ok(0) => {
                    self.desk().let_go(delivery);
                    Err(stale("heartbeat", delivery))
                }
                Ok(_) => Ok(()),
                Err(failure) => Err(self.failed("heartbeat", lane, delivery, failure)),
            };
        }
        results
    }

    async fn renew(&self) -> Result<(), Failure> {
        let leases: Vec<_> = {
            let desk = self.desk();
            (0..self.keys.len()).map(|i| desk.lease(i)).collect()
        };
        let calls = leases.iter().enumerate();
        let calls = calls.map(|(i, lease)| sign_of_life(self, i, lease.as_deref(), false));
        for (i, answer) in self
            .link
            .scripts(calls.collect())
            .await?
            .into_iter()
            .enumerate()
        {
            let (tended, _) = tended(answer?)?;
            let kept = matches!(&tended, Tended::Mine(_));
            let mut desk = self.desk();
            // The background task may have taken another one in the meantime.
            if leases[i].is_some() && !kept && desk.lease(i) == leases[i] {
                desk.lose_lease(i, self.competes());
            }
        }
        Ok(())
    }

    /// A script failed as a whole.
    fn failed(
        &self,
        operation: &'static str,
        lane: usize,
        delivery: &Delivery,
        failure: Failure,
    ) -> Error {
        match failure.code() {
            Some(Code::Stale) => {
                self.desk().lose_lease(lane, self.competes());
                stale(operation, delivery)
            }
            // The group was lost, and with it who holds what; it is made anew and hands it out.
            Some(Code::NoGroup) => {
                self.desk().let_go(delivery);
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

/// The refusal of what has passed to somebody else.
fn stale(operation: &'static str, delivery: &Delivery) -> Error {
    Error::new(
        ErrorKind::Stale,
        operation,
        format!(
            "the delivery of {} at {} has passed to somebody else or is settled",
            delivery.topic, delivery.position
        ),
    )
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
