//! # control-flow
//!
//! ## What it does
//! Looks for fields by which a producer tells consumers what to do: `force`, `dry_run`,
//! `callback_url`, `reply_to`, `should_…`, `do_…`, `send_…`, `notify`.
//!
//! ## Why it matters
//! An event says what happened; what follows from it each consumer decides. A field that steers one
//! consumer makes the event a command to that one, and a riddle to all others.
//!
//! ## Example
//! ```yaml
//! schema:
//!   properties:
//!     send_email: {type: boolean}
//! ```
//! Say why instead: `enrolled_by: {enum: [learner, staff]}`.

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule, Setting};
use crate::lint::subject::Subject;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "control-flow",
    level: Level::Warning,
    file: include_str!("control_flow.rs"),
    settings: &[Setting {
        name: "fields",
        about: "names of fields that are no instructions",
    }],
    check,
};

const WORDS: &[&str] = &[
    "callback",
    "callback_url",
    "command",
    "dry_run",
    "force",
    "instruction",
    "notify",
    "on_failure",
    "on_success",
    "reply_to",
    "response_topic",
    "retry",
    "webhook",
    "webhook_url",
];

const BEGINNINGS: &[&str] = &["do_", "dont_", "please_", "send_", "should_", "skip_"];

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let steers = |name: &str| {
        WORDS.contains(&name) || BEGINNINGS.iter().any(|begin| name.starts_with(begin))
    };
    let fields = subject
        .fields
        .iter()
        .filter(|field| steers(field.path.last()) && !subject.lists("fields", field.path.last()));
    let draft = |field: &crate::Field| {
        Draft::new(
            subject.event.locate_field(&field.path),
            format!("`{}` looks like an instruction to a consumer", field.path),
            "say what happened, and let consumers decide what to do",
        )
    };
    fields.map(draft).collect()
}
