use clap::{ArgGroup, Args, Subcommand};
use jiff::Timestamp;

use super::{BusArgs, ConsentArgs, OutputArgs, value};

#[derive(Debug, Args)]
#[command(after_help = "\
A dead letter is an event that failed for good in one group. It is dead; or parked: it waits behind
its key, with all later events of that key; or redelivering: it is about to be handed out again.
`tidings groups` counts all three under DEAD, and under PARKED the keys.

Examples:
    tidings dlq list
    tidings dlq show --topic courses --group search 17
    tidings dlq retry --topic courses --group search --reason timeout
    tidings dlq release --topic courses --group search --key c-1
    tidings dlq export --topic courses --group search > letters.jsonl
    tidings dlq discard --topic courses --group search --until 2026-01-01T00:00:00Z --dry-run")]
pub struct DlqArgs {
    #[command(subcommand)]
    pub command: DlqCommand,
}

#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// List dead letters, oldest first
    List(LettersArgs),
    /// Show one: its envelope, why it failed, and with --payload what it says
    Show(ShowLetterArgs),
    /// Hand dead letters to their group once more; no other group hears them
    Retry(ChangeLettersArgs),
    /// Release parked keys: their events run in the original order, before newer ones of the key
    Release(ReleaseArgs),
    /// Remove dead letters for good
    Discard(ChangeLettersArgs),
    /// Write the events as JSON lines, which `tidings publish` takes
    Export(ExportLettersArgs),
}

/// The words that dead letters have for why they are.
const REASONS: [&str; 9] = [
    "temporary",
    "permanent",
    "poison",
    "invalid",
    "timeout",
    "panic",
    "attempts",
    "lane_full",
    "undecodable",
];

/// Which dead letters.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which")]
pub struct FilterArgs {
    /// Of this topic; may be repeated, as all of these [default: all]
    #[arg(long, value_name = "TOPIC", value_parser = value::topic)]
    pub topic: Vec<String>,
    /// Of this group
    #[arg(long, value_name = "GROUP")]
    pub group: Vec<String>,
    /// Of this event type; one that ends in * means all that begin so
    #[arg(long = "type", value_name = "TYPE")]
    pub ty: Vec<String>,
    /// Of this key
    #[arg(long, value_name = "KEY")]
    pub key: Vec<String>,
    /// That failed for this reason; may be repeated
    #[arg(long, value_name = "REASON", value_parser = REASONS)]
    pub reason: Vec<String>,
    /// That failed last at or after this RFC 3339 time
    #[arg(long, value_name = "TIME", value_parser = value::time)]
    pub since: Option<Timestamp>,
    /// That failed last before this RFC 3339 time
    #[arg(long, value_name = "TIME", value_parser = value::time)]
    pub until: Option<Timestamp>,
    /// These, as `list` numbers them; needs one topic and one group
    #[arg(value_name = "ID")]
    pub id: Vec<String>,
}

#[derive(Debug, Args)]
pub struct LettersArgs {
    /// At most so many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1_000)]
    pub limit: usize,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub filter: FilterArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}

#[derive(Debug, Args)]
pub struct ShowLetterArgs {
    /// The topic
    #[arg(long, value_name = "TOPIC", value_parser = value::topic)]
    pub topic: String,
    /// The group
    #[arg(long, value_name = "GROUP")]
    pub group: String,
    /// Which, as `list` numbers it
    #[arg(value_name = "ID")]
    pub id: String,
    /// Show the payload too; it may be about people
    #[arg(long)]
    pub payload: bool,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Asks first; without a terminal it needs --yes. Without a filter it takes all dead letters. `retry`
leaves parked ones alone: release their key, so that the order is kept.")]
pub struct ChangeLettersArgs {
    /// Say what would happen, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub consent: ConsentArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub filter: FilterArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Events of a key that is being released run one at a time, in their order; what arrives meanwhile
waits its turn. One that fails again parks the key again, at its place. Asks first; without a
terminal it needs --yes.")]
#[command(group(ArgGroup::new("which").required(true)))]
pub struct ReleaseArgs {
    /// Keys of this topic; may be repeated [default: of all]
    #[arg(long, value_name = "TOPIC", value_parser = value::topic)]
    pub topic: Vec<String>,
    /// Keys of this group; may be repeated [default: of all]
    #[arg(long, value_name = "GROUP")]
    pub group: Vec<String>,
    /// This key; may be repeated
    #[arg(long, value_name = "KEY", group = "which")]
    pub key: Vec<String>,
    /// All parked keys
    #[arg(long, group = "which")]
    pub all: bool,
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
Each line is the event as a CloudEvents JSON document, its key in `partitionkey`. An entry that is
no event is written as {\"fields\":{NAME: BASE64}} and told of on standard error: publish refuses it.
The letters stay where they are.")]
pub struct ExportLettersArgs {
    #[command(flatten)]
    pub filter: FilterArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}
