//! # OEP41-minorversion
//!
//! ## What it does
//! Checks that the extension `minorversion` is there and is an integer from 0.
//!
//! ## Why it matters
//! The minor version grows when the payload gains something compatible. Consumers see by it which
//! fields they may expect, and wires without field names pick their schema by it.
//!
//! ## Example
//! ```json
//! {"minorversion": "1.2"}
//! ```
//! Write instead:
//! ```json
//! {"minorversion": 2}
//! ```

use crate::profile::rule::{Check, Finding, Rule, Severity, Subject};

pub(in crate::profile) static RULE: Rule = Rule {
    code: "OEP41-minorversion",
    severity: Severity::Error,
    statement: "must be an integer from 0",
    file: include_str!("minorversion.rs"),
    check: Check::Event(check),
};

fn check(subject: &Subject<'_>) -> Option<Finding> {
    if subject.event.minorversion().is_some_and(|minor| minor >= 0) {
        return None;
    }
    let value = subject.event.extension("minorversion");
    Some(Finding {
        attribute: "minorversion",
        value: value.map(|value| value.text().into_owned()),
        remedy: "write 0 for the first version of a type's payload",
    })
}
