use std::path::PathBuf;

use clap::Args;

use super::OutputArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
Exits with 65 when an event breaks a rule. Advice does not fail the check, unless --strict.

With a catalog, events are held to it as `tidings publish` holds them: an unknown type, another
key, a payload without its schema; and with --service the event of another service.

Examples:
    tidings check events/*.jsonl
    tidings check --catalog events --service catalog sent.jsonl
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
    /// A folder of event definitions, may be repeated; the first that has a type wins (else
    /// TIDINGS_CATALOG, else tidings.toml, else events are held to the profile alone)
    #[arg(
        long,
        value_name = "DIR",
        help_heading = "Catalog",
        conflicts_with = "explain"
    )]
    pub catalog: Vec<PathBuf>,
    /// The service that publishes the events [default: owners are not looked at]
    #[arg(
        long,
        value_name = "NAME",
        help_heading = "Catalog",
        conflicts_with = "explain"
    )]
    pub service: Option<String>,
    #[command(flatten)]
    pub output: OutputArgs,
}
