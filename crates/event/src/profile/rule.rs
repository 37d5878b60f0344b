//! What a rule is.

use std::fmt;

use crate::Event;

/// How much a violation matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Advice, from a heuristic or about design. Never blocks a publish.
    Warning,
    /// The event breaks OEP-41. Blocks a publish under [`Mode::Enforce`](super::Mode::Enforce).
    Error,
}

impl Severity {
    /// `warning` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One rule of the profile.
pub struct Rule {
    pub(super) code: &'static str,
    pub(super) severity: Severity,
    /// What must hold, as the end of a sentence that begins with the attribute.
    pub(super) statement: &'static str,
    /// The rule's own file, whose header is its documentation: one text for readers of the code,
    /// of the published page and of the command line.
    pub(super) file: &'static str,
    pub(super) check: Check,
}

pub(super) enum Check {
    /// Looks at an event that was read.
    Event(fn(&Subject<'_>) -> Option<Finding>),
    /// Nothing that breaks the rule can be read: the decoder reports it.
    Reader,
}

/// What a rule looks at.
pub(super) struct Subject<'a> {
    pub(super) event: &'a Event,
    pub(super) encoded_len: usize,
}

/// What a rule finds.
pub(super) struct Finding {
    pub(super) attribute: &'static str,
    /// The attribute's value, if it has one; never a piece of the payload.
    pub(super) value: Option<String>,
    pub(super) remedy: &'static str,
}

impl Rule {
    /// The stable code, like `OEP41-type-grammar`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// How much a violation matters.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What must hold.
    pub fn statement(&self) -> &'static str {
        self.statement
    }

    /// The documentation in Markdown: a title, then *What it does*, *Why it matters* and
    /// *Example* under headings of the second level.
    pub fn docs(&self) -> String {
        let header = self.file.lines().map_while(|line| line.strip_prefix("//!"));
        let lines: Vec<&str> = header
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        lines.join("\n")
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("code", &self.code)
            .field("severity", &self.severity)
            .finish_non_exhaustive()
    }
}
