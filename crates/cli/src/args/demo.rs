use std::time::Duration;

use clap::Args;

use super::{BusArgs, OutputArgs};

#[derive(Debug, Args)]
#[command(after_help = "\
Two services run as processes of their own, each with its own database: `discovery` owns course
data and says what changed, `lms` keeps a copy in step. Midway the consumer of `lms` is killed with
SIGKILL and comes back. At the end the digests of both tables are compared: 1 if they differ.

Examples:
    tidings demo
    tidings demo --bus redis://localhost --seconds 30")]
pub struct DemoArgs {
    /// How long discovery goes on changing courses
    #[arg(long, value_name = "N", default_value = "20", value_parser = seconds)]
    pub seconds: Duration,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(n @ 1..=86_400) => Ok(Duration::from_secs(n)),
        _ => Err("give a whole number of seconds from 1 to 86,400".to_owned()),
    }
}
