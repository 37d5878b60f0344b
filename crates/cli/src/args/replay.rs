use std::num::NonZeroU32;

use clap::Args;
use tidings::Until;
use tidings_transport::{Position, Start};

use super::{BusArgs, ConsentArgs, OutputArgs, value};

#[derive(Debug, Args)]
#[command(after_help = "\
The group is handed copies of the events that carry the extension `tidingsreplay`; no other group
hears them. Events of one key come one at a time, in order. A handler with an inbox drops what it
has done already. Ctrl-C stops it, and it says how to go on.

Asks first; without a terminal it needs --yes.

Examples:
    tidings replay --topic courses --group search --dry-run
    tidings replay --topic courses --group search --from 2026-11-23T20:00:00Z \\
        --until 2026-11-23T21:00:00Z --key c-1
    tidings replay --topic courses --group search-2 --fresh --rate 500 --yes")]
pub struct ReplayArgs {
    /// The topic
    #[arg(long, value_name = "TOPIC", value_parser = value::topic)]
    pub topic: String,
    /// The group that is to hear it
    #[arg(long, value_name = "GROUP")]
    pub group: String,
    /// Make the group, which must not exist: it hears the replay, and then what came since
    #[arg(long)]
    pub fresh: bool,
    /// Begin at earliest, an RFC 3339 time, or after a position
    #[arg(long, value_name = "START", default_value = "earliest", value_parser = value::start)]
    pub from: Start,
    /// End before an RFC 3339 time, or with a position [default: the newest event]
    #[arg(long, value_name = "END", value_parser = value::until)]
    pub until: Option<Until>,
    /// Only events of this key; may be repeated
    #[arg(long, value_name = "KEY")]
    pub key: Vec<String>,
    /// Only events of this type; may be repeated, and end in * for all that begin so
    #[arg(long = "type", value_name = "TYPE")]
    pub ty: Vec<String>,
    /// At most so many events a second
    #[arg(long, value_name = "N")]
    pub rate: Option<NonZeroU32>,
    /// Go on behind this position, where an interrupted replay said it stopped
    #[arg(long, value_name = "POSITION", conflicts_with = "from", value_parser = value::position)]
    pub resume: Option<Position>,
    /// Say how many, from when to when, and of which keys, and hand over nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub consent: ConsentArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}
