//! The records of a [journal](crate::journal).

use rdkafka::message::{Header, OwnedHeaders};
use serde::{Deserialize, Serialize};
use tidings_transport::{Body, Key, ParkedState, Position, Reason};

use crate::ledger::Losses;
use crate::wire;

/// The header of a dead letter.
pub(crate) const LETTER: &str = "tidings-letter";

/// A record on its way.
pub(crate) struct Entry {
    pub(crate) key: Vec<u8>,
    pub(crate) headers: OwnedHeaders,
    /// `None` removes what stands under the key.
    pub(crate) value: Option<Vec<u8>>,
}

/// What a letter waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// For nothing: it is dead.
    Dead,
    /// For the release of its key, or for its turn then.
    Parked,
    /// For its turn to be handed out once more.
    Redelivering,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Why {
    class: String,
    message: String,
    first_failure: jiff::Timestamp,
    last_failure: jiff::Timestamp,
}

impl From<&Reason> for Why {
    fn from(reason: &Reason) -> Self {
        Self {
            class: reason.class.clone(),
            message: reason.message.clone(),
            first_failure: reason.first_failure,
            last_failure: reason.last_failure,
        }
    }
}

impl From<Why> for Reason {
    fn from(why: Why) -> Self {
        Self {
            class: why.class,
            message: why.message,
            first_failure: why.first_failure,
            last_failure: why.last_failure,
        }
    }
}

/// What may change about a letter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) mode: Mode,
    pub(crate) attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Why>,
    pub(crate) consumer: String,
}

/// The header of a letter.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Cover {
    pub(crate) position: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// The message had no value; a record without one would remove the letter.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) null: bool,
    #[serde(flatten)]
    pub(crate) change: Change,
}

/// Where a group began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) topic: String,
    pub(crate) group: String,
    /// For each partition of that time.
    pub(crate) start: Vec<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeekTo {
    pub(crate) start: Vec<i64>,
}

/// The losses in a partition that a person has taken note of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Noted {
    /// What the ledger had counted.
    pub(crate) seen: Losses,
    /// Where a ledger begins to count that finds nothing committed: before `seen` if there was none
    /// then either, so that what it will find is what was seen.
    pub(crate) start: Losses,
}

/// The value of the record.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) partitions: Vec<Noted>,
}

/// A new dead letter.
pub(crate) struct NewLetter<'a> {
    pub(crate) position: &'a Position,
    pub(crate) key: Option<&'a Key>,
    pub(crate) mode: Mode,
    pub(crate) attempts: u32,
    pub(crate) reason: Option<&'a Reason>,
    pub(crate) consumer: &'a str,
    pub(crate) body: &'a Body,
}

impl NewLetter<'_> {
    /// Its record. No other has its key, so that nothing but its removal overwrites it.
    pub(crate) fn entry(&self) -> Entry {
        let (headers, value) = wire::message(self.body, "");
        let cover = Cover {
            position: self.position.as_str().to_owned(),
            key: self.key.map(|key| key.as_str().to_owned()),
            null: value.is_none(),
            change: Change {
                mode: self.mode,
                attempts: self.attempts,
                reason: self.reason.map(Why::from),
                consumer: self.consumer.to_owned(),
            },
        };
        Entry {
            key: format!("letter/{}", unique()).into_bytes(),
            headers: headers.insert(Header {
                key: LETTER,
                value: Some(&json(&cover)),
            }),
            value: Some(value.unwrap_or_default().to_vec()),
        }
    }
}

/// The record that marks a key.
pub(crate) fn mark(key: &Key, state: ParkedState) -> Entry {
    let state: &[u8] = match state {
        ParkedState::Releasing => b"releasing",
        _ => b"parked",
    };
    plain(
        format!("key/{}", key.as_str()).into_bytes(),
        Some(state.to_vec()),
    )
}

/// The record that moves a group.
pub(crate) fn seek(start: &[i64]) -> Entry {
    let to = SeekTo {
        start: start.to_vec(),
    };
    plain(b"seek".to_vec(), Some(json(&to)))
}

/// The record that says which losses a person has taken note of.
pub(crate) fn noted(partitions: Vec<Noted>) -> Entry {
    plain(b"noted".to_vec(), Some(json(&Note { partitions })))
}

/// The first record of a journal.
pub(crate) fn made(made: &Made) -> Entry {
    plain(b"made".to_vec(), Some(json(made)))
}

pub(crate) fn plain(key: Vec<u8>, value: Option<Vec<u8>>) -> Entry {
    Entry {
        key,
        headers: OwnedHeaders::new(),
        value,
    }
}

pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn unique() -> String {
    format!("{:032x}", rand::random::<u128>())
}
