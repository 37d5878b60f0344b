//! # OEP41-time-utc
//!
//! ## What it does
//! Checks that `time` is there and is written in UTC: with `Z` or `+00:00` at its end.
//!
//! ## Why it matters
//! The time says when the thing happened, and is taken from the database row's own `created_at`
//! or `updated_at` where there is one, so that both match exactly. One offset everywhere lets
//! people compare times, and several versions of one event carry the identical text.
//!
//! ## Example
//! ```json
//! {"time": "2020-02-23T10:00:00+01:00"}
//! ```
//! Write instead:
//! ```json
//! {"time": "2020-02-23T09:00:00Z"}
//! ```

use crate::Time;
use crate::profile::rule::{Check, Finding, Rule, Severity, Subject};

pub(in crate::profile) static RULE: Rule = Rule {
    code: "OEP41-time-utc",
    severity: Severity::Error,
    statement: "must be there, in UTC",
    file: include_str!("time_utc.rs"),
    check: Check::Event(check),
};

fn check(subject: &Subject<'_>) -> Option<Finding> {
    let time = subject.event.time();
    if time.is_some_and(Time::is_utc) {
        return None;
    }
    Some(Finding {
        attribute: "time",
        value: time.map(|time| time.as_str().to_owned()),
        remedy: "write the time in UTC, like `2020-02-23T09:00:00Z`",
    })
}
