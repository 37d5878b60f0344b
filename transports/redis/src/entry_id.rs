//! The id of a stream entry: milliseconds and a number within them.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use redis::{RedisWrite, ToRedisArgs};
use tidings_transport::{Error, ErrorKind, Position, Result};

/// `1700000000000-0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct EntryId {
    pub(crate) ms: u64,
    pub(crate) seq: u64,
}

impl EntryId {
    /// The greatest that an entry can have.
    pub(crate) const MAX: Self = Self {
        ms: u64::MAX,
        seq: u64::MAX,
    };

    /// Reads what Redis prints, and `1700000000000` as Redis takes it.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let mut parts = text.splitn(2, |b| *b == b'-');
        Some(Self {
            ms: number(parts.next()?)?,
            seq: parts.next().map_or(Some(0), number)?,
        })
    }

    pub(crate) fn of(position: &Position, operation: &'static str) -> Result<Self> {
        Self::parse(position.as_str().as_bytes()).ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                operation,
                format!(
                    "position {position:?} is not an id of a Redis stream such as 1700000000000-0"
                ),
            )
        })
    }

    pub(crate) fn position(self) -> Position {
        // Each delivery comes through here; `format!` would take most of the time, and a `String` the rest.
        let (mut ms, mut seq) = (itoa::Buffer::new(), itoa::Buffer::new());
        let mut text = [0; 2 * 20 + 1];
        let mut length = 0;
        for part in [ms.format(self.ms), "-", seq.format(self.seq)] {
            text[length..length + part.len()].copy_from_slice(part.as_bytes());
            length += part.len();
        }
        Position::new(str::from_utf8(&text[..length]).expect("digits and a dash"))
    }

    /// The next possible one.
    pub(crate) fn next(self) -> Self {
        match self.seq.checked_add(1) {
            Some(seq) => Self { ms: self.ms, seq },
            None => Self {
                ms: self.ms.saturating_add(1),
                seq: 0,
            },
        }
    }

    /// The one before.
    pub(crate) fn previous(self) -> Self {
        match (self.ms, self.seq.checked_sub(1)) {
            (ms, Some(seq)) => Self { ms, seq },
            (0, None) => self,
            (ms, None) => Self {
                ms: ms - 1,
                seq: u64::MAX,
            },
        }
    }

    /// The first that an entry received at or after this time can have.
    pub(crate) fn at(time: Timestamp) -> Self {
        let nanos = time.as_nanosecond();
        let ms = nanos.div_euclid(1_000_000) + i128::from(nanos.rem_euclid(1_000_000) > 0);
        Self {
            ms: u64::try_from(ms).unwrap_or(0),
            seq: 0,
        }
    }

    /// When the server received the entry; `None` for ids that a producer made up beyond time.
    pub(crate) fn received(self) -> Option<Timestamp> {
        Timestamp::from_millisecond(i64::try_from(self.ms).ok()?).ok()
    }

    /// How long before this time, in milliseconds since 1970.
    pub(crate) fn age(self, now_ms: u64) -> Duration {
        Duration::from_millis(now_ms.saturating_sub(self.ms))
    }
}

/// Digits and nothing else; `parse` would take a sign.
fn number(digits: &[u8]) -> Option<u64> {
    let add = |n: u64, b: &u8| {
        let digit = b.checked_sub(b'0').filter(|d| *d < 10)?;
        n.checked_mul(10)?.checked_add(digit.into())
    };
    (!digits.is_empty()).then_some(())?;
    digits.iter().try_fold(0, add)
}

impl ToRedisArgs for EntryId {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        out.write_arg_fmt(self);
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_and_count_on() {
        for text in [
            "0-0",
            "1700000000000-7",
            "18446744073709551615-18446744073709551615",
        ] {
            let id = EntryId::parse(text.as_bytes());
            assert_eq!(id.map(|id| id.to_string()).as_deref(), Some(text));
        }
        assert_eq!(EntryId::parse(b"5"), Some(EntryId { ms: 5, seq: 0 }));
        for text in [
            "",
            "-",
            "1-",
            "-1",
            "+1-0",
            "1-+1",
            "a-1",
            "1-1-1",
            "18446744073709551616-0",
        ] {
            assert_eq!(EntryId::parse(text.as_bytes()), None, "{text}");
        }
        let full = EntryId {
            ms: 4,
            seq: u64::MAX,
        };
        assert_eq!(full.next(), EntryId { ms: 5, seq: 0 });
        assert_eq!(full.next().previous(), full);
        assert_eq!(EntryId::default().previous(), EntryId::default());
    }

    #[test]
    fn a_time_within_a_millisecond_begins_with_the_next() -> Result<(), jiff::Error> {
        let time = |s: &str| s.parse::<Timestamp>();
        let on = EntryId::at(time("1970-01-01T00:00:01.5Z")?);
        assert_eq!(on, EntryId { ms: 1500, seq: 0 });
        let within = EntryId::at(time("1970-01-01T00:00:01.5000001Z")?);
        assert_eq!(within, EntryId { ms: 1501, seq: 0 });
        assert_eq!(
            EntryId::at(time("1969-12-31T00:00:00Z")?),
            EntryId::default()
        );
        Ok(())
    }
}
