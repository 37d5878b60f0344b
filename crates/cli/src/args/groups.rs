use clap::{Args, Subcommand};
use tidings_transport::Start;

use super::{BusArgs, ConsentArgs, OutputArgs, value};

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
LAG       events that the group has not settled; BEHIND, how long the oldest of them waits
PENDING   events that its consumers have in hand; OLDEST, for how long
DEAD      its dead letters, parked events and those about to be handed out again among them
PARKED    the keys of which a dead letter holds back all later events
LOST      events that were gone before the group was done with them, until that is acknowledged

Examples:
    tidings groups
    tidings groups --topic courses --json | jq 'select(.lag_seconds > 60)'
    tidings groups create --topic courses --group search --from earliest
    tidings groups acknowledge --topic courses --group search
    tidings groups remove --topic courses --group retired --dry-run"
)]
pub struct GroupsArgs {
    #[command(subcommand)]
    pub command: Option<GroupsCommand>,
    /// Only groups of this topic; may be repeated
    #[arg(long, value_name = "TOPIC", value_parser = value::topic)]
    pub topic: Vec<String>,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}

#[derive(Debug, Subcommand)]
pub enum GroupsCommand {
    /// Create a group before its first consumer runs, so that it misses nothing
    Create(CreateArgs),
    /// Set LOST of a group back to 0, once the gap is filled or known to do no harm
    Acknowledge(ChangeGroupArgs),
    /// Remove a group that nobody will consume again, with its position and its dead letters
    Remove(ChangeGroupArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Asks before it changes anything; without a terminal it needs --yes. The events of the topic stay. A group
that has living consumers is not removed: stop them first. Whoever consumes under its name later
makes a new one. What a group lost is told to its consumer all the same, once.

Examples:
    tidings groups acknowledge --topic courses --group search --yes
    tidings groups remove --topic courses --group retired --dry-run")]
pub struct ChangeGroupArgs {
    /// The topic; may be repeated
    #[arg(long, value_name = "TOPIC", required = true, value_parser = value::topic)]
    pub topic: Vec<String>,
    /// The name of the group
    #[arg(long, value_name = "GROUP")]
    pub group: String,
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

#[derive(Debug, Args)]
#[command(after_help = "\
A group that exists keeps its position: the command says so and exits with 0.

Examples:
    tidings groups create --topic courses --group search
    tidings groups create --topic courses --group search --from 2026-11-23T20:00:00Z")]
pub struct CreateArgs {
    /// The topic; may be repeated
    #[arg(long, value_name = "TOPIC", required = true, value_parser = value::topic)]
    pub topic: Vec<String>,
    /// The name of the group
    #[arg(long, value_name = "GROUP")]
    pub group: String,
    /// Where it begins: latest, earliest, an RFC 3339 time, or after a position
    #[arg(long, value_name = "START", default_value = "latest", value_parser = value::start)]
    pub from: Start,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}
