use clap::Args;

use super::{BusArgs, OutputArgs};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    tidings topics
    tidings topics --json | jq -r .topic")]
pub struct TopicsArgs {
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}
