//! Numbers as people read them.

use std::time::Duration;

use jiff::{Timestamp, Unit};
use tidings_transport::Count;

/// `1,234,567`.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `12`, `12+` for a lower bound, `?` when nobody can tell.
pub fn count(count: Count) -> String {
    match count {
        Count::Exactly(n) => number(n),
        Count::AtLeast(n) => format!("{}+", number(n)),
        Count::Unknown => "?".to_owned(),
    }
}

/// `1 event`, `1,234 events`, `1,200+ events`, `an unknown number of events`.
pub fn counted(n: Count, noun: &str) -> String {
    match n {
        Count::Exactly(1) => format!("1 {noun}"),
        Count::Unknown => format!("an unknown number of {noun}s"),
        n => format!("{} {noun}s", count(n)),
    }
}

/// The same for programs: a number, and how sure it is.
pub fn count_as_json(count: Count) -> (Option<u64>, &'static str) {
    match count {
        Count::Exactly(n) => (Some(n), "exact"),
        Count::AtLeast(n) => (Some(n), "at_least"),
        Count::Unknown => (None, "unknown"),
    }
}

/// Two units at most: `0s`, `0.4s`, `12s`, `3m 5s`, `2h 10m`, `3d 4h`.
pub fn age(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let pair = |big: u64, big_unit, small: u64, small_unit| match small {
        0 => format!("{big}{big_unit}"),
        _ => format!("{big}{big_unit} {small}{small_unit}"),
    };
    match seconds {
        0 if duration.is_zero() => "0s".to_owned(),
        0..10 => format!("{:.1}s", duration.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3_600 => pair(seconds / 60, "m", seconds % 60, "s"),
        3_600..86_400 => pair(seconds / 3_600, "h", seconds % 3_600 / 60, "m"),
        _ => pair(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

/// `812 B`, `1.4 KiB`, `3.0 GiB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let (mut size, mut unit) = (n as f64 / 1024.0, 0);
    while size >= 1023.95 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

/// UTC to the second: `2026-11-23 20:57:12Z`.
pub fn time(time: Timestamp) -> String {
    let whole = time.round(Unit::Second).unwrap_or(time);
    whole.to_string().replacen('T', " ", 1)
}

#[cfg(test)]
mod tests {
    use super::{age, bytes, count, counted, number, time};
    use std::time::Duration;
    use tidings_transport::Count;

    #[test]
    fn numbers_are_grouped() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(n), text);
        }
        assert_eq!(count(Count::AtLeast(1_200)), "1,200+");
        assert_eq!(count(Count::Unknown), "?");
        assert_eq!(counted(Count::Exactly(1), "event"), "1 event");
        assert_eq!(counted(Count::AtLeast(1), "event"), "1+ events");
        assert_eq!(
            counted(Count::Unknown, "event"),
            "an unknown number of events"
        );
    }

    #[test]
    fn ages_have_two_units_at_most() {
        for (millis, text) in [
            (0, "0s"),
            (420, "0.4s"),
            (12_999, "12s"),
            (60_000, "1m"),
            (185_000, "3m 5s"),
            (7_800_000, "2h 10m"),
            (273_600_000, "3d 4h"),
        ] {
            assert_eq!(age(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn sizes_and_times() {
        for (n, text) in [
            (812, "812 B"),
            (1_434, "1.4 KiB"),
            (1_048_575, "1.0 MiB"),
            (u64::MAX, "16384.0 PiB"),
        ] {
            assert_eq!(bytes(n), text);
        }
        assert_eq!(
            time("2026-11-23T20:57:12.4Z".parse().unwrap()),
            "2026-11-23 20:57:12Z"
        );
    }
}
