//! Values that several commands read.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use tidings::Until;
use tidings_transport::{Position, Start};

/// A duration as people write it: `2s`, `500ms`, `1m30s`, `2 hours`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let parsed: SignedDuration = text.parse().map_err(|_| {
        format!("{text:?} is not a duration; write a number and a unit: 500ms, 2s, 1m30s")
    })?;
    Duration::try_from(parsed).map_err(|_| "must not be negative".to_owned())
}

/// A duration that is not zero.
pub fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("must be longer than 0".to_owned()),
        long_enough => Ok(long_enough),
    }
}

/// A duration that may be long: as [`duration`], and `30d`, `2 weeks`; a day has 24 hours.
pub fn long_duration(text: &str) -> Result<Duration, String> {
    let rule = || format!("{text:?} is not a duration; write a number and a unit: 12h, 30d, 4w");
    let span: Span = text.parse().map_err(|_| rule())?;
    let days = SpanRelativeTo::days_are_24_hours();
    let length = span.to_duration(days).map_err(|_| rule())?;
    match Duration::try_from(length) {
        Ok(Duration::ZERO) => Err("must be longer than 0".to_owned()),
        Ok(length) => Ok(length),
        Err(_) => Err("must not be negative".to_owned()),
    }
}

/// Where to begin: `latest`, `earliest`, an RFC 3339 time, or a position.
pub fn start(text: &str) -> Result<Start, String> {
    // A mistyped word would be taken for a position, and refused only by the log, if at all.
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphabetic()) && !is_start(text) {
        return Err(format!(
            "{text:?} is none of latest, earliest, an RFC 3339 time such as 2026-11-23T20:57:12Z, \
             or a position as `tidings tail` and `tidings groups` print it"
        ));
    }
    text.parse()
        .map_err(|e: tidings_transport::Error| e.to_string())
}

fn is_start(text: &str) -> bool {
    matches!(text, "latest" | "earliest")
}

/// An RFC 3339 time.
pub fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        format!("{text:?} is not an RFC 3339 time; write it like 2026-11-23T20:00:00Z")
    })
}

/// Where to end: an RFC 3339 time, or else a position.
pub fn until(text: &str) -> Result<Until, String> {
    match text.parse() {
        Ok(time) => Ok(Until::Time(time)),
        Err(_) => position(text).map(Until::Position),
    }
}

/// A position, as the log prints it.
pub fn position(text: &str) -> Result<Position, String> {
    match text {
        "" | "latest" | "earliest" => Err(format!("{text:?} is not a position")),
        text => Ok(Position::new(text)),
    }
}

/// A topic as the user names it; the bus adds its prefix and checks the full name.
pub fn topic(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("is empty; name a topic".to_owned());
    }
    Ok(text.to_owned())
}

/// `HOST:PORT`; the host may be a name, or an IPv6 address in brackets.
pub fn address(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
            Ok(text.to_owned())
        }
        _ => Err(format!(
            "{text:?} is not HOST:PORT; write for example 127.0.0.1:9464, or 0.0.0.0:9464 for \
             every address of this machine"
        )),
    }
}

/// `NAME=VALUE`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("{text:?} is not NAME=VALUE")),
    }
}

#[cfg(test)]
mod tests {
    use super::{address, duration, long_duration, pair, positive_duration, start};
    use std::time::Duration;

    #[test]
    fn a_long_duration_has_days_and_weeks() {
        const DAY: u64 = 24 * 3_600;
        assert_eq!(long_duration("30d"), Ok(Duration::from_secs(30 * DAY)));
        assert_eq!(long_duration("2 weeks"), Ok(Duration::from_secs(14 * DAY)));
        assert_eq!(long_duration("1d12h"), Ok(Duration::from_secs(36 * 3_600)));
        for wrong in ["", "30", "0d", "-1d", "1 month", "soon"] {
            assert!(long_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_mistyped_start_is_no_position() {
        assert!(
            start("soon")
                .unwrap_err()
                .contains("none of latest, earliest")
        );
        for good in [
            "latest",
            "earliest",
            "42",
            "1700-0",
            "0:12,1:9",
            "2026-11-23T20:57:12Z",
        ] {
            assert!(start(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn durations_are_written_as_people_write_them() {
        assert_eq!(duration("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        for wrong in ["2", "-2s", "soon", "", "9999999999999999999h"] {
            assert!(duration(wrong).is_err(), "{wrong:?} was taken");
        }
        assert!(positive_duration("0s").is_err());
    }

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for good in ["127.0.0.1:9464", "localhost:0", "[::1]:80"] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in [
            "9464",
            ":9464",
            "localhost",
            "localhost:",
            "localhost:70000",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pair_keeps_further_signs_of_equality() {
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(pair("=b").is_err());
        assert!(pair("ab").is_err());
    }
}
