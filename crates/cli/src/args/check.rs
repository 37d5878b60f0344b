use std::path::PathBuf;

use clap::Args;

use super::OutputArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
Exits with 65 when an event breaks a rule. Advice does not fail the check, unless --strict.

Examples:
    tidings check events/*.jsonl
    git show :event.json | tidings check
    tidings check --json events.jsonl | jq -r .code | sort | uniq -c
    tidings check --explain OEP41-type-grammar")]
pub struct CheckArgs {
    /// Files with one document a line, or a JSON array; standard input when there is none, or `-`
    #[arg(value_name = "FILE", conflicts_with = "explain")]
    pub files: Vec<PathBuf>,
    /// Fail on advice as well
    #[arg(long, conflicts_with = "explain")]
    pub strict: bool,
    /// Print what a rule asks for, why, and an example
    #[arg(long, value_name = "CODE")]
    pub explain: Option<String>,
    #[command(flatten)]
    pub output: OutputArgs,
}
