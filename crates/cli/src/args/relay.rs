use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use super::outbox::DatabaseArgs;
use super::{BusArgs, MonitoringArgs, value};

#[derive(Debug, Args)]
#[command(after_help = "\
Run one, or several: one is active per database, the others take over within seconds. It needs
the database server's own address: a transaction pooler breaks the lock, and is refused.

It waits for a database or a bus that is away, at its start and later; /readyz (--metrics) says no
meanwhile. SIGTERM ends it after the batch in hand.

Examples:
    tidings relay --database sqlite:app.db --bus sqlite:bus.db
    TIDINGS_DATABASE=postgres://app@db.internal/app tidings relay --bus redis://cache.internal
    tidings relay --keep 72h -v")]
pub struct RelayArgs {
    #[command(flatten)]
    pub database: DatabaseArgs,
    #[command(flatten)]
    pub bus: BusArgs,
    /// Keep published rows in tidings_outbox_published for so long, instead of deleting them
    #[arg(long, value_name = "AGE", value_parser = value::positive_duration)]
    pub keep: Option<Duration>,
    /// After the log was started anew, publish again what was published in so long before: Redis
    /// with `appendfsync everysec` may have lost it, when its machine died. 5s are plenty
    #[arg(long, value_name = "TIME", value_parser = value::positive_duration)]
    pub resend: Option<Duration>,
    /// Publish at most so many rows together
    #[arg(long, value_name = "ROWS", default_value = "1000")]
    pub batch: NonZeroUsize,
    /// The longest wait between two looks at an idle outbox (default: 250ms; 1s on PostgreSQL,
    /// where commits wake the relay)
    #[arg(long, value_name = "TIME", value_parser = value::positive_duration)]
    pub poll: Option<Duration>,
    /// Exit with 69 when the database or the bus cannot be reached for so long at the start
    /// (default: wait for them)
    #[arg(long, value_name = "TIME", value_parser = value::positive_duration)]
    pub give_up_after: Option<Duration>,
    #[command(flatten)]
    pub monitoring: MonitoringArgs,
}
