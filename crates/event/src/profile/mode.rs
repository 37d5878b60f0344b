//! What a publish does about violations.

use std::fmt;
use std::str::FromStr;

use super::{Severity, Violation};

/// How strictly the profile runs at publish time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// An event with a violation of [`Severity::Error`] is refused.
    #[default]
    Enforce,
    /// Violations are reported and the event is published.
    Warn,
    /// Nothing is checked.
    Off,
}

impl Mode {
    /// `enforce`, `warn` or `off`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Warn => "warn",
            Self::Off => "off",
        }
    }

    /// Whether an event with these violations must not be published.
    pub fn refuses(self, violations: &[Violation]) -> bool {
        let blocking = |violation: &Violation| violation.severity == Severity::Error;
        self == Self::Enforce && violations.iter().any(blocking)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no [`Mode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such profile mode; write `enforce`, `warn` or `off`")]
pub struct UnknownMode;

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        let modes = [Self::Enforce, Self::Warn, Self::Off];
        modes
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or(UnknownMode)
    }
}
