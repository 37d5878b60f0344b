//! What a site may ask of one process, and what that costs: many topics, many groups, much pending,
//! long idle, a large file. Each part prints figures for `docs/guides/capacity.md`.
//!
//!     cargo run --release -p tidings-benches --bin capacity -- idle --log redis

mod cost;
mod file;
mod idle;
mod load;
mod log;

use clap::{Parser, Subcommand};

use log::LogArg;

/// What a site may ask of one process, and what that costs.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// One consumer of many topics
    Topics {
        #[arg(long, value_enum)]
        log: LogArg,
        #[arg(long, default_value_t = 200)]
        topics: usize,
        /// Events of each topic
        #[arg(long, default_value_t = 100)]
        events: usize,
    },
    /// Many groups on one topic, all in one process
    Groups {
        #[arg(long, value_enum)]
        log: LogArg,
        #[arg(long, default_value_t = 50)]
        groups: usize,
        #[arg(long, default_value_t = 2_000)]
        events: usize,
    },
    /// Deliveries in hand that nobody settles, and then all of them settled
    Pending {
        #[arg(long, value_enum)]
        log: LogArg,
        #[arg(long, default_value_t = 100_000)]
        events: usize,
    },
    /// A consumer of topics to which nothing comes
    Idle {
        #[arg(long, value_enum)]
        log: LogArg,
        #[arg(long, default_value_t = 20)]
        topics: usize,
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// A large file beside a small one; it is made first, in the folder for temporary files
    File {
        #[arg(long, default_value_t = 10)]
        gib: u64,
    },
}

#[tokio::main]
async fn main() {
    if cfg!(debug_assertions) {
        say(
            "a debug build measures nothing: cargo run --release -p tidings-benches --bin capacity",
        );
        std::process::exit(64);
    }
    match Args::parse().part {
        Part::Topics {
            log,
            topics,
            events,
        } => load::many_topics(log, topics, events).await,
        Part::Groups {
            log,
            groups,
            events,
        } => load::many_groups(log, groups, events).await,
        Part::Pending { log, events } => load::much_pending(log, events).await,
        Part::Idle {
            log,
            topics,
            seconds,
        } => idle::idle(log, topics, seconds).await,
        Part::File { gib } => file::large(gib).await,
    }
}

#[allow(
    clippy::print_stdout,
    reason = "figures for people are what this program is for"
)]
fn say(text: &str) {
    println!("{text}");
}
