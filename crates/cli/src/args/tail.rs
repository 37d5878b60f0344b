use clap::Args;
use tidings_transport::Start;

use super::{BusArgs, OutputArgs, value};

#[derive(Debug, Args)]
#[command(after_help = "\
On a terminal an event is a line for people; into a pipe it is its CloudEvents JSON document, one
a line. With --json each line is {\"topic\",\"position\",\"received\",\"key\",\"event\"}.

Examples:
    tidings tail
    tidings tail --topic courses -n 100 --no-follow
    tidings tail --from 2026-11-23T20:00:00Z --json | jq .event.type")]
pub struct TailArgs {
    /// Only this topic; may be repeated. All topics otherwise, also those made later
    #[arg(long, value_name = "TOPIC", value_parser = value::topic)]
    pub topic: Vec<String>,
    /// Begin with the newest N events
    #[arg(
        short = 'n',
        long,
        value_name = "N",
        default_value_t = 10,
        conflicts_with = "from"
    )]
    pub lines: usize,
    /// Begin at latest, earliest, an RFC 3339 time, or after a position
    #[arg(long, value_name = "START", value_parser = value::start)]
    pub from: Option<Start>,
    /// End when the events that are there have been shown
    #[arg(long)]
    pub no_follow: bool,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}
