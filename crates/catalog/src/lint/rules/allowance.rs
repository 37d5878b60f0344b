//! # allowance
//!
//! ## What it does
//! Checks the exceptions of a definition: each names a rule that there is, and that the definition
//! breaks.
//!
//! ## Why it matters
//! An exception that is no longer needed hides the next finding.
//!
//! ## Example
//! ```yaml
//! key: course.course_key
//! allow:
//!   - {rule: missing-key, reason: It had none}
//! ```
//! Take the exception out.

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "allowance",
    level: Level::Warning,
    file: include_str!("allowance.rs"),
    settings: &[],
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    // The run itself does it, since only the run knows which exceptions were used.
    let _ = subject;
    Vec::new()
}
