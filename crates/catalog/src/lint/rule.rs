//! What a rule is.

use std::fmt;
use std::str::FromStr;

use super::finding::Draft;
use super::subject::Subject;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// The rule does not run.
    Off,
    /// Advice: a guess, or a matter of taste.
    Warning,
    /// It is wrong.
    Error,
}

impl Level {
    /// `off`, `warning` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no [`Level`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such level; write `off`, `warning` or `error`")]
pub struct UnknownLevel;

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        let levels = [Self::Off, Self::Warning, Self::Error];
        levels
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or(UnknownLevel)
    }
}

/// A list of words that a rule takes from the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub about: &'static str,
}

/// One rule of the lint.
pub struct LintRule {
    pub(super) code: &'static str,
    /// The level, unless the settings say another.
    pub(super) level: Level,
    /// The rule's own file, whose header is its documentation.
    pub(super) file: &'static str,
    pub(super) settings: &'static [Setting],
    pub(super) check: fn(&Subject<'_>) -> Vec<Draft>,
}

impl LintRule {
    /// The stable code, like `past-tense`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The level, unless the settings say another.
    pub fn level(&self) -> Level {
        self.level
    }

    /// What it takes from the settings.
    pub fn settings(&self) -> &'static [Setting] {
        self.settings
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

impl fmt::Debug for LintRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LintRule")
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}
