//! # OEP41-type-grammar
//!
//! ## What it does
//! Checks that `type` has the form
//! `{reverse DNS}.{subdomain}.{subject}.{action}.v{major}`: lower case, an underscore between the
//! words of one part, majors from `v1`. The subject may have several parts.
//!
//! ## Why it matters
//! Routing, schemas and ownership go by the type. The reverse DNS keeps organisations apart, the
//! subdomain says who owns the event, and the major version lets an incompatible change run
//! beside its predecessor.
//!
//! ## Example
//! ```json
//! {"type": "openedx.courseCreated"}
//! ```
//! Write instead:
//! ```json
//! {"type": "org.openedx.catalog.course.created.v1"}
//! ```

use crate::profile::rule::{Check, Finding, Rule, Severity, Subject};
use crate::profile::type_name::follows_grammar;

pub(in crate::profile) static RULE: Rule = Rule {
    code: "OEP41-type-grammar",
    severity: Severity::Error,
    statement: "must have the form {reverse DNS}.{subdomain}.{subject}.{action}.v{major}, \
                in lower case with underscores between words",
    file: include_str!("type_grammar.rs"),
    check: Check::Event(check),
};

fn check(subject: &Subject<'_>) -> Option<Finding> {
    let event_type = subject.event.event_type();
    (!follows_grammar(event_type)).then(|| Finding {
        attribute: "type",
        value: Some(event_type.to_owned()),
        remedy: "name it like `org.openedx.catalog.course.created.v1`",
    })
}
