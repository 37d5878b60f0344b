//! What is found.

use std::fmt;
use std::sync::Arc;

use super::Level;
use crate::{EventDefinition, Location};

/// A rule that a definition breaks, where, and what to do.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Finding {
    /// The code of the rule.
    pub rule: &'static str,
    /// How much it matters, by the rule or the settings.
    pub level: Level,
    /// The type of the event.
    pub event_type: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Where.
    pub location: Location,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}[{}]: {}; {}",
            self.location, self.level, self.rule, self.message, self.help
        )
    }
}

/// A finding that its definition allows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Allowed {
    /// What was found.
    pub finding: Finding,
    /// Why it is allowed.
    pub reason: String,
}

/// What the lint says of a catalog.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LintReport {
    /// What is wrong, by file and then by place.
    pub findings: Vec<Finding>,
    /// What would be, but its definition allows it.
    pub allowed: Vec<Allowed>,
    /// How many definitions were looked at.
    pub definitions: usize,
}

impl LintReport {
    /// How many findings there are of a level.
    pub fn count(&self, level: Level) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.level == level)
            .count()
    }
}

/// What a rule hands back: the rest is known to who called it.
pub(super) struct Draft {
    pub(super) location: Location,
    pub(super) message: String,
    pub(super) help: String,
}

impl Draft {
    pub(super) fn new(
        location: Location,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            location,
            message: message.into(),
            help: help.into(),
        }
    }

    pub(super) fn finish(
        self,
        rule: &'static str,
        level: Level,
        event: &Arc<EventDefinition>,
    ) -> Finding {
        Finding {
            rule,
            level,
            event_type: event.event_type.clone(),
            message: self.message,
            help: self.help,
            location: self.location,
        }
    }
}
