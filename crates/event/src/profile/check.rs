//! Running the rules.

use super::rule::{Check, Severity, Subject};
use super::{Violation, rules};
use crate::Event;

/// Checks an event against every rule, in the order of [`rules`].
///
/// `encoded_len` is the length of its JSON structured document in bytes, as it is or will be
/// published.
pub fn check(event: &Event, encoded_len: usize) -> Vec<Violation> {
    run(event, encoded_len, |_| true)
}

/// Checks an event against the rules that may block a publish, those of [`Severity::Error`]. It
/// looks at attributes only and allocates nothing unless it finds something.
pub fn check_blocking(event: &Event, encoded_len: usize) -> Vec<Violation> {
    run(event, encoded_len, |severity| severity == Severity::Error)
}

fn run(event: &Event, encoded_len: usize, wanted: fn(Severity) -> bool) -> Vec<Violation> {
    let subject = Subject { event, encoded_len };
    let wanted = rules().iter().filter(|rule| wanted(rule.severity()));
    let found = wanted.filter_map(|rule| match rule.check {
        Check::Event(check) => check(&subject).map(|finding| Violation::new(rule, finding)),
        Check::Reader => None,
    });
    found.collect()
}
