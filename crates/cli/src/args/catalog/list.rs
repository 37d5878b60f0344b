use clap::Args;

use super::WhichArgs;
use crate::args::OutputArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    tidings catalog list
    tidings catalog list --catalog events --subdomain learning
    tidings catalog list --json | jq -r 'select(.deprecated) | .type'")]
pub struct ListArgs {
    /// Only events of this subdomain; may be repeated
    #[arg(long, value_name = "NAME")]
    pub subdomain: Vec<String>,
    /// Only events whose type or title holds this text
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub which: WhichArgs,
}
