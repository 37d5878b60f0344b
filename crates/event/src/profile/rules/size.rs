//! # OEP41-size
//!
//! ## What it does
//! Checks that the JSON structured document of the event has at most 65,536 bytes. The document
//! is what counts, whichever wire carries the event.
//!
//! ## Why it matters
//! Every log, gateway and consumer takes events of 64 KiB; more may be refused or cut off
//! somewhere on the way. Payloads that large mostly carry what few consumers want.
//!
//! ## Example
//! A `course.published` event with the whole course outline in it. Emit several events that each
//! tell one change, or put large content where consumers can fetch it from storage that bears
//! the load.

use crate::profile::MAX_DOCUMENT;
use crate::profile::rule::{Check, Finding, Rule, Severity, Subject};

pub(in crate::profile) static RULE: Rule = Rule {
    code: "OEP41-size",
    severity: Severity::Error,
    statement: "must have at most 65,536 bytes in its encoded form",
    file: include_str!("size.rs"),
    check: Check::Event(check),
};

fn check(subject: &Subject<'_>) -> Option<Finding> {
    (subject.encoded_len > MAX_DOCUMENT).then(|| Finding {
        attribute: "document",
        value: Some(format!("{} bytes", subject.encoded_len)),
        remedy: "split the event, or leave out what consumers do not need",
    })
}
