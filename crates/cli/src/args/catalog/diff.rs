use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tidings_catalog::evolution::Mode;

use crate::args::OutputArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
OLD and NEW are folders of definitions, git revisions of the catalog that is named, or
REVISION:FOLDER of the git repository here. Without NEW it is what OLD names, as it is now.

Exits with 65 when a change breaks what was promised, or when it could not be proven that it does
not. Each break comes with an event that shows it, and names the consumers whose contract it breaks.
What is tagged as personal data, or no longer is, is told and breaks nothing.

Examples:
    tidings catalog diff origin/main
    tidings catalog diff origin/main:events
    tidings catalog diff v1.2 v1.3 --catalog events
    tidings catalog diff v1.2:events v1.3:events --mode backward
    tidings catalog diff events.old events --json | jq -r 'select(.severity==\"breaking\") | .event'")]
pub struct DiffArgs {
    /// The older state: a folder, a revision, or REVISION:FOLDER
    #[arg(value_name = "OLD")]
    pub old: String,
    /// The newer state: a folder, a revision, or REVISION:FOLDER
    #[arg(value_name = "NEW")]
    pub new: Option<String>,
    /// What a change within a major version has to keep
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    pub mode: ModeArg,
    /// Show compatible changes as well
    #[arg(long)]
    pub all: bool,
    /// Write annotations that GitHub Actions shows beside the lines of a pull request
    #[arg(long, conflicts_with = "json")]
    pub github: bool,
    /// A folder of the catalog that a revision is one of; may be repeated (else TIDINGS_CATALOG,
    /// else tidings.toml)
    #[arg(long, value_name = "DIR", help_heading = "Catalog")]
    pub catalog: Vec<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ModeArg {
    /// Old and new read each other, no field goes, additions raise the minor version
    #[default]
    #[value(name = "oep-41")]
    Oep41,
    /// Who knows the new schema reads what was written by the old
    Backward,
    /// Who knows the old schema reads what is written by the new
    Forward,
    /// Both of these
    Full,
    /// Nothing
    None,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Oep41 => Self::Oep41,
            ModeArg::Backward => Self::Backward,
            ModeArg::Forward => Self::Forward,
            ModeArg::Full => Self::Full,
            ModeArg::None => Self::None,
        }
    }
}
