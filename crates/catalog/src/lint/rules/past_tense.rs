//! # past-tense
//!
//! ## What it does
//! Looks whether the action, the part of the type before the major version, ends in a word in the
//! past tense. This is a guess by the form of English words.
//!
//! ## Why it matters
//! An event says what its service just did. An action in another tense is often a command in
//! disguise ("please do this"), or names a state that consumers would have to interpret.
//!
//! ## Example
//! ```yaml
//! type: org.example.learning.launch.success.v1
//! ```
//! Write instead:
//! ```yaml
//! type: org.example.learning.launch.succeeded.v1
//! ```

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule, Setting};
use crate::lint::subject::Subject;
use tidings_event::profile::is_past_tense;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "past-tense",
    level: Level::Warning,
    file: include_str!("past_tense.rs"),
    settings: &[Setting {
        name: "words",
        about: "actions that are in the past tense although they do not look so",
    }],
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let Some((_, action)) = subject.event.name().rsplit_once('.') else {
        return Vec::new();
    };
    if is_past_tense(action) || subject.lists("words", action) {
        return Vec::new();
    }
    vec![Draft::new(
        subject.event.locate(&["type"]),
        format!("the action `{action}` does not look like past tense"),
        "say what was done, like `created` or `completed`; `words` in tidings.toml lists others \
         that are",
    )]
}
