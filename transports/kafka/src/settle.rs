//! How deliveries end.

use std::collections::{HashMap, HashSet};

use tidings_transport::{
    Delivery, Error, ErrorKind, Follower, Key, Outcome, ParkedState, Reason, Result, Settlement,
};

use crate::desk::{Desk, Place};
use crate::entry::{Entry, Mode, NewLetter, mark};
use crate::error::again;
use crate::member::Member;
use crate::starting::Starts;
use crate::subscriber::stale;

/// What is to be written for a settlement before it counts.
struct Letter<'a> {
    at: usize,
    place: Place,
    delivery: &'a Delivery,
    key: Option<&'a Key>,
    reason: Option<&'a Reason>,
    parks: bool,
}

/// The place of its settlement in the call, where it is held, and what it is.
type InHand<'a> = (usize, Place, &'a Delivery);

/// What is marked as settled is behind the group when that is stored; else it is still in hand.
fn pass(
    desk: &mut Desk,
    settlements: &[Settlement],
    past: Vec<(usize, Place)>,
    stored: &Result<()>,
    results: &mut [Result<()>],
) {
    for (at, place) in past {
        let delivery = &settlements[at].delivery;
        match stored {
            Ok(()) if desk.settled(place, delivery.epoch) => {}
            Ok(()) => results[at] = Err(stale("settle", delivery)),
            Err(e) => {
                desk.take_back_settlement(place, delivery.epoch);
                results[at] = Err(again(e));
            }
        }
    }
}

impl Member {
    /// Settles, and starts records that stand behind an `Ack`: both are marked before the desk is let go,
    /// so that each commit has both or neither.
    pub(crate) async fn settle(
        &self,
        settlements: &[Settlement],
        followers: &[Follower],
    ) -> (Vec<Result<()>>, Vec<Result<u32>>) {
        let mut results: Vec<Result<()>> = Vec::with_capacity(settlements.len());
        let mut past = Vec::new();
        let mut letters = Vec::new();
        let mut released = Vec::new();
        let mut starts = Starts::default();
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
                desk.settling(place, delivery.epoch, true);
                if let Place::Letter(topic, id) = place {
                    released.push((at, topic, id));
                    continue;
                }
                match &settlement.outcome {
                    // Marked at once: a commit that leaves meanwhile takes it along.
                    Outcome::Ack => {
                        desk.settle(place, delivery.epoch);
                        past.push((at, place));
                    }
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
                        desk.settling(place, delivery.epoch, false);
                        results[at] = Err(Error::new(
                            ErrorKind::Unsupported,
                            "settle",
                            "an outcome that this transport does not know",
                        ));
                    }
                }
            }
            for follower in followers {
                match follower.is_free(&results) {
                    true => starts.count(&mut desk, &follower.delivery),
                    false => starts.refuse(follower.held_back()),
                }
            }
        }
        self.ready.notify_one();
        self.bury(letters, &mut results, &mut past).await;
        for (at, topic, id) in released {
            results[at] = self.settle_released(topic, id, &settlements[at]).await;
        }
        let stored = match !past.is_empty() || starts.wait() {
            true => self.commit("settle").await,
            false => Ok(()),
        };
        let mut desk = self.desk();
        pass(&mut desk, settlements, past, &stored, &mut results);
        let held_back = |at: usize| {
            let follower: &Follower = &followers[at];
            (!follower.is_free(&results)).then(|| follower.held_back())
        };
        let delivery = |at: usize| &*followers[at].delivery;
        let started = starts.end(&mut desk, delivery, &stored, held_back);
        drop(desk);
        // Whoever found no room to be handed more may find some now.
        self.ready.notify_one();
        (results, started)
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
            for (at, place, delivery) in stored {
                match &written {
                    Ok(()) if desk.settle(place, delivery.epoch) => past.push((at, place)),
                    Ok(()) => results[at] = Err(stale("settle", delivery)),
                    Err(e) => {
                        desk.settling(place, delivery.epoch, false);
                        results[at] = Err(again(e));
                    }
                }
            }
            for (at, place, delivery) in refused {
                desk.settling(place, delivery.epoch, false);
                results[at] = Err(Error::new(
                    ErrorKind::NotParked,
                    "settle",
                    "nothing waits behind this key (any more): run the delivery",
                ));
            }
        }
    }

    /// The records of these letters; which they are; and those whose key turned out to be clear.
    fn entries<'a>(
        &self,
        topic: usize,
        letters: Vec<Letter<'a>>,
    ) -> (Vec<Entry>, Vec<InHand<'a>>, Vec<InHand<'a>>) {
        let desk = self.desk();
        let journal = &desk.journals[topic];
        let (mut entries, mut stored, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        let mut parked: HashSet<&Key> = HashSet::new();
        for letter in letters {
            let waits = |key: &&Key| journal.waiting(key) > 0 || parked.contains(key);
            let key = letter.key.filter(|_| letter.parks);
            match (key, letter.reason) {
                (Some(key), None) if !waits(&key) => {
                    refused.push((letter.at, letter.place, letter.delivery));
                    continue;
                }
                // Parked only to wait behind a key that it does not have.
                (None, None) => {
                    refused.push((letter.at, letter.place, letter.delivery));
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
            stored.push((letter.at, letter.place, letter.delivery));
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
            desk.settling(Place::Letter(topic, id), settlement.delivery.epoch, false);
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
