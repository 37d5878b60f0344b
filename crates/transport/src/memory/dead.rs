//! The dead-letter log of a group, and the keys that wait in it.

use std::collections::{BTreeMap, BTreeSet};

use crate::memory::log::{Entry, Sequence, parse, position};
use crate::memory::queue::Slot;
use crate::{
    DeadLetter, Delivery, Error, ErrorKind, Group, Key, ParkedKey, ParkedState, Position, Reason,
    Result, Stored, Topic,
};

/// Dead letters by their number, from 1, and which of them wait for the release of their key.
#[derive(Debug)]
pub(super) struct DeadLetters {
    letters: BTreeMap<u64, DeadLetter>,
    keys: BTreeMap<Key, Waiting>,
    next: u64,
}

#[derive(Debug)]
struct Waiting {
    state: ParkedState,
    letters: BTreeSet<u64>,
}

impl Default for DeadLetters {
    fn default() -> Self {
        Self {
            letters: BTreeMap::new(),
            keys: BTreeMap::new(),
            next: 1,
        }
    }
}

/// Who gives a record up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Giver<'a> {
    pub(super) group: &'a Group,
    pub(super) consumer: &'a str,
}

impl DeadLetters {
    /// Stores a record that failed for good and that nothing waits behind.
    pub(super) fn bury(&mut self, by: Giver<'_>, delivery: &Delivery, attempts: u32, why: &Reason) {
        let letter = Self::letter(by, delivery, delivery.key.clone(), attempts, Some(why));
        self.store(letter);
    }

    /// Stores a record at the end of those of its key, which is parked from now on if `why` is
    /// given. If the key is being released, the record may be handed out in its turn: the slot.
    pub(super) fn park(
        &mut self,
        by: Giver<'_>,
        delivery: &Delivery,
        key: &Key,
        attempts: u32,
        why: Option<&Reason>,
    ) -> Option<Slot> {
        let letter = Self::letter(by, delivery, Some(key.clone()), attempts, why);
        let id = self.store(letter);
        self.wait(id, key, why.is_some())
    }

    /// Stores a record of the topic behind those of its parked key, as `park` does.
    pub(super) fn follow(
        &mut self,
        by: Giver<'_>,
        topic: &Topic,
        sequence: Sequence,
        entry: &Entry,
        key: &Key,
        attempts: u32,
    ) -> Option<Slot> {
        let id = self.store(DeadLetter {
            id: position(0),
            topic: topic.clone(),
            group: by.group.clone(),
            position: position(sequence),
            key: Some(key.clone()),
            attempts,
            reason: None,
            consumer: by.consumer.into(),
            parked: true,
            redelivering: false,
            body: entry.body.clone(),
        });
        self.wait(id, key, false)
    }

    fn letter(
        by: Giver<'_>,
        delivery: &Delivery,
        key: Option<Key>,
        attempts: u32,
        why: Option<&Reason>,
    ) -> DeadLetter {
        DeadLetter {
            id: position(0),
            topic: delivery.topic.clone(),
            group: by.group.clone(),
            position: delivery.position.clone(),
            key,
            attempts,
            reason: why.cloned(),
            consumer: by.consumer.into(),
            parked: false,
            redelivering: false,
            body: delivery.body.clone(),
        }
    }

    fn store(&mut self, mut letter: DeadLetter) -> u64 {
        let id = self.next;
        self.next += 1;
        letter.id = position(id);
        self.letters.insert(id, letter);
        id
    }

    fn wait(&mut self, id: u64, key: &Key, park: bool) -> Option<Slot> {
        if let Some(letter) = self.letters.get_mut(&id) {
            letter.parked = true;
        }
        let waiting = self.keys.entry(key.clone()).or_insert_with(|| Waiting {
            state: ParkedState::Parked,
            letters: BTreeSet::new(),
        });
        waiting.letters.insert(id);
        if park {
            waiting.state = ParkedState::Parked;
        }
        (waiting.state == ParkedState::Releasing).then_some(Slot::Parked(id))
    }

    /// Stores a record that is to be handed to the group once more. Its number.
    pub(super) fn add(&mut self, topic: &Topic, group: &Group, record: &Stored) -> u64 {
        self.store(DeadLetter {
            id: position(0),
            topic: topic.clone(),
            group: group.clone(),
            position: record.position.clone(),
            key: record.key.clone(),
            attempts: 0,
            reason: None,
            consumer: String::new(),
            parked: false,
            redelivering: true,
            body: record.body.clone(),
        })
    }

    /// Lets a dead letter be handed out once more: its key. `None` if it is about to be already.
    pub(super) fn redeliver(&mut self, id: u64) -> Result<Option<Option<Key>>> {
        let letter = self.letters.get_mut(&id);
        let letter = letter.ok_or_else(|| no_letter("redeliver", &position(id)))?;
        if letter.parked {
            return Err(Error::new(
                ErrorKind::Invalid,
                "redeliver",
                format!("dead letter {id} waits behind its parked key; release the key"),
            ));
        }
        let already = std::mem::replace(&mut letter.redelivering, true);
        Ok((!already).then(|| letter.key.clone()))
    }

    /// A released record failed again: it keeps its place, and its key is parked. Its key; `None`
    /// for one that is redelivered, which becomes a dead letter.
    pub(super) fn park_again(&mut self, id: u64, by: Giver<'_>, why: &Reason) -> Option<Key> {
        let letter = self.letters.get_mut(&id)?;
        if letter.redelivering {
            self.bury_released(id, by, why);
            return None;
        }
        letter.reason = Some(why.clone());
        letter.consumer = by.consumer.into();
        let key = letter.key.clone()?;
        if let Some(waiting) = self.keys.get_mut(&key) {
            waiting.state = ParkedState::Parked;
        }
        Some(key)
    }

    /// A released record failed for good: it stays, and nothing waits behind it any more.
    pub(super) fn bury_released(&mut self, id: u64, by: Giver<'_>, why: &Reason) {
        self.pass(id);
        if let Some(letter) = self.letters.get_mut(&id) {
            letter.reason = Some(why.clone());
            letter.consumer = by.consumer.into();
            letter.parked = false;
            letter.redelivering = false;
        }
    }

    /// A released record is done. What it was.
    pub(super) fn remove(&mut self, id: u64) -> Option<DeadLetter> {
        self.pass(id);
        self.letters.remove(&id)
    }

    /// Takes a record out of those that wait; a key for which nothing waits is clear.
    fn pass(&mut self, id: u64) {
        let Some(key) = self.letters.get(&id).and_then(|l| l.key.as_ref()) else {
            return;
        };
        if let Some(waiting) = self.keys.get_mut(key) {
            waiting.letters.remove(&id);
            if waiting.letters.is_empty() {
                self.keys.remove(key);
            }
        }
    }

    /// Marks a parked key releasing; what waits for it, in order.
    pub(super) fn release(&mut self, key: &Key) -> Vec<Slot> {
        let Some(waiting) = self.keys.get_mut(key) else {
            return Vec::new();
        };
        waiting.state = ParkedState::Releasing;
        waiting.letters.iter().copied().map(Slot::Parked).collect()
    }

    /// Whether records of this key wait.
    pub(super) fn holds(&self, key: &Key) -> bool {
        self.keys.contains_key(key)
    }

    /// Whether a record in nobody's hands may be handed out.
    pub(super) fn is_due(&self, id: u64) -> bool {
        self.letters.get(&id).is_some_and(|letter| {
            let state = letter.key.as_ref().and_then(|key| self.state(key));
            letter.redelivering || (letter.parked && state == Some(ParkedState::Releasing))
        })
    }

    /// In which state a key is.
    pub(super) fn state(&self, key: &Key) -> Option<ParkedState> {
        self.keys.get(key).map(|w| w.state)
    }

    pub(super) fn get(&self, id: u64) -> Option<&DeadLetter> {
        self.letters.get(&id)
    }

    /// Counts a handler that starts on a released record.
    pub(super) fn start(&mut self, id: u64) -> Option<u32> {
        let letter = self.letters.get_mut(&id)?;
        letter.attempts = letter.attempts.saturating_add(1);
        Some(letter.attempts)
    }

    pub(super) fn len(&self) -> u64 {
        self.letters.len() as u64
    }

    pub(super) fn parked_keys(&self) -> u64 {
        self.keys.len() as u64
    }

    pub(super) fn list(&self, after: Option<&Position>, limit: usize) -> Result<Vec<DeadLetter>> {
        let after = after.map_or(Ok(0), |p| parse("dead_letters", p))?;
        let letters = self.letters.range(after.saturating_add(1)..);
        Ok(letters.take(limit).map(|(_, l)| l.clone()).collect())
    }

    pub(super) fn parked(&self) -> Vec<ParkedKey> {
        let keys = self.keys.iter();
        keys.map(|(key, waiting)| ParkedKey {
            key: key.clone(),
            state: waiting.state,
            records: waiting.letters.len() as u64,
        })
        .collect()
    }
}

/// There is no dead letter of this id.
pub(super) fn no_letter(operation: &'static str, id: &Position) -> Error {
    Error::new(
        ErrorKind::NotFound,
        operation,
        format!("there is no dead letter {id}; it may be settled or removed"),
    )
}
