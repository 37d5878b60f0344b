//! Tidings among its peers, one factor at a time: `make bench-peers`.
//!
//! Every contender is a process of its own that is told what to do; they alternate on one server and the
//! same real events. What was measured is kept in `docs/performance/results.json`, axis by axis, and
//! tables and plots are drawn from it.

mod ahead;
mod draw;
mod field;
mod footprint;
mod looks;
mod machine;
mod measure;
mod plan;
mod plot;
mod process;
mod results;
mod server;
mod soak;
mod tables;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};

use field::Programs;
use measure::{Effort, Stage};
use plan::{AXES, Axis, Kind, Setting};
use results::{Measured, Results};

/// Tidings among its peers, one factor at a time.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Measure, keep the results, and draw them
    Measure {
        /// Only the axes whose name contains this: payload, publishers, topics, consumers, keys,
        /// handler, latency, envelope, avro, footprint
        #[arg(long, default_value = "")]
        only: String,
        /// Rounds that count, after one that does not
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// How long a contender works in a round
        #[arg(long, default_value_t = 0.4)]
        seconds: f64,
        /// The folder of the peers in Rust
        #[arg(long)]
        peers: PathBuf,
        /// The interpreter that has the peers in Python
        #[arg(long)]
        python: PathBuf,
    },
    /// Draw tables and plots again from what was kept
    Draw,
    /// Publish and consume for long at half of what is possible, and see whether anything grows
    Soak(soak::Soak),
}

fn main() -> ExitCode {
    if cfg!(debug_assertions) {
        say("a debug build measures nothing: run scripts/bench.sh");
        return ExitCode::from(64);
    }
    match Args::parse().verb {
        Verb::Measure {
            only,
            rounds,
            seconds,
            peers,
            python,
        } => {
            let effort = Effort { rounds, seconds };
            measure_axes(&only, effort, Programs { peers, python })
        }
        Verb::Draw => draw(),
        Verb::Soak(soak) => soak.run(),
    }
}

fn measure_axes(only: &str, effort: Effort, programs: Programs) -> ExitCode {
    let axes: Vec<&Axis> = AXES
        .iter()
        .filter(|axis| axis.name.contains(only))
        .collect();
    if axes.is_empty() {
        let names: Vec<&str> = AXES.iter().map(|axis| axis.name).collect();
        say(&format!("no axis is named `{only}`: {}", names.join(", ")));
        return ExitCode::from(64);
    }
    let mut results = match Results::read() {
        Ok(results) => results,
        Err(error) => {
            say(&format!("{}: {error}", Results::path().display()));
            return ExitCode::from(65);
        }
    };
    let mut stage = Stage::set(programs, effort);
    for axis in axes {
        let began = Instant::now();
        let measured = Measured {
            conditions: machine::conditions(&stage),
            cells: measure_axis(&mut stage, axis),
        };
        results.axes.insert(axis.name.into(), measured);
        // After each axis, so that a run that is cut keeps what it has.
        results.write().expect("docs/performance may be written");
        let took = began.elapsed().as_secs();
        say(&format!("measured: {} ({took} s)", axis.name));
    }
    draw()
}

fn measure_axis(stage: &mut Stage, axis: &Axis) -> Vec<results::Cell> {
    match &axis.kind {
        Kind::Bus(points) => {
            let mut cells = Vec::new();
            for point in *points {
                for work in point.works {
                    cells.extend(stage.bus(&Setting::at(point), *work, point.name));
                }
            }
            cells
        }
        Kind::Latency(rates) => {
            let measure = |rate: &f64| stage.latency(field::BUSES, *rate);
            rates.iter().flat_map(measure).collect()
        }
        Kind::Codec(field) => stage.codecs(field),
        Kind::Footprint => footprint::measure(stage),
    }
}

fn draw() -> ExitCode {
    match Results::read().and_then(|results| draw::all(&results)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{}: {error}", results::folder().display()));
            ExitCode::from(65)
        }
    }
}

#[allow(clippy::print_stderr, reason = "progress of a run that takes minutes")]
fn say(text: &str) {
    eprintln!("{text}");
}
