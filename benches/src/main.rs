//! Ratios of Tidings to its peers and to raw limits, in one run: `make bench`.
//!
//! Every contest runs its two contenders alternately on the same server and the same bytes; the
//! table shows medians, and the range of the ratios over the pairs.

#[cfg(feature = "kafka")]
mod bare_kafka;
mod catalog;
mod conditions;
mod contest;
mod contract;
mod envelope;
mod inbox;
#[cfg(feature = "kafka")]
mod kafka_log;
#[cfg(feature = "kafka")]
mod kafka_message;
mod latency;
mod outbox;
mod raw;
mod redis_log;
mod relay;
mod samples;
mod sqlite_log;
mod table;

use clap::Parser;

use conditions::Durability;

/// Ratios of Tidings to its peers and to raw limits.
#[derive(Parser)]
struct Args {
    /// Only the measures whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// How the Redis server of both contenders keeps its data.
    #[arg(long, value_enum, default_value = "off")]
    redis_durability: Durability,
    /// Used by the bench itself: publish so many events into this file, then end.
    #[arg(long, hide = true, num_args = 2, value_names = ["URL", "EVENTS"])]
    write: Option<Vec<String>>,
}

/// Runs a contest.
type Measure = fn(Durability) -> contest::Row;

fn main() {
    let args = Args::parse();
    if let Some(write) = &args.write {
        sqlite_log::write(&write[0], write[1].parse().expect("a number of events"));
        return;
    }
    if cfg!(debug_assertions) {
        eprint("a debug build measures nothing: cargo run --release -p tidings-benches");
        std::process::exit(64);
    }
    let mut measures: Vec<(&str, Measure)> = vec![
        ("envelope decode and encode", |_| {
            envelope::decode_and_encode()
        }),
        ("catalog: validate 1 KB", |_| catalog::validation()),
        ("producer prepares 1 KB, held to a catalog", |_| {
            catalog::preparation()
        }),
        ("redis publish, batches of 64", redis_log::publish_batches),
        (
            "redis publish, 64 concurrent callers",
            redis_log::publish_concurrent,
        ),
        ("redis publish and wait", redis_log::publish_and_wait),
        ("redis read, start, settle", redis_log::consume_contract),
        ("redis consumer with a handler", redis_log::consume_handler),
        (
            "redis consumer, all of the failure policy",
            redis_log::consume_with_policy,
        ),
        (
            "redis publish to handler, 1,000 events/s (p50)",
            |durability| {
                latency::publish_to_handler(
                    durability,
                    "redis publish to handler, 1,000 events/s (p50)",
                    50.0,
                    2.0,
                )
            },
        ),
        (
            "redis publish to handler, 1,000 events/s (p99)",
            |durability| {
                latency::publish_to_handler(
                    durability,
                    "redis publish to handler, 1,000 events/s (p99)",
                    99.0,
                    2.0,
                )
            },
        ),
        ("sqlite publish, another process consumes", |_| {
            sqlite_log::publish_and_consume()
        }),
        ("outbox, an event a transaction", |_| outbox::one_by_one()),
        ("relay, PostgreSQL to Redis", relay::throughput),
        ("commit to handler, 200 commits/s (p50)", relay::latency),
        ("inbox, an event a transaction", |_| inbox::one_by_one()),
        ("inbox, batches of 100", |_| inbox::batched()),
    ];
    measures.extend(on_kafka());
    print(&conditions::describe(args.redis_durability));
    #[cfg(feature = "kafka")]
    print(&kafka_log::describe());
    let mut rows = Vec::new();
    for (name, measure) in measures {
        if name.contains(&args.only) {
            let row = measure(args.redis_durability);
            eprint(&format!("measured: {}", table::line(&row)));
            rows.push(row);
        }
    }
    print("");
    print(&table::render(&rows));
}

#[cfg(feature = "kafka")]
fn on_kafka() -> Vec<(&'static str, Measure)> {
    vec![
        ("kafka publish, 4 callers with batches of 500", |_| {
            kafka_log::publish_batches()
        }),
        ("kafka publish, 64 concurrent callers", |_| {
            kafka_log::publish_concurrent()
        }),
        ("kafka read, start, settle", |_| {
            kafka_log::consume_contract()
        }),
        ("kafka consumer with a handler", |_| {
            kafka_log::consume_handler()
        }),
        ("kafka publish to handler, 1,000 events/s (p50)", |_| {
            kafka_log::publish_to_handler("kafka publish to handler, 1,000 events/s (p50)", 50.0)
        }),
        ("kafka publish to handler, 1,000 events/s (p99)", |_| {
            kafka_log::publish_to_handler("kafka publish to handler, 1,000 events/s (p99)", 99.0)
        }),
        ("kafka Confluent-Avro to JSON, schema cached", |_| {
            kafka_message::decode_framed()
        }),
        ("kafka message in Avro to an event, schema cached", |_| {
            kafka_message::decode_numbered()
        }),
    ]
}

#[cfg(not(feature = "kafka"))]
fn on_kafka() -> Vec<(&'static str, Measure)> {
    Vec::new()
}

#[allow(
    clippy::print_stdout,
    reason = "a table for people is what this program is for"
)]
fn print(text: &str) {
    println!("{text}");
}

#[allow(clippy::print_stderr, reason = "progress of a run that takes minutes")]
fn eprint(text: &str) {
    eprintln!("{text}");
}
