use std::fmt;
use std::path::PathBuf;

/// Who named a setting: errors about it say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An option of the command line.
    Option(&'static str),
    /// A variable of the environment.
    Variable(&'static str),
    /// A file.
    File(PathBuf),
    /// Nobody: the command has one of its own.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(name) | Self::Variable(name) => f.write_str(name),
            Self::Default => f.write_str("the command itself"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}
