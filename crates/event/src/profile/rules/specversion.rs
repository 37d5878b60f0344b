//! # OEP41-specversion
//!
//! ## What it does
//! Checks that `specversion` is `1.0`.
//!
//! ## Why it matters
//! It says by which version of CloudEvents the other attributes are to be read. OEP-41 uses 1.0
//! and nothing else; readers refuse other versions whatever the mode of the profile.
//!
//! ## Example
//! ```json
//! {"specversion": "0.3"}
//! ```
//! Write instead:
//! ```json
//! {"specversion": "1.0"}
//! ```

use crate::profile::rule::{Check, Rule, Severity};

pub(in crate::profile) static RULE: Rule = Rule {
    code: "OEP41-specversion",
    severity: Severity::Error,
    statement: "must be `1.0`",
    file: include_str!("specversion.rs"),
    check: Check::Reader,
};
