use std::time::Duration;

use clap::Args;

use super::{BusArgs, ConsentArgs, OutputArgs, value};

#[derive(Debug, Args)]
#[command(after_help = "\
The oldest go first, without holes. What a group active within --group-ttl has not settled is
spared, and all behind it, up to --hard-max-len, which always wins: what it takes from a group is
reported to the group as a gap.

Without limits the rules of `retention` in tidings.toml hold. `tidings consume` and `tidings relay`
apply these by themselves; `--every` does nothing else.

Asks before it removes anything; without a terminal it needs --yes.

Examples:
    tidings trim --dry-run
    tidings trim --topic courses --max-age 30d --max-len 100000
    tidings trim --topic courses --hard-max-len 1000000 --yes --json
    tidings trim --every 1h --yes")]
pub struct TrimArgs {
    /// Trim this topic; may be repeated
    #[arg(long, value_name = "TOPIC", value_parser = value::topic)]
    pub topic: Vec<String>,
    /// Trim at these intervals until stopped, give or take a quarter
    #[arg(long, value_name = "TIME", value_parser = value::positive_duration, conflicts_with = "dry_run")]
    pub every: Option<Duration>,
    /// Say what would go, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Trim a topic also if its newest entry is no event, as in a stream of another program
    #[arg(long, requires = "topic")]
    pub force: bool,
    #[command(flatten)]
    pub consent: ConsentArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub limits: LimitArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}

/// How much is kept.
#[derive(Debug, Clone, Args)]
#[group(id = "limits", multiple = true)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Keep what the log received within this time: 12h, 30d
    #[arg(long, value_name = "AGE", value_parser = value::long_duration, requires = "topic", allow_hyphen_values = true)]
    pub max_age: Option<Duration>,
    /// Keep so many of the newest events
    #[arg(long, value_name = "N", requires = "topic")]
    pub max_len: Option<u64>,
    /// Keep no more than so many, whoever needs them
    #[arg(long, value_name = "N", requires = "topic")]
    pub hard_max_len: Option<u64>,
    /// Do not spare groups that have been idle for longer [default: 7d]
    #[arg(long, value_name = "TIME", value_parser = value::long_duration, requires = "topic", allow_hyphen_values = true)]
    pub group_ttl: Option<Duration>,
}
