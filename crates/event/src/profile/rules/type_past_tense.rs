//! # OEP41-type-past-tense
//!
//! ## What it does
//! Looks whether the action, the part of `type` before the major version, ends in a word in the
//! past tense. This is a guess by the form of English words, so it only warns, and only in the
//! lint.
//!
//! ## Why it matters
//! An event says what its service just did. An action in another tense is often a command in
//! disguise ("please do this"), or names a state that consumers would have to interpret.
//!
//! ## Example
//! ```json
//! {"type": "org.openedx.learning.lti_provider.launch.success.v1"}
//! ```
//! Write instead:
//! ```json
//! {"type": "org.openedx.learning.lti_provider.launch.succeeded.v1"}
//! ```

use crate::profile::rule::{Check, Finding, Rule, Severity, Subject};
use crate::profile::type_name::action;

pub(in crate::profile) static RULE: Rule = Rule {
    code: "OEP41-type-past-tense",
    severity: Severity::Warning,
    statement: "should name an action in the past tense",
    file: include_str!("type_past_tense.rs"),
    check: Check::Event(check),
};

fn check(subject: &Subject<'_>) -> Option<Finding> {
    let event_type = subject.event.event_type();
    let action = action(event_type)?;
    (!is_past_tense(action)).then(|| Finding {
        attribute: "type",
        value: Some(event_type.to_owned()),
        remedy: "say what was done, like `created` or `completed`",
    })
}

/// Past forms and participles that do not end in `ed`, or end in `eed`.
const IRREGULAR: &[&str] = &[
    "agreed",
    "became",
    "become",
    "begun",
    "bought",
    "bound",
    "broken",
    "brought",
    "built",
    "caught",
    "chosen",
    "cut",
    "dealt",
    "decreed",
    "disagreed",
    "done",
    "drawn",
    "driven",
    "found",
    "forbidden",
    "forgotten",
    "freed",
    "frozen",
    "given",
    "gone",
    "grown",
    "guaranteed",
    "heard",
    "held",
    "hidden",
    "hit",
    "kept",
    "left",
    "lent",
    "let",
    "lost",
    "made",
    "met",
    "overridden",
    "overwritten",
    "paid",
    "put",
    "quit",
    "read",
    "rebuilt",
    "redone",
    "rerun",
    "resent",
    "reset",
    "rewritten",
    "risen",
    "run",
    "said",
    "seen",
    "sent",
    "set",
    "shown",
    "shut",
    "sold",
    "spent",
    "split",
    "spoken",
    "spread",
    "stolen",
    "stuck",
    "sworn",
    "taken",
    "taught",
    "thrown",
    "told",
    "torn",
    "undone",
    "understood",
    "unset",
    "upset",
    "withdrawn",
    "withheld",
    "won",
    "worn",
    "written",
];

/// Words in `ed` that are no past form.
const PRESENT: &[&str] = &[
    "embed", "red", "bed", "hundred", "kindred", "sacred", "naked",
];

/// Whether an action, like `due_date_passed`, ends in a word that looks like the past tense.
pub fn is_past_tense(action: &str) -> bool {
    // OEP-41 writes `redemption_reversed`; some real types write `redemption-reversed`.
    let word = action.rsplit(['_', '-']).next().unwrap_or(action);
    let regular = word.ends_with("ed") && !word.ends_with("eed") && !PRESENT.contains(&word);
    regular || IRREGULAR.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::is_past_tense;

    #[test]
    fn knows_regular_and_irregular_forms() {
        for past in [
            "created",
            "due_date_passed",
            "sent",
            "not_found",
            "agreed",
            "rerun",
            "unenrolled",
        ] {
            assert!(is_past_tense(past), "{past}");
        }
        for other in [
            "create",
            "success",
            "update",
            "feed",
            "proceed",
            "embed",
            "created_now",
            "",
        ] {
            assert!(!is_past_tense(other), "{other}");
        }
    }
}
