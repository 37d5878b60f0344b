use clap::Args;
use tidings_transport::Start;

use super::{BusArgs, OutputArgs, value};

#[derive(Debug, Args)]
#[command(after_help = "\
Going back hands events out again, going forward passes over them. What the consumers of the group
have in hand is forgotten: their acknowledgements of it are refused. Dead letters and parked keys
stay. Consumers may go on running.

Asks before it moves anything; without a terminal it needs --yes. Events are counted up to a
million.

Examples:
    tidings seek --topic courses --group search --to earliest --dry-run
    tidings seek --topic courses --group search --to 2026-11-23T20:00:00Z
    tidings seek --topic courses --group search --to latest --yes --json")]
pub struct SeekArgs {
    /// The topic
    #[arg(long, value_name = "TOPIC", value_parser = value::topic)]
    pub topic: String,
    /// The group to move
    #[arg(long, value_name = "GROUP")]
    pub group: String,
    /// Where to: latest, earliest, an RFC 3339 time, or after a position
    #[arg(long, value_name = "PLACE", value_parser = value::start)]
    pub to: Start,
    /// Say what would happen, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub consent: ConsentArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}

/// Whether to ask first.
#[derive(Debug, Clone, Copy, Args)]
pub struct ConsentArgs {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}
