//! Times as Python's `datetime.isoformat` writes them.

use jiff::tz::Offset;

use crate::Time;

/// The time in UTC as `2026-11-23T20:57:12.222128+00:00`, without the fraction if it is zero.
///
/// The package's reader refuses every offset but that of UTC, and before Python 3.11 every other
/// way to write it (`Z`, three digits or nine). Digits beyond microseconds are cut off. `None`
/// outside the years 1 to 9999, which Python's dates cannot express.
pub(super) fn isoformat(time: &Time) -> Option<String> {
    let civil = Offset::UTC.to_datetime(time.timestamp());
    if civil.year() < 1 {
        return None;
    }
    let (date, clock) = (civil.date(), civil.time());
    let mut text = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        date.year(),
        date.month(),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second()
    );
    let micros = clock.subsec_nanosecond() / 1000;
    if micros != 0 {
        text.push_str(&format!(".{micros:06}"));
    }
    text.push_str("+00:00");
    Some(text)
}
