//! How deliveries end.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tidings_transport::{
    Delivery, Error, ErrorKind, Key, Outcome, ParkedState, Reason, Result, Settlement,
};

use crate::desk::Place;
use crate::entry::{Entry, Mode, NewLetter, mark};
use crate::member::Member;
use crate::subscriber::{again, stale};

/// What is to be written for a settlement before it counts.
struct Letter<'a> {
    at: usize,
    place: Place,
    delivery: &'a Delivery,
    key: Option<&'a Key>,
    reason: Option<&'a Reason>,
    parks: bool,
}

impl Member {
    pub(crate) async fn settle(self: &Arc<Self>, settlements: &[Settlement]) -> Vec<Result<()>> {
        let mut results: Vec<Result<()>> = Vec::with_capacity(settlements.len());
        let mut past = Vec::new();
        let mut letters = Vec::new();
        let mut released = Vec::new();
        {
            let mut desk = self.desk();
            for (at, settlement) in settlements.iter().enumerate() {
                let delivery = &settlement.delivery;
                let Some(place) = desk.find(delivery) else {
                    results.push(Err(stale("settle", delivery)));
                    continue;
                };
                results.push(Ok(()));
                if let Outcome::Retry { at: Some(_) } = settlement.outcome {
                    results[at] = Err(Error::new(
                        ErrorKind::Unsupported,
                        "settle",
                        "this log does not have the capability Delay",
                    ));
                    continue;
                }
                desk.settling(place, true);
                if let Place::Letter(topic, id) = place {
                    released.push((at, topic, id));
                    continue;
                }
                match &settlement.outcome {
                    Outcome::Ack => past.push((at, place)),
                    Outcome::Retry { .. } => {
                        if let Place::Record(topic, partition, offset) = place
                            && let Some(lane) = desk.lanes.get_mut(&(topic, partition))
                        {
                            lane.give_back(offset);
                        }
                    }
                    Outcome::DeadLetter { reason } => letters.push(Letter {
                        at,
                        place,
                        delivery,
                        key: delivery.key.as_ref(),
                        reason: Some(reason),
                        parks: false,
                    }),
                    Outcome::Park { key, reason } => {
                        let key = key.as_ref().or(delivery.key.as_ref());
                        letters.push(Letter {
                            at,
                            place,
                            delivery,
                            key,
                            reason: reason.as_ref(),
                            parks: key.is_some(),
                        });
                    }
                    _ => {
                        desk.settling(place, false);
                        results[at] = Err(Error::new(
                            ErrorKind::Unsupported,
                            "settle",
                            "an outcome that this transport does not know",
                        ));
                    }
                }
            }
        }
        self.ready.notify_one();
        self.bury(letters, &mut results, &mut past).await;
        for (at, topic, id) in released {
            results[at] = self.settle_released(topic, id, &settlements[at]).await;
        }
        self.pass(settlements, past, &mut results).await;
        results
    }

    /// Puts records behind the group. What is marked but not stored is still in hand.
    async fn pass(
        self: &Arc<Self>,
        settlements: &[Settlement],
        past: Vec<(usize, Place)>,
        results: &mut [Result<()>],
    ) {
        if past.is_empty() {
            return;
        }
        {
            let mut desk = self.desk();
            for (at, place) in &past {
                let delivery = &settlements[*at].delivery;
                if !desk.settle(*place, delivery.epoch, true) {
                    results[*at] = Err(stale("settle", delivery));
                }
            }
        }
        let stored = self.commit("settle").await;
        let mut moved = BTreeSet::new();
        let mut desk = self.desk();
        for (at, place) in past {
            let delivery = &settlements[at].delivery;
            if results[at].is_err() {
                continue;
            }
            let Place::Record(topic, partition, offset) = place else {
                continue;
            };
            match &stored {
                Ok(()) => {
                    let lane = desk.lanes.get_mut(&(topic, partition));
                    let held = lane.and_then(|lane| {
                        lane.hand
                            .get(&offset)
                            .filter(|held| held.epoch == delivery.epoch)?;
                        lane.hand.remove(&offset)
                    });
                    match held {
                        Some(_) => drop(moved.insert((topic, partition))),
                        None => results[at] = Err(stale("settle", delivery)),
                    }
                }
                Err(e) => {
                    desk.settle(place, delivery.epoch, false);
                    desk.settling(place, false);
                    results[at] = Err(again(e));
                }
            }
        }
        for place in moved {
            if let Some(lane) = desk.lanes.get_mut(&place) {
                lane.ledger.advance();
            }
        }
        drop(desk);
        // Whoever found no room to be handed more may find some now.
        self.ready.notify_one();
    }

    /// Stores dead letters. Those that are stored go to `past`; the others stay in hand.
    async fn bury(
        &self,
        letters: Vec<Letter<'_>>,
        results: &mut [Result<()>],
        past: &mut Vec<(usize, Place)>,
    ) {
        let mut by_topic: HashMap<usize, Vec<Letter<'_>>> = HashMap::new();
        for letter in letters {
            if let Place::Record(topic, ..) = letter.place {
                by_topic.entry(topic).or_default().push(letter);
            }
        }
        for (topic, letters) in by_topic {
            let caught_up = match letters.iter().any(|letter| letter.parks) {
                true => self.catch_up(topic, "settle").await,
                false => Ok(()),
            };
            let (entries, stored, refused) = self.entries(topic, letters);
            let written = match caught_up {
                Ok(()) => self.write(topic, entries, "settle").await,
                Err(e) => Err(e),
            };
            let mut desk = self.desk();
            for (at, place) in stored {
                match &written {
                    Ok(()) => past.push((at, place)),
                    Err(e) => {
                        desk.settling(place, false);
                        results[at] = Err(again(e));
                    }
                }
            }
            for (at, place) in refused {
                desk.settling(place, false);
                results[at] = Err(Error::new(
                    ErrorKind::NotParked,
                    "settle",
                    "nothing waits behind this key (any more): run the delivery",
                ));
            }
        }
    }

    /// The records of these letters; which they are; and those whose key turned out to be clear.
    #[allow(clippy::type_complexity)]
    fn entries(
        &self,
        topic: usize,
        letters: Vec<Letter<'_>>,
    ) -> (Vec<Entry>, Vec<(usize, Place)>, Vec<(usize, Place)>) {
        let desk = self.desk();
        let journal = &desk.journals[topic];
        let (mut entries, mut stored, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        let mut parked: HashSet<&Key> = HashSet::new();
        for letter in letters {
            let waits = |key: &&Key| journal.waiting(key) > 0 || parked.contains(key);
            let key = letter.key.filter(|_| letter.parks);
            match (key, letter.reason) {
                (Some(key), None) if !waits(&key) => {
                    refused.push((letter.at, letter.place));
                    continue;
                }
                // Parked only to wait behind a key that it does not have.
                (None, None) => {
                    refused.push((letter.at, letter.place));
                    continue;
                }
                (Some(key), Some(_)) => {
                    // Before its letter, so that an older mark of the key never counts for it.
                    entries.push(mark(key, ParkedState::Parked));
                    parked.insert(key);
                }
                _ => {}
            }
            let attempts = match letter.place {
                Place::Record(topic, partition, offset) => desk
                    .lanes
                    .get(&(topic, partition))
                    .map_or(letter.delivery.attempts, |lane| {
                        lane.ledger.attempts(offset)
                    }),
                Place::Letter(..) => letter.delivery.attempts,
            };
            let new = NewLetter {
                position: &letter.delivery.position,
                key: letter.key,
                mode: if key.is_some() {
                    Mode::Parked
                } else {
                    Mode::Dead
                },
                attempts,
                reason: letter.reason,
                consumer: &self.name,
                body: &letter.delivery.body,
            };
            entries.push(new.entry());
            stored.push((letter.at, letter.place));
        }
        (entries, stored, refused)
    }

    /// Ends the turn of a letter that was handed out again.
    async fn settle_released(&self, topic: usize, id: i64, settlement: &Settlement) -> Result<()> {
        let written = match self.catch_up(topic, "settle").await {
            Ok(()) => match self.verdict(topic, id, &settlement.outcome) {
                Some(entries) => self.write(topic, entries, "settle").await,
                None => Err(stale("settle", &settlement.delivery)),
            },
            Err(e) => Err(e),
        };
        let mut desk = self.desk();
        let failed = matches!(&written, Err(e) if e.kind() != ErrorKind::Stale);
        if failed {
            desk.settling(Place::Letter(topic, id), false);
        } else if desk.letters.remove(&(topic, id)).is_none() {
            return Err(stale("settle", &settlement.delivery));
        }
        drop(desk);
        self.ready.notify_one();
        written
    }

    /// What is to be written about a letter; `None` if there is no such letter any more.
    fn verdict(&self, topic: usize, id: i64, outcome: &Outcome) -> Option<Vec<Entry>> {
        let desk = self.desk();
        let journal = &desk.journals[topic];
        let letter = journal.letters.get(&id)?;
        Some(match outcome {
            Outcome::Ack => journal.removal(id),
            Outcome::DeadLetter { reason } => {
                let failure = Some((reason, self.name.as_str()));
                vec![journal.changed(id, Some(Mode::Dead), None, failure)?]
            }
            Outcome::Park {
                reason: Some(reason),
                ..
            } => {
                let failure = Some((reason, self.name.as_str()));
                match (letter.mode, &letter.key) {
                    (Mode::Parked, Some(key)) => vec![
                        mark(key, ParkedState::Parked),
                        journal.changed(id, None, None, failure)?,
                    ],
                    _ => vec![journal.changed(id, Some(Mode::Dead), None, failure)?],
                }
            }
            // It keeps its place, and is handed out again.
            _ => Vec::new(),
        })
    }
}
