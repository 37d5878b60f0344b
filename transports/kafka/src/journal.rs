//! What must outlive the consumers of a group: its dead letters, its parked keys, and seeks.
//!
//! It is a compacted topic of one partition, `TOPIC.dlq.GROUP`. Whoever reads it from its beginning
//! to its end has the same [`Journal`]: each record sets what stands under its key and later ones
//! win, so that compaction changes nothing. Keys of records begin with what they are:
//!
//! | key | value |
//! |---|---|
//! | `made` | topic, group and where it began, JSON |
//! | `letter/UUID` | a dead letter: value and headers of the message, and `tidings-letter` in JSON |
//! | `state/OFFSET` | what has changed about the letter at this offset, JSON |
//! | `key/KEY` | `parked` or `releasing`; counts while letters wait behind the key |
//! | `seek` | where the group is moved to, JSON |
//! | `noted` | the losses that a person has taken note of, for each partition, JSON |

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rdkafka::Message;
use rdkafka::message::Headers;
use tidings_transport::{
    Body, DeadLetter, Group, Key, ParkedKey, ParkedState, Position, Reason, Topic,
};

use crate::entry::{Change, Cover, Entry, LETTER, Made, Mode, Note, Noted, SeekTo, json, plain};
use crate::ledger::Ledger;
use crate::wire;

/// A dead letter of the journal.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    name: Vec<u8>,
    pub(crate) mode: Mode,
    pub(crate) key: Option<Key>,
    pub(crate) position: Position,
    /// The partition that it came from, whose consumer hands it out again.
    pub(crate) partition: i32,
    pub(crate) body: Body,
    change: Change,
}

impl Letter {
    pub(crate) fn attempts(&self) -> u32 {
        self.change.attempts
    }
}

/// A journal as far as it has been read.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) made: Option<Made>,
    /// When the group was made, in milliseconds since 1970.
    pub(crate) made_at: Option<i64>,
    /// By their offsets in the journal, which are their ids.
    pub(crate) letters: BTreeMap<i64, Letter>,
    names: HashMap<Vec<u8>, i64>,
    states: HashMap<Key, ParkedState>,
    /// The letters that wait behind a key.
    waiting: HashMap<Key, BTreeSet<i64>>,
    pub(crate) redelivering: BTreeSet<i64>,
    /// Where to, and the offset behind the record that said so.
    pub(crate) seek: Option<(Vec<i64>, i64)>,
    noted: Vec<Noted>,
    /// The offset behind the last record read.
    pub(crate) next: i64,
}

impl Journal {
    /// Takes in the next record. What nobody can read says nothing.
    pub(crate) fn apply(&mut self, message: &impl Message) {
        let offset = message.offset();
        self.next = self.next.max(offset + 1);
        let Some(key) = message.key() else { return };
        let text = std::str::from_utf8(key).unwrap_or("");
        let value = message.payload();
        if text == "made" {
            self.made_at = message.timestamp().to_millis();
            self.made = value
                .and_then(|v| serde_json::from_slice(v).ok())
                .or(self.made.take());
        } else if text == "seek" {
            let to = value.and_then(|v| serde_json::from_slice::<SeekTo>(v).ok());
            self.seek = to.map(|to| (to.start, offset + 1)).or(self.seek.take());
        } else if text == "noted" {
            let noted = value.and_then(|v| serde_json::from_slice::<Note>(v).ok());
            self.noted = noted.map_or_else(|| std::mem::take(&mut self.noted), |n| n.partitions);
        } else if let Some(key) = text.strip_prefix("key/") {
            match value {
                Some(b"releasing") => self.states.insert(Key::new(key), ParkedState::Releasing),
                Some(_) => self.states.insert(Key::new(key), ParkedState::Parked),
                None => self.states.remove(&Key::new(key)),
            };
        } else if let Some(id) = text.strip_prefix("state/") {
            let change = value.and_then(|v| serde_json::from_slice(v).ok());
            if let (Ok(id), Some(change)) = (id.parse(), change) {
                self.change(id, change);
            }
        } else if text.starts_with("letter/") {
            if let Some(id) = self.names.remove(key) {
                self.remove(id);
            }
            if let Some(letter) = letter(message, key) {
                self.names.insert(key.to_vec(), offset);
                self.insert(offset, letter);
            }
        }
    }

    fn insert(&mut self, id: i64, letter: Letter) {
        match (letter.mode, &letter.key) {
            (Mode::Parked, Some(key)) => {
                self.waiting.entry(key.clone()).or_default().insert(id);
            }
            (Mode::Redelivering, _) => {
                self.redelivering.insert(id);
            }
            _ => {}
        }
        self.letters.insert(id, letter);
    }

    fn remove(&mut self, id: i64) -> Option<Letter> {
        let letter = self.letters.remove(&id)?;
        self.redelivering.remove(&id);
        if let Some(key) = &letter.key
            && let Some(ids) = self.waiting.get_mut(key)
        {
            ids.remove(&id);
            if ids.is_empty() {
                self.waiting.remove(key);
            }
        }
        Some(letter)
    }

    fn change(&mut self, id: i64, change: Change) {
        if let Some(mut letter) = self.remove(id) {
            letter.mode = change.mode;
            letter.change = change;
            self.insert(id, letter);
        }
    }

    /// Whether a record with this key can be one of a journal.
    pub(crate) fn knows(key: Option<&[u8]>) -> bool {
        let key = key.and_then(|key| std::str::from_utf8(key).ok());
        let begins = |key: &str| {
            ["letter/", "state/", "key/"]
                .iter()
                .any(|k| key.starts_with(k))
        };
        key.is_some_and(|key| ["made", "seek", "noted"].contains(&key) || begins(key))
    }

    /// Where the group began in a partition, if that was there then.
    pub(crate) fn begun(&self, partition: i32) -> Option<i64> {
        let at = usize::try_from(partition).ok()?;
        self.made.as_ref()?.start.get(at).copied()
    }

    /// The losses in a partition that a person has taken note of.
    pub(crate) fn noted(&self, partition: i32) -> Noted {
        let at = usize::try_from(partition).ok();
        let noted = at.and_then(|at| self.noted.get(at));
        noted.copied().unwrap_or_default()
    }

    /// What a group has in a partition for which nothing is committed.
    pub(crate) fn blank(&self, partition: i32, base: i64) -> Ledger {
        let mut ledger = Ledger::new(base);
        ledger.losses = self.noted(partition).start;
        ledger
    }

    /// How many letters wait behind a key.
    pub(crate) fn waiting(&self, key: &Key) -> u64 {
        self.waiting.get(key).map_or(0, |ids| ids.len() as u64)
    }

    pub(crate) fn state(&self, key: &Key) -> ParkedState {
        let state = self.states.get(key).copied();
        state.unwrap_or(ParkedState::Parked)
    }

    pub(crate) fn parked(&self) -> Vec<ParkedKey> {
        let mut keys: Vec<_> = self
            .waiting
            .iter()
            .map(|(key, ids)| ParkedKey {
                key: key.clone(),
                state: self.state(key),
                records: ids.len() as u64,
            })
            .collect();
        keys.sort_by(|a, b| a.key.cmp(&b.key));
        keys
    }

    /// The letters whose turn it is to be handed out again, oldest first: of a key that is being
    /// released the first, of those that are redelivered the first of each key.
    pub(crate) fn turn(&self) -> Vec<i64> {
        let released = self
            .waiting
            .iter()
            .filter(|(key, _)| self.state(key) == ParkedState::Releasing);
        let mut ids: Vec<i64> = released
            .filter_map(|(_, ids)| ids.first().copied())
            .collect();
        let mut keys = BTreeSet::new();
        for id in &self.redelivering {
            let key = self.letters.get(id).and_then(|letter| letter.key.as_ref());
            if key.is_none_or(|key| keys.insert(key.clone())) {
                ids.push(*id);
            }
        }
        ids.sort_unstable();
        ids
    }

    /// A letter as the contract has it.
    pub(crate) fn dead_letter(&self, id: i64, topic: &Topic, group: &Group) -> Option<DeadLetter> {
        let letter = self.letters.get(&id)?;
        Some(DeadLetter {
            id: Position::new(id.to_string()),
            topic: topic.clone(),
            group: group.clone(),
            position: letter.position.clone(),
            key: letter.key.clone(),
            attempts: letter.change.attempts,
            reason: letter.change.reason.clone().map(Reason::from),
            consumer: letter.change.consumer.clone(),
            parked: letter.mode == Mode::Parked,
            redelivering: letter.mode == Mode::Redelivering,
            body: letter.body.clone(),
        })
    }

    /// The records that remove a letter.
    pub(crate) fn removal(&self, id: i64) -> Vec<Entry> {
        let letter = self.letters.get(&id).map(|letter| letter.name.clone());
        let names = letter
            .into_iter()
            .chain([format!("state/{id}").into_bytes()]);
        names.map(|key| plain(key, None)).collect()
    }

    /// The record that changes a letter.
    pub(crate) fn changed(
        &self,
        id: i64,
        mode: Option<Mode>,
        attempts: Option<u32>,
        failure: Option<(&Reason, &str)>,
    ) -> Option<Entry> {
        let mut change = self.letters.get(&id)?.change.clone();
        change.mode = mode.unwrap_or(change.mode);
        change.attempts = attempts.unwrap_or(change.attempts);
        if let Some((reason, consumer)) = failure {
            change.reason = Some(reason.into());
            consumer.clone_into(&mut change.consumer);
        }
        Some(plain(
            format!("state/{id}").into_bytes(),
            Some(json(&change)),
        ))
    }
}

fn letter(message: &impl Message, name: &[u8]) -> Option<Letter> {
    message.payload()?;
    let header = message.headers()?.iter().find(|h| h.key == LETTER)?;
    let cover: Cover = serde_json::from_slice(header.value?).ok()?;
    let position = Position::new(cover.position);
    let mut body = wire::body(message, LETTER);
    if let (true, Body::Fields(fields)) = (cover.null, &mut body) {
        fields.pop();
    }
    Some(Letter {
        name: name.to_vec(),
        mode: cover.change.mode,
        key: cover.key.map(Key::new),
        partition: wire::place(&position, "read").ok()?.0,
        position,
        body,
        change: cover.change,
    })
}
