use clap::Args;

use super::WhichArgs;
use crate::args::OutputArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    tidings catalog show org.openedx.learning.course.enrollment.created.v1
    tidings catalog show --json org.example.catalog.course.created.v1 | jq .schema")]
pub struct ShowArgs {
    /// The type of the event, or a part of it that only one has
    #[arg(value_name = "TYPE")]
    pub ty: String,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub which: WhichArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    tidings catalog who org.example.catalog.course.created.v1
    tidings catalog who course.created --json")]
pub struct WhoArgs {
    /// The type of the event, or a part of it that only one has
    #[arg(value_name = "TYPE")]
    pub ty: String,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub which: WhichArgs,
}
