//! Timestamps that keep their text.

use std::fmt;
use std::str::FromStr;

use bytestring::ByteString;
use jiff::Timestamp;
use jiff::civil::Date;

/// An RFC 3339 time, byte for byte as it was written.
///
/// Any offset and any number of fractional digits are kept; a leap second (`:60`) passes
/// through. Two times are equal when their texts are.
///
/// # Example
/// ```
/// use tidings_event::Time;
///
/// let time: Time = "2026-11-23T21:57:12.2221280000001+01:00".parse()?;
/// assert_eq!(time.as_str(), "2026-11-23T21:57:12.2221280000001+01:00");
/// assert_eq!(time.timestamp().to_string(), "2026-11-23T20:57:12.222128Z");
/// # Ok::<(), tidings_event::InvalidTime>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Time(ByteString);

/// A text that is not an RFC 3339 time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time with date, time and offset, like 2026-11-23T20:57:12Z")]
pub struct InvalidTime;

impl Time {
    /// The current time, in UTC.
    pub fn now() -> Self {
        Timestamp::now().into()
    }

    pub(crate) fn new(text: ByteString) -> Result<Self, InvalidTime> {
        match Parsed::parse(&text) {
            Some(_) => Ok(Self(text)),
            None => Err(InvalidTime),
        }
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The instant, truncated to nanoseconds.
    ///
    /// A leap second counts as the second before it. An instant that `jiff` cannot hold (the
    /// last hours of the year 9999) becomes the latest that it can.
    pub fn timestamp(&self) -> Timestamp {
        // Construction has checked the text; a failure here would be a bug of ours, and the
        // epoch shows it without taking the process down.
        Parsed::parse(&self.0).map_or(Timestamp::UNIX_EPOCH, |parsed| parsed.timestamp())
    }

    /// Whether the time is written in UTC: `Z`, `+00:00` or `-00:00`.
    pub fn is_utc(&self) -> bool {
        Parsed::parse(&self.0).is_some_and(|parsed| parsed.offset_minutes == 0)
    }
}

impl From<Timestamp> for Time {
    /// In UTC, with as many fractional digits as it takes.
    fn from(timestamp: Timestamp) -> Self {
        Self(timestamp.to_string().into())
    }
}

impl TryFrom<String> for Time {
    type Error = InvalidTime;

    fn try_from(text: String) -> Result<Self, InvalidTime> {
        Self::new(text.into())
    }
}

impl FromStr for Time {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        text.to_owned().try_into()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

struct Parsed {
    date: Date,
    seconds_of_day: i64,
    nanoseconds: i32,
    offset_minutes: i64,
}

impl Parsed {
    /// RFC 3339, section 5.6, with the space between date and time that its note allows.
    fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (head, rest) = bytes.split_at_checked(19)?;
        let separators = head[4] == b'-'
            && head[7] == b'-'
            && matches!(head[10], b'T' | b't' | b' ')
            && head[13] == b':'
            && head[16] == b':';
        if !separators {
            return None;
        }
        let (year, month, day) = (
            digits(&head[..4])?,
            digits(&head[5..7])?,
            digits(&head[8..10])?,
        );
        let (hour, minute) = (digits(&head[11..13])?, digits(&head[14..16])?);
        let second = digits(&head[17..19])?;
        let date = Date::new(
            i16::try_from(year).ok()?,
            i8::try_from(month).ok()?,
            i8::try_from(day).ok()?,
        )
        .ok()?;
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let (nanoseconds, offset) = fraction(rest)?;
        Some(Self {
            date,
            seconds_of_day: hour * 3600 + minute * 60 + second.min(59),
            nanoseconds,
            offset_minutes: offset_minutes(offset)?,
        })
    }

    fn timestamp(&self) -> Timestamp {
        let days = (self.date - Date::constant(1970, 1, 1)).get_days();
        let seconds = i64::from(days) * 86_400 + self.seconds_of_day - self.offset_minutes * 60;
        // The span of RFC 3339 lies within that of jiff but for the last hours of 9999.
        Timestamp::new(seconds, self.nanoseconds).unwrap_or(Timestamp::MAX)
    }
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |value, b| {
        b.is_ascii_digit().then(|| value * 10 + i64::from(b - b'0'))
    })
}

/// Reads `.digits` if it is there; gives nanoseconds and what follows.
fn fraction(rest: &[u8]) -> Option<(i32, &[u8])> {
    let Some(after) = rest.strip_prefix(b".") else {
        return Some((0, rest));
    };
    let count = after.iter().take_while(|b| b.is_ascii_digit()).count();
    let shown = count.min(9);
    let value = digits(&after[..shown])? * 10_i64.pow(9 - u32::try_from(shown).ok()?);
    (count > 0).then_some((i32::try_from(value).ok()?, &after[count..]))
}

fn offset_minutes(text: &[u8]) -> Option<i64> {
    match text {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), hour @ .., b':', m1, m2] if hour.len() == 2 => {
            let (hour, minute) = (digits(hour)?, digits(&[*m1, *m2])?);
            let valid = hour <= 23 && minute <= 59;
            let minutes = hour * 60 + minute;
            valid.then_some(if *sign == b'-' { -minutes } else { minutes })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::Time;

    fn instant(text: &str) -> String {
        text.parse::<Time>().expect(text).timestamp().to_string()
    }

    #[test]
    fn takes_the_examples_of_rfc_3339() {
        for (text, expected) in [
            ("1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.52Z"),
            ("1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57Z"),
            ("1990-12-31T23:59:60Z", "1990-12-31T23:59:59Z"),
            ("1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59Z"),
            ("1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.87Z"),
        ] {
            assert_eq!(instant(text), expected);
        }
    }

    #[test]
    fn truncates_and_saturates() {
        assert_eq!(
            instant("2000-01-01t00:00:00.1234567899999z"),
            "2000-01-01T00:00:00.123456789Z"
        );
        assert_eq!(instant("1969-12-31 23:59:59.9Z"), "1969-12-31T23:59:59.9Z");
        assert_eq!(
            instant("0000-01-01T00:00:00+23:59"),
            "-000001-12-31T00:01:00Z"
        );
        assert_eq!(
            instant("9999-12-31T23:59:59-23:59"),
            Timestamp::MAX.to_string()
        );
    }

    #[test]
    fn refuses_what_is_not_rfc_3339() {
        for refused in [
            "",
            "2026-11-23",
            "2026-11-23T20:57:12",
            "2026-11-23T20:57Z",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T00:60:00Z",
            "2026-11-23T00:00:61Z",
            "2026-11-23T00:00:00.Z",
            "2026-11-23T00:00:00+0100",
            "2026-11-23T00:00:00+24:00",
            "2026-11-23T00:00:00+01:60",
            "2026-11-23T00:00:00ZZ",
            "2026-11-23T00:00:00,5Z",
            "+026-11-23T00:00:00Z",
            "2026-11-23T00:00:00é",
            "２026-11-23T00:00:00Z",
        ] {
            assert!(refused.parse::<Time>().is_err(), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_jiff(seconds in -62_167_219_200_i64..253_402_207_200, nanos in 0..1_000_000_000) {
            let timestamp = Timestamp::new(seconds, nanos).unwrap();
            prop_assert_eq!(Time::from(timestamp).timestamp(), timestamp);
        }

        #[test]
        fn never_panics(text in any::<String>()) {
            if let Ok(time) = text.parse::<Time>() {
                time.timestamp();
            }
        }
    }
}
