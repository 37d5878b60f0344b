use clap::Args;

use super::{BusArgs, DatabaseArgs, OutputArgs, value};

#[derive(Debug, Args)]
#[command(after_help = "\
Where a database is named it looks at its outbox, too: how much waits, what was refused, whether a
relay is active, whether the tables are right.

Exits with 1 when it finds an error, and with 0 when there are only warnings, unless --strict.

Examples:
    tidings doctor
    tidings doctor --database postgres://app@db.internal/app
    tidings doctor --bus redis://cache.internal --json | jq 'select(.severity == \"error\")'")]
pub struct DoctorArgs {
    /// Look at this topic only; may be repeated
    #[arg(long, value_name = "TOPIC", value_parser = value::topic)]
    pub topic: Vec<String>,
    /// How many of the newest entries of each topic are read to see whether they can be decoded
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub sample: usize,
    /// Fail on warnings as well
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}
