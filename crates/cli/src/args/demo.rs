use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{BusArgs, OutputArgs, value};

#[derive(Debug, Args)]
#[command(after_help = "\
Two services run as processes of their own, each with its own database: `discovery` owns courses
and publishes what happens to them, `lms` keeps a copy by consuming that. Midway lms is killed with
SIGKILL while it holds deliveries, and comes back. At the end the digests of both tables are
compared: the exit code is 1 if they differ, or if an event that the bus confirmed never took
effect. Without a bus the demo makes one, a file in a folder that is removed at the end.

Examples:
    tidings demo
    tidings demo --bus redis://localhost --seconds 30
    tidings demo --kills 20 --seed 7 --json")]
pub struct DemoArgs {
    /// How long discovery goes on changing courses
    #[arg(long, value_name = "N", default_value = "12", value_parser = seconds)]
    pub seconds: Duration,
    /// Decides what happens to which course, and who is killed when [default: another every time]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Keep the databases in this folder, to look at them afterwards
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    // Before `chaos`, whose heading would otherwise stand above it.
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub chaos: ChaosArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}

/// How rough it gets.
#[derive(Debug, Args)]
#[command(next_help_heading = "Chaos")]
pub struct ChaosArgs {
    /// Instead of the one kill midway: N kills of either service at random instants
    #[arg(long, value_name = "N")]
    pub kills: Option<u32>,
    #[command(flatten)]
    pub pace: PaceArgs,
}

/// How fast the services are.
#[derive(Debug, Clone, Copy, Args)]
pub struct PaceArgs {
    /// Changes a second, and as many at once every two seconds
    #[arg(long, value_name = "N", default_value_t = 150, hide_short_help = true)]
    pub rate: u32,
    /// How long what a dead lms held stays with it
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = value::positive_duration,
        hide_short_help = true)]
    pub lease: Duration,
}

/// One service of the demo, which starts it.
#[derive(Debug, Args)]
pub struct DemoServiceArgs {
    #[arg(value_enum)]
    pub service: ServiceArg,
    #[arg(long)]
    pub topic: String,
    #[arg(long)]
    pub database: PathBuf,
    #[arg(long)]
    pub seed: u64,
    #[command(flatten)]
    pub pace: PaceArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ServiceArg {
    Discovery,
    Lms,
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(n @ 1..=86_400) => Ok(Duration::from_secs(n)),
        _ => Err("give a whole number of seconds from 1 to 86,400".to_owned()),
    }
}
