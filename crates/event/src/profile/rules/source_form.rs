//! # OEP41-source-form
//!
//! ## What it does
//! Checks that `source` has the form `/{namespace}/{service}/{web or worker}`, with letters,
//! digits, `-`, `.`, `_` and `~` in its parts.
//!
//! ## Why it matters
//! The source names the logical origin of an event: for people who read logs, and as the half of
//! the identity that stands beside `id`. One form everywhere keeps consumers from taking it
//! apart, which OEP-41 asks them not to do: services are split and renamed without warning.
//!
//! ## Example
//! ```json
//! {"source": "openedx/lms"}
//! ```
//! Write instead:
//! ```json
//! {"source": "/openedx/lms/web"}
//! ```

use crate::profile::rule::{Check, Finding, Rule, Severity, Subject};

pub(in crate::profile) static RULE: Rule = Rule {
    code: "OEP41-source-form",
    severity: Severity::Error,
    statement: "must have the form /{namespace}/{service}/{web or worker}",
    file: include_str!("source_form.rs"),
    check: Check::Event(check),
};

fn check(subject: &Subject<'_>) -> Option<Finding> {
    let source = subject.event.source();
    (!has_form(source)).then(|| Finding {
        attribute: "source",
        value: Some(source.to_owned()),
        remedy: "make events with an emitter, or write it like `/openedx/lms/web`",
    })
}

fn has_form(source: &str) -> bool {
    let mut parts = source.split('/');
    let absolute = parts.next() == Some("");
    let named = parts.by_ref().take(2).filter(|part| is_name(part)).count() == 2;
    let role = matches!(parts.next(), Some("web" | "worker"));
    absolute && named && role && parts.next().is_none()
}

fn is_name(part: &str) -> bool {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    !part.is_empty() && part.bytes().all(unreserved)
}

#[cfg(test)]
mod tests {
    use super::has_form;

    #[test]
    fn takes_three_parts_with_a_known_role() {
        assert!(has_form("/openedx/discovery/web") && has_form("/my.org/lms-2/worker"));
        for refused in [
            "",
            "/",
            "openedx/lms/web",
            "/openedx/lms",
            "/openedx/lms/web/",
            "/openedx//web",
            "/openedx/lms/celery",
            "/openedx/lms/Web",
            "/a/b/c/web",
            "/a/b%20c/web",
            "https://example.org/openedx/lms/web",
        ] {
            assert!(!has_form(refused), "{refused}");
        }
    }
}
