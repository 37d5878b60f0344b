//! What a change has to keep.

use std::fmt;
use std::str::FromStr;

/// What a change within a major version has to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// OEP-41: old and new read each other, no field goes away, and additions raise the minor
    /// version.
    #[default]
    Oep41,
    /// Who knows the new schema reads what was written by the old.
    Backward,
    /// Who knows the old schema reads what is written by the new.
    Forward,
    /// Both.
    Full,
    /// Nothing.
    None,
}

impl Mode {
    /// `oep-41`, `backward`, `forward`, `full` or `none`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oep41 => "oep-41",
            Self::Backward => "backward",
            Self::Forward => "forward",
            Self::Full => "full",
            Self::None => "none",
        }
    }

    pub(super) fn asks_backward(self) -> bool {
        matches!(self, Self::Oep41 | Self::Backward | Self::Full)
    }

    pub(super) fn asks_forward(self) -> bool {
        matches!(self, Self::Oep41 | Self::Forward | Self::Full)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no [`Mode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such mode; write `oep-41`, `backward`, `forward`, `full` or `none`")]
pub struct UnknownMode;

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        let modes = [
            Self::Oep41,
            Self::Backward,
            Self::Forward,
            Self::Full,
            Self::None,
        ];
        modes
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or(UnknownMode)
    }
}
