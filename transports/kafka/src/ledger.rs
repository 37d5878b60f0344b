//! What a group has settled in a partition, as it stands in the metadata of a committed offset.
//!
//! The committed offset is the first that is not settled. Behind it, in at most 4,096 characters:
//! `t1 HANDED BITMAP ATTEMPTS SEEK LOST TOUCHED`, separated by blanks. `HANDED` is how many offsets
//! from there on were handed out; `BITMAP` has a bit for each of them that is settled, least first,
//! in base 64; `ATTEMPTS` is `DISTANCE:COUNT,…` for those whose handlers were started; `-` is none.
//! `LOST` is how many records the group has lost, and behind a `?` how often that is unknown.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use tidings_transport::Count;

use crate::offsets::Marks;

/// The first word, so that a later form can be told from this one.
const FORM: &str = "t1";
/// The most that a broker takes unless told otherwise.
const MAX_LEN: usize = 4_096;
/// How far the handing out may run ahead of the first offset that is not settled: 8,192 bits are
/// 1,366 characters, which leaves the greater part to attempts.
pub(crate) const MAX_AHEAD: i64 = 8_192;

/// What is committed for a group that was removed, until Kafka forgets it.
pub(crate) const REMOVED: &str = "removed";

/// Records lost to a group in a partition since the group was made, as far as it has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Losses {
    pub(crate) counted: u64,
    /// How often nobody could tell how many.
    pub(crate) uncounted: u32,
}

impl Losses {
    pub(crate) fn and(self, more: Self) -> Self {
        Self {
            counted: self.counted + more.counted,
            uncounted: self.uncounted + more.uncounted,
        }
    }

    pub(crate) fn count(self) -> Count {
        match self.uncounted {
            0 => Count::Exactly(self.counted),
            _ => Count::Unknown,
        }
    }

    /// What came to them since `noted`.
    pub(crate) fn since(self, noted: Self) -> Self {
        Self {
            counted: self.counted.saturating_sub(noted.counted),
            uncounted: self.uncounted.saturating_sub(noted.uncounted),
        }
    }
}

/// What is settled, handed out and started in a partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ledger {
    /// The first offset that is not settled: what is committed.
    base: i64,
    /// Of each offset handed out from `base` on, whether it is settled.
    settled: VecDeque<bool>,
    attempts: BTreeMap<i64, u32>,
    /// The journal's offset behind the last seek that was carried out; 0 is none.
    pub(crate) seek: i64,
    pub(crate) losses: Losses,
    /// When it was last written, in milliseconds since 1970.
    pub(crate) touched: i64,
}

impl Ledger {
    pub(crate) fn new(base: i64) -> Self {
        Self {
            base,
            ..Self::default()
        }
    }

    /// The first offset that is not settled.
    pub(crate) fn base(&self) -> i64 {
        self.base
    }

    /// The first offset that was never handed out.
    pub(crate) fn handed(&self) -> i64 {
        self.base + i64::try_from(self.settled.len()).unwrap_or(i64::MAX)
    }

    fn index(&self, offset: i64) -> Option<usize> {
        let index = usize::try_from(offset.checked_sub(self.base)?).ok()?;
        (index < self.settled.len()).then_some(index)
    }

    /// Whether the group is past it.
    pub(crate) fn is_settled(&self, offset: i64) -> bool {
        offset < self.base || self.index(offset).is_some_and(|i| self.settled[i])
    }

    /// Whether this one may be handed out without outgrowing what can be committed: a hole before it
    /// takes as much room as what is there.
    pub(crate) fn has_room_for(&self, offset: i64) -> bool {
        self.settled.is_empty() || offset - self.base < MAX_AHEAD
    }

    /// Notes that this offset is handed out, and that those skipped before it do not exist.
    pub(crate) fn hand(&mut self, offset: i64) {
        if self.settled.is_empty() {
            // Nothing is open before it, so that a hole needs no room.
            self.base = self.base.max(offset);
        }
        let fresh = self.handed();
        for _ in fresh..offset {
            self.settled.push_back(true);
        }
        if offset >= fresh {
            self.settled.push_back(false);
        }
    }

    pub(crate) fn settle(&mut self, offset: i64, settled: bool) {
        if let Some(index) = self.index(offset) {
            self.settled[index] = settled;
        }
    }

    /// Moves the first offset that is not settled as far as it goes.
    pub(crate) fn advance(&mut self) {
        while self.settled.front() == Some(&true) {
            self.settled.pop_front();
            self.base += 1;
        }
        while let Some(first) = self.attempts.first_entry()
            && *first.key() < self.base
        {
            first.remove();
        }
    }

    /// Puts what stands before `low` behind the group; how many of these it had not settled.
    pub(crate) fn lose(&mut self, low: i64) -> u64 {
        let mut lost = 0;
        while self.base < low {
            match self.settled.pop_front() {
                Some(true) => {}
                Some(false) => lost += 1,
                None => {
                    lost += u64::try_from(low - self.base).unwrap_or(0);
                    self.base = low;
                    break;
                }
            }
            self.base += 1;
        }
        self.losses.counted += lost;
        self.advance();
        lost
    }

    /// Puts what the partition holds no more behind the group; how many of these it had not settled.
    pub(crate) fn meet(&mut self, (low, high): Marks) -> Count {
        if self.base > high {
            self.begin_anew(low);
            return Count::Unknown;
        }
        Count::Exactly(self.lose(low))
    }

    /// The partition was lost with what it had held, and made again.
    pub(crate) fn begin_anew(&mut self, low: i64) {
        self.move_to(low, self.seek);
        self.losses.uncounted += 1;
    }

    /// Everything from here on is new, whatever it was.
    pub(crate) fn move_to(&mut self, base: i64, seek: i64) {
        self.base = base;
        self.settled.clear();
        self.attempts.clear();
        self.seek = seek;
    }

    /// How many of those handed out are not settled.
    pub(crate) fn pending(&self) -> u64 {
        self.settled.iter().filter(|s| !**s).count() as u64
    }

    /// How many of those before `high` are not settled.
    pub(crate) fn open_until(&self, high: i64) -> u64 {
        self.pending() + u64::try_from(high - self.handed()).unwrap_or(0)
    }

    pub(crate) fn attempts(&self, offset: i64) -> u32 {
        self.attempts.get(&offset).copied().unwrap_or(0)
    }

    pub(crate) fn set_attempts(&mut self, offset: i64, attempts: u32) {
        match attempts {
            0 => self.attempts.remove(&offset),
            _ => self.attempts.insert(offset, attempts),
        };
    }

    /// The metadata. Attempts that find no room are left out, the newest first.
    pub(crate) fn encode(&self) -> String {
        let mut bytes = vec![0_u8; self.settled.len().div_ceil(8)];
        for (index, settled) in self.settled.iter().enumerate() {
            bytes[index / 8] |= u8::from(*settled) << (index % 8);
        }
        let bits = or_dash(BASE64.encode(bytes));
        let head = format!("{FORM} {} {bits} ", self.settled.len());
        let Losses { counted, uncounted } = self.losses;
        let lost = match uncounted {
            0 => counted.to_string(),
            _ => format!("{counted}?{uncounted}"),
        };
        let tail = format!(" {} {lost} {}", self.seek, self.touched);
        // Whatever was committed by somebody else may be longer than ours.
        let room = MAX_LEN.saturating_sub(head.len() + tail.len());
        let mut attempts = String::new();
        for (offset, count) in &self.attempts {
            let before = attempts.len();
            let written = write!(attempts, "{}:{count},", offset - self.base);
            if written.is_err() || attempts.len() > room {
                attempts.truncate(before);
                break;
            }
        }
        attempts.pop();
        head + &or_dash(attempts) + &tail
    }

    /// Reads what was committed. Metadata of somebody else says nothing.
    pub(crate) fn decode(base: i64, metadata: &str) -> Self {
        Self::parse(base, metadata).unwrap_or_else(|| Self::new(base))
    }

    fn parse(base: i64, metadata: &str) -> Option<Self> {
        let mut words = metadata.split(' ');
        if words.next()? != FORM {
            return None;
        }
        let handed: usize = words.next()?.parse().ok()?;
        let bits = BASE64.decode(dashed(words.next()?)).ok()?;
        if handed > bits.len() * 8 {
            return None;
        }
        let settled = (0..handed)
            .map(|i| bits[i / 8] >> (i % 8) & 1 == 1)
            .collect();
        let mut attempts = BTreeMap::new();
        for word in dashed(words.next()?).split(',').filter(|w| !w.is_empty()) {
            let (distance, count) = word.split_once(':')?;
            let distance: i64 = distance.parse().ok()?;
            attempts.insert(base.checked_add(distance)?, count.parse().ok()?);
        }
        Some(Self {
            base,
            settled,
            attempts,
            seek: words.next()?.parse().ok()?,
            losses: lost(words.next()?)?,
            touched: words.next()?.parse().ok()?,
        })
    }
}

fn lost(text: &str) -> Option<Losses> {
    let (counted, uncounted) = text.split_once('?').unwrap_or((text, "0"));
    Some(Losses {
        counted: counted.parse().ok()?,
        uncounted: uncounted.parse().ok()?,
    })
}

fn or_dash(text: String) -> String {
    match text.is_empty() {
        true => "-".into(),
        false => text,
    }
}

fn dashed(text: &str) -> &str {
    match text {
        "-" => "",
        text => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            base in 0..i64::from(u32::MAX),
            settled in prop::collection::vec(any::<bool>(), 0..300),
            started in prop::collection::btree_map(0..300_i64, 1..9_u32, 0..60),
            lost in any::<(u32, u8)>(),
        ) {
            let mut ledger = Ledger::new(base);
            for (i, settled) in settled.iter().enumerate() {
                let offset = base + i as i64;
                ledger.hand(offset);
                ledger.settle(offset, *settled);
            }
            for (distance, attempts) in started {
                ledger.set_attempts(base + distance, attempts);
            }
            ledger.losses = Losses { counted: lost.0.into(), uncounted: lost.1.into() };
            ledger.advance();
            let text = ledger.encode();
            prop_assert!(text.len() <= MAX_LEN);
            prop_assert_eq!(Ledger::decode(ledger.base(), &text), ledger);
        }

        #[test]
        fn whatever_stands_there_is_harmless(base in any::<i64>(), text in ".{0,80}") {
            let _ = Ledger::decode(base, &text);
            let _ = Ledger::decode(base, &format!("t1 {text}"));
        }
    }

    #[test]
    fn it_never_outgrows_what_a_broker_takes() {
        let mut ledger = Ledger::new(0);
        let mut offset = 0;
        while ledger.has_room_for(offset) {
            ledger.hand(offset);
            ledger.set_attempts(offset, 1_000);
            ledger.settle(offset, offset % 2 == 1);
            offset += 1;
        }
        let text = ledger.encode();
        assert!(text.len() <= MAX_LEN, "{}", text.len());
        assert_eq!(offset, MAX_AHEAD);
        assert_eq!(
            Ledger::decode(0, &text).attempts(0),
            1_000,
            "the oldest are kept"
        );
        ledger.settle(0, true);
        ledger.advance();
        assert_eq!(ledger.base(), 2);
    }

    #[test]
    fn a_hole_needs_room_only_behind_what_is_open() {
        let mut ledger = Ledger::new(0);
        assert!(ledger.has_room_for(30_000));
        ledger.hand(30_000);
        assert_eq!((ledger.base(), ledger.pending()), (30_000, 1));
        assert!(ledger.has_room_for(30_000 + MAX_AHEAD - 1));
        assert!(!ledger.has_room_for(30_000 + MAX_AHEAD));
        ledger.settle(30_000, true);
        ledger.advance();
        assert!(ledger.has_room_for(60_000));
    }

    #[test]
    fn what_is_lost_is_counted_once() {
        let mut ledger = Ledger::new(10);
        for offset in 10..13 {
            ledger.hand(offset);
        }
        ledger.settle(11, true);
        assert_eq!(ledger.lose(15), 4, "10, 12, 13 and 14");
        assert_eq!(ledger.lose(15), 0);
        assert_eq!((ledger.base(), ledger.handed()), (15, 15));
        assert_eq!(ledger.losses.counted, 4);
    }
}
