use std::time::Duration;

use clap::{Args, Subcommand};

use super::{ConsentArgs, OutputArgs, value};

/// Which database.
#[derive(Debug, Clone, Default, Args)]
pub struct DatabaseArgs {
    /// The database: postgres://, mysql://, mariadb://, sqlite:PATH (else TIDINGS_DATABASE, else
    /// `database` in tidings.toml)
    #[arg(long, value_name = "URL", help_heading = "Database")]
    pub database: Option<String>,
}

#[derive(Debug, Args)]
pub struct OutboxArgs {
    #[command(subcommand)]
    pub command: OutboxCommand,
}

#[derive(Debug, Subcommand)]
pub enum OutboxCommand {
    /// Print the tables as SQL, for a migration of your own
    Schema(DatabaseOnlyArgs),
    /// Make the tables where they are missing; safe to run again
    Migrate(DatabaseOnlyArgs),
    /// Show how full the outbox is
    Status(StatusArgs),
    /// List rows that the bus refused; retry or discard them
    Refused(RefusedArgs),
    /// Delete old rows of the inbox
    PruneInbox(PruneInboxArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    tidings outbox schema --database postgres: > migrations/0007_tidings.sql
    TIDINGS_DATABASE=postgres://app@db.internal/app tidings outbox migrate")]
pub struct DatabaseOnlyArgs {
    #[command(flatten)]
    pub database: DatabaseArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exits with 0 whatever it finds. Beyond 100,000 rows the depth is an upper bound.

Examples:
    tidings outbox status
    tidings outbox status --json | jq .oldest_seconds")]
pub struct StatusArgs {
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
}

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
A refused row stands aside with its reason and holds later rows of its own key. Mend what the
reason says, and retry it: the relay then publishes it and what it held, in order.

Examples:
    tidings outbox refused
    tidings outbox refused retry --seq 4711
    tidings outbox refused retry --all --yes
    tidings outbox refused discard --seq 4711 --dry-run"
)]
pub struct RefusedArgs {
    #[command(subcommand)]
    pub command: Option<RefusedCommand>,
    /// Only rows of this topic; may be repeated
    #[arg(long, value_name = "TOPIC", value_parser = value::topic)]
    pub topic: Vec<String>,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
}

#[derive(Debug, Subcommand)]
pub enum RefusedCommand {
    /// Let the relay try refused rows once more
    Retry(ChooseArgs),
    /// Delete refused rows; what they hold goes on without them
    Discard(ChooseArgs),
}

#[derive(Debug, Args)]
pub struct ChooseArgs {
    /// The row with this number; may be repeated
    #[arg(long, value_name = "SEQ", required_unless_present_any = ["topic", "all"])]
    pub seq: Vec<i64>,
    /// All refused rows of this topic; may be repeated
    #[arg(long, value_name = "TOPIC", value_parser = value::topic)]
    pub topic: Vec<String>,
    /// All refused rows
    #[arg(long, conflicts_with_all = ["seq", "topic"])]
    pub all: bool,
    /// Say which rows, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub consent: ConsentArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
An event that is delivered again after its row is gone takes effect again: keep rows for longer
than the log keeps events, and longer than you would replay.

Example:
    tidings outbox prune-inbox --older-than 720h --yes")]
pub struct PruneInboxArgs {
    /// Delete rows that are older than this
    #[arg(long, value_name = "AGE", value_parser = value::positive_duration)]
    pub older_than: Duration,
    #[command(flatten)]
    pub consent: ConsentArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
}
