//! What a person types.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::planted::Bug;
use crate::scenario::Scenario;

/// Kills and cuts everything, then balances the books.
#[derive(Debug, Parser)]
#[command(name = "tidings-chaos")]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a scenario and balance its books
    Run(RunArgs),
    /// Live through a year of traffic with retention: what it occupies must stay flat
    Year(YearArgs),
    /// A process of a run, which starts it
    #[command(hide = true)]
    Role(RoleArgs),
}

#[derive(Debug, Clone, Parser)]
pub struct RunArgs {
    /// Which database and which log
    #[arg(long, value_enum)]
    pub scenario: Scenario,
    /// Repeats the schedule of another run; what the processes do between two faults stays up to
    /// the machine [default: another one each time]
    #[arg(long)]
    pub seed: Option<u64>,
    /// How much goes wrong
    #[arg(long, value_enum, default_value_t = Size::Short)]
    pub size: Size,
    /// Plant a bug, which the books must show
    #[arg(long, value_enum)]
    pub plant: Option<Bug>,
    /// Write the result as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Keep the logs of the processes here
    #[arg(long)]
    pub folder: Option<PathBuf>,
}

#[derive(Debug, Clone, Parser)]
pub struct YearArgs {
    /// Which log
    #[arg(long, value_enum)]
    pub log: LogArg,
    /// How long a day takes, in milliseconds
    #[arg(long, default_value_t = 250)]
    pub day_ms: u32,
    /// How many days the year has
    #[arg(long, default_value_t = 365)]
    pub days: u32,
    /// How many events a day brings
    #[arg(long, default_value_t = 2_000)]
    pub events: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogArg {
    Sqlite,
    Redis,
}

impl std::fmt::Display for LogArg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Redis => "redis",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Size {
    /// Some seconds, for every run of the tests
    Short,
    /// Minutes: at least 50 kills each of consumers, relays and Redis, 20 of the database, 20 stops
    /// beyond the lease, and 100,000 committed events
    Full,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Commits and rolls back
    Writer,
    /// From the outbox to the log
    Relay,
    /// From the log into the view, with the inbox
    Consumer,
}

/// How a process of a run is started; where the servers are stands in its environment.
#[derive(Debug, Clone, Parser)]
pub struct RoleArgs {
    #[arg(value_enum)]
    pub role: Role,
    #[arg(long)]
    pub seed: u64,
    #[arg(long)]
    pub rate: u64,
    #[arg(long)]
    pub lease_ms: u64,
    #[arg(long, value_enum)]
    pub plant: Option<Bug>,
    /// Where it notes what the log confirmed
    #[arg(long)]
    pub ledger: PathBuf,
    #[arg(long, env = "CHAOS_BUS", hide = true)]
    pub bus: String,
    #[arg(long, env = "CHAOS_DATABASE", hide = true)]
    pub database: String,
}
