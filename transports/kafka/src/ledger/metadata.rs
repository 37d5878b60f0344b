//! What a group has settled in a partition, as it stands in the metadata of a committed offset.
//!
//! The committed offset is the first that is not settled. Behind it, in at most 4,096 characters:
//! `t1 HANDED BITMAP ATTEMPTS SEEK LOST TOUCHED`, separated by blanks. `HANDED` is how many offsets
//! from there on were handed out; `BITMAP` has a bit for each of them that is settled, least first,
//! in base 64; `ATTEMPTS` is `DISTANCE:COUNT,…` or `FIRST-LAST:COUNT,…` for those whose handlers were
//! started, where what is settled within a run has no attempts any more; `-` is none. `LOST` is how
//! many records the group has lost, and behind a `?` how often that is unknown.

use std::collections::VecDeque;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;

use super::{Ledger, Losses, MAX_AHEAD, Slot};

/// The first word, so that a later form can be told from this one.
const FORM: &str = "t1";
/// The most that a broker takes unless told otherwise.
pub(super) const MAX_LEN: usize = 4_096;

impl Ledger {
    /// What to commit: the first offset that is not settled, and the metadata. What finds no room is left
    /// out: what is settled too far ahead, and attempts, the newest first.
    pub(crate) fn encode(&self) -> (i64, String) {
        let done = self.done();
        let most = usize::try_from(MAX_AHEAD).unwrap_or(usize::MAX);
        let handed = (self.slots.len() - done).min(most);
        let slots = || self.slots.iter().skip(done).take(handed);
        let mut bytes = vec![0_u8; handed.div_ceil(8)];
        for (index, slot) in slots().enumerate() {
            bytes[index / 8] |= u8::from(slot.settled) << (index % 8);
        }
        let bits = or_dash(BASE64.encode(bytes));
        let head = format!("{FORM} {handed} {bits} ");
        let Losses { counted, uncounted } = self.losses;
        let lost = match uncounted {
            0 => counted.to_string(),
            _ => format!("{counted}?{uncounted}"),
        };
        let tail = format!(" {} {lost} {}", self.seek, self.touched);
        let room = MAX_LEN - head.len() - tail.len();
        let mut attempts = String::new();
        for run in runs(slots()) {
            let before = attempts.len();
            if run.write(&mut attempts).is_err() || attempts.len() > room {
                attempts.truncate(before);
                break;
            }
        }
        attempts.pop();
        let base = self.base + i64::try_from(done).unwrap_or(i64::MAX);
        (base, head + &or_dash(attempts) + &tail)
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
        let slot = |i: usize| Slot {
            settled: bits[i / 8] >> (i % 8) & 1 == 1,
            attempts: 0,
        };
        let mut slots: VecDeque<Slot> = (0..handed).map(slot).collect();
        for word in dashed(words.next()?).split(',').filter(|w| !w.is_empty()) {
            let Run { first, last, count } = Run::parse(word)?;
            let run = slots.iter_mut().take(last.saturating_add(1)).skip(first);
            for slot in run.filter(|slot| !slot.settled) {
                slot.attempts = count;
            }
        }
        Some(Self {
            base,
            slots,
            seek: words.next()?.parse().ok()?,
            losses: lost(words.next()?)?,
            touched: words.next()?.parse().ok()?,
        })
    }
}

/// Neighbours of which so many handlers were started each, as distances.
struct Run {
    first: usize,
    last: usize,
    count: u32,
}

impl Run {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        let Self { first, last, count } = self;
        match first == last {
            true => write!(text, "{first}:{count},"),
            false => write!(text, "{first}-{last}:{count},"),
        }
    }

    fn parse(word: &str) -> Option<Self> {
        let (distances, count) = word.split_once(':')?;
        let (first, last) = distances.split_once('-').unwrap_or((distances, distances));
        Some(Self {
            first: first.parse().ok()?,
            last: last.parse().ok()?,
            count: count.parse().ok()?,
        })
    }
}

/// The runs of those that were started. What is settled belongs to any run: consumers that work on
/// many keys settle here and there.
fn runs<'a>(slots: impl Iterator<Item = &'a Slot>) -> impl Iterator<Item = Run> {
    let mut open = slots
        .enumerate()
        .filter(|(_, slot)| !slot.settled)
        .peekable();
    std::iter::from_fn(move || {
        let (first, slot) = open.find(|(_, slot)| slot.attempts > 0)?;
        let (mut last, count) = (first, slot.attempts);
        while let Some((at, _)) = open.next_if(|(_, slot)| slot.attempts == count) {
            last = at;
        }
        Some(Run { first, last, count })
    })
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
                if *settled {
                    ledger.settle(offset);
                }
            }
            for (distance, attempts) in started {
                for _ in 0..attempts {
                    ledger.start(base + distance);
                }
            }
            ledger.losses = Losses { counted: lost.0.into(), uncounted: lost.1.into() };
            let (first, text) = ledger.encode();
            prop_assert!(text.len() <= MAX_LEN);
            // Nobody starts what is settled.
            ledger.advance();
            let open = ledger.slots.iter_mut().filter(|slot| slot.settled);
            open.for_each(|slot| *slot = Slot::SETTLED);
            prop_assert_eq!(first, ledger.base());
            prop_assert_eq!(Ledger::decode(first, &text), ledger);
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
            for _ in 0..100 + offset % 3 {
                ledger.start(offset);
            }
            if offset % 2 == 1 {
                ledger.settle(offset);
            }
            offset += 1;
        }
        let (_, text) = ledger.encode();
        assert!(text.len() <= MAX_LEN, "{}", text.len());
        assert_eq!(offset, MAX_AHEAD);
        let read = Ledger::decode(0, &text);
        assert_eq!(read.attempts(0), 100, "the oldest are kept");
        assert_eq!(read.attempts(MAX_AHEAD - 2), 0, "the newest found no room");
        ledger.settle(0);
        ledger.advance();
        assert_eq!(ledger.base(), 2);
    }

    #[test]
    fn what_is_too_far_ahead_is_not_told() {
        let mut ledger = Ledger::new(0);
        ledger.hand(0);
        ledger.settle(0);
        ledger.advance();
        ledger.hand(30_000);
        ledger.reopen(0, 3);
        ledger.settle(30_000);
        let (base, text) = ledger.encode();
        assert!(text.len() <= MAX_LEN, "{}", text.len());
        let read = Ledger::decode(base, &text);
        assert_eq!((read.base(), read.handed()), (0, MAX_AHEAD));
        assert_eq!((read.attempts(0), read.pending()), (3, 1));
    }

    #[test]
    fn neighbours_are_one_word() {
        let mut ledger = Ledger::new(40);
        for offset in 40..50 {
            ledger.hand(offset);
        }
        for offset in [41, 42, 43, 44, 46, 49, 49] {
            ledger.start(offset);
        }
        for offset in [40, 43, 45] {
            ledger.settle(offset);
        }
        let (base, text) = ledger.encode();
        assert_eq!((base, text.as_str()), (41, "t1 9 FAA 0-5:1,8:2 0 0 0"));
        let read = Ledger::decode(41, &text);
        let attempts: Vec<_> = (41..50).map(|offset| read.attempts(offset)).collect();
        assert_eq!(attempts, [1, 1, 0, 1, 0, 1, 0, 0, 2]);
    }
}
