//! # OEP41-sourcehost
//!
//! ## What it does
//! Checks that the extension `sourcehost` is there and is a host name or an IP address.
//!
//! ## Why it matters
//! The source is logical; when an event is wrong, people need the machine or container that
//! emitted it.
//!
//! ## Example
//! ```json
//! {"source": "/openedx/lms/web"}
//! ```
//! Write instead:
//! ```json
//! {"source": "/openedx/lms/web", "sourcehost": "edx.devstack.lms"}
//! ```

use std::net::IpAddr;

use crate::Value;
use crate::profile::rule::{Check, Finding, Rule, Severity, Subject};

pub(in crate::profile) static RULE: Rule = Rule {
    code: "OEP41-sourcehost",
    severity: Severity::Error,
    statement: "must be the host name or IP address of the emitter",
    file: include_str!("sourcehost.rs"),
    check: Check::Event(check),
};

fn check(subject: &Subject<'_>) -> Option<Finding> {
    let value = subject.event.extension("sourcehost");
    if value.and_then(Value::as_str).is_some_and(is_host) {
        return None;
    }
    Some(Finding {
        attribute: "sourcehost",
        value: value.map(|value| value.text().into_owned()),
        remedy: "make events with an emitter, or write it like `edx.devstack.lms`",
    })
}

fn is_host(text: &str) -> bool {
    const LONGEST: usize = 253;
    // Underscores are no part of host names, and container engines use them all the same.
    let valid = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let label = |label: &str| !label.is_empty() && label.len() <= 63 && label.bytes().all(valid);
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_name = !name.is_empty() && name.len() <= LONGEST && name.split('.').all(label);
    is_name || text.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_host;

    #[test]
    fn takes_names_and_addresses() {
        for host in [
            "vm",
            "edx.devstack.lms",
            "lms_1",
            "10.0.0.7",
            "2001:db8::7",
            "host.example.org.",
        ] {
            assert!(is_host(host), "{host}");
        }
        for refused in [
            "",
            ".",
            "a b",
            "a..b",
            "-.ü",
            "http://host",
            "host:80",
            &"a".repeat(64),
        ] {
            assert!(!is_host(refused), "{refused}");
        }
    }
}
