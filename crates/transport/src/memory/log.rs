//! The records of one topic.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::{Body, Error, ErrorKind, Key, Position, Record, Result, Start, Stored};

/// The number of a record in its topic, from 1; its position is the number in decimal.
pub(super) type Sequence = u64;

/// A record as it stands in the log.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) received: Timestamp,
    pub(super) key: Option<Key>,
    pub(super) body: Body,
}

/// What a record is taken to occupy beside its key and body.
const OVERHEAD: u64 = 128;

/// What a record occupies, in bytes.
pub(super) fn size(key: Option<&Key>, body: &Body) -> u64 {
    OVERHEAD + key.map_or(0, |k| k.as_str().len() as u64) + body.len() as u64
}

/// Records in order, without holes: what is removed is removed from the front.
#[derive(Debug)]
pub(super) struct Log {
    entries: VecDeque<Entry>,
    /// The number of the first entry, or of the next one while there is none.
    first: Sequence,
    bytes: u64,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            first: 1,
            bytes: 0,
        }
    }
}

impl Log {
    pub(super) fn append(&mut self, record: &Record, received: Timestamp) -> Sequence {
        self.bytes += size(record.key.as_ref(), &record.body);
        self.entries.push_back(Entry {
            received,
            key: record.key.clone(),
            body: record.body.clone(),
        });
        self.last()
    }

    /// Removes the `n` oldest, and says how many bytes that gave back.
    pub(super) fn remove_front(&mut self, n: usize) -> u64 {
        let n = n.min(self.entries.len());
        let freed = self
            .entries
            .drain(..n)
            .map(|e| size(e.key.as_ref(), &e.body))
            .sum();
        self.first += n as u64;
        self.bytes -= freed;
        freed
    }

    pub(super) fn get(&self, sequence: Sequence) -> Option<&Entry> {
        let index = sequence.checked_sub(self.first)?;
        self.entries.get(usize::try_from(index).ok()?)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The number of the oldest record that is still there, or of the next one.
    pub(super) fn first(&self) -> Sequence {
        self.first
    }

    /// The number of the newest record that ever was.
    pub(super) fn last(&self) -> Sequence {
        self.first + self.entries.len() as u64 - 1
    }

    /// How many of the oldest were received before this time.
    pub(super) fn received_before(&self, time: Timestamp) -> usize {
        self.entries.partition_point(|e| e.received < time)
    }

    /// The number after which `start` begins.
    pub(super) fn resolve(&self, operation: &'static str, start: &Start) -> Result<Sequence> {
        match start {
            Start::Latest => Ok(self.last()),
            Start::Earliest => Ok(self.first - 1),
            Start::Time(time) => Ok(self.first - 1 + self.received_before(*time) as u64),
            Start::After(position) => {
                let sequence = parse(operation, position)?;
                if sequence > self.last() {
                    return Err(Error::new(
                        ErrorKind::NotFound,
                        operation,
                        format!(
                            "position {position} is beyond the end of the topic, which is {}",
                            self.last()
                        ),
                    ));
                }
                Ok(sequence)
            }
        }
    }

    /// Copies out records after a number, up to the one at `end`.
    pub(super) fn read(&self, after: Sequence, end: Sequence, limit: usize) -> Vec<Stored> {
        let first = after.saturating_add(1).max(self.first);
        let from_first = (first..=end.min(self.last())).take(limit);
        from_first.filter_map(|n| self.stored(n)).collect()
    }

    /// Copies out records before a number, the newest first.
    pub(super) fn read_back(&self, before: Option<Sequence>, limit: usize) -> Vec<Stored> {
        let end = self.last() + 1;
        let before = before.map_or(end, |before| before.min(end));
        let from_last = (self.first..before).rev().take(limit);
        from_last.filter_map(|n| self.stored(n)).collect()
    }

    fn stored(&self, sequence: Sequence) -> Option<Stored> {
        let entry = self.get(sequence)?;
        Some(Stored {
            position: position(sequence),
            received: Some(entry.received),
            key: entry.key.clone(),
            body: entry.body.clone(),
        })
    }
}

/// Prints a position.
pub(super) fn position(sequence: Sequence) -> Position {
    Position::new(sequence.to_string())
}

/// Parses a position.
pub(super) fn parse(operation: &'static str, position: &Position) -> Result<Sequence> {
    let number = position.as_str().parse();
    number.map_err(|e: std::num::ParseIntError| {
        Error::new(
            ErrorKind::Invalid,
            operation,
            format!("position {position:?} is not a number such as 42, as this log prints them"),
        )
        .with_source(e)
    })
}
