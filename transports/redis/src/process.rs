//! The process that keeps the log.

use std::time::Duration;

use tidings_transport::LogProcess;

use crate::transport::fact;

/// The process that the server's information tells of.
pub(crate) fn process(info: &str) -> Option<LogProcess> {
    let id = fact(info, "run_id")?;
    Some(LogProcess::new(id, up(info)?))
}

/// For how long it has been up, or less by at most a second.
///
/// `uptime_in_seconds` is a difference of seconds of the clock, so a server that was started at the
/// end of one tells 1 a moment later. Started it was somewhere in the second that is so far behind
/// this one: what counts is since the end of that.
fn up(info: &str) -> Option<Duration> {
    let seconds: u64 = fact(info, "uptime_in_seconds")?.parse().ok()?;
    let now: Option<u64> = fact(info, "server_time_usec").and_then(|now| now.parse().ok());
    let fraction = Duration::from_micros(now.unwrap_or_default() % 1_000_000);
    let since_that_second_began = Duration::from_secs(seconds) + fraction;
    Some(since_that_second_began.saturating_sub(Duration::from_secs(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_never_up_for_longer_than_it_is() {
        for (now, uptime, least) in [
            // Started in the second 100.
            (100_950_000_u64, 0, 0),
            (101_050_000, 1, 50),
            (102_500_000, 2, 1_500),
        ] {
            let info = format!(
                "# Server\r\nrun_id:abc\r\nuptime_in_seconds:{uptime}\r\nserver_time_usec:{now}\r\n"
            );
            let expected = LogProcess::new("abc", Duration::from_millis(least));
            assert_eq!(process(&info), Some(expected));
        }
        let without = "run_id:abc\r\nuptime_in_seconds:2\r\n";
        let expected = LogProcess::new("abc", Duration::from_secs(1));
        assert_eq!(process(without), Some(expected));
        assert_eq!(process("uptime_in_seconds:2\r\n"), None);
    }
}
