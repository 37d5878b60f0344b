use std::path::PathBuf;

use clap::Args;

use crate::args::OutputArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
Exits with 65 when a definition cannot be read or breaks a rule of level error. Warnings do not fail
the lint, unless --strict.

Examples:
    tidings catalog lint
    tidings catalog lint events --strict
    tidings catalog lint --github
    tidings catalog lint --rule pii-untagged --json | jq -r .event
    tidings catalog lint --explain callbacks")]
pub struct LintArgs {
    /// Folders of event definitions, looked at together (else TIDINGS_CATALOG, else tidings.toml)
    #[arg(value_name = "DIR", conflicts_with = "explain")]
    pub folders: Vec<PathBuf>,
    /// The same as DIR, as the other commands name it
    #[arg(long, value_name = "DIR", conflicts_with_all = ["folders", "explain"])]
    pub catalog: Vec<PathBuf>,
    /// Only this rule; may be repeated
    #[arg(long, value_name = "CODE", conflicts_with = "explain")]
    pub rule: Vec<String>,
    /// Fail on warnings as well
    #[arg(long, conflicts_with = "explain")]
    pub strict: bool,
    /// Show what definitions except themselves from, with the reasons
    #[arg(long, conflicts_with = "explain")]
    pub allowed: bool,
    /// Write annotations that GitHub Actions shows beside the lines of a pull request
    #[arg(long, conflicts_with_all = ["json", "explain"])]
    pub github: bool,
    /// Print what a rule asks for, why, and an example; `all` prints the page of all rules
    #[arg(long, value_name = "CODE")]
    pub explain: Option<String>,
    #[command(flatten)]
    pub output: OutputArgs,
}
