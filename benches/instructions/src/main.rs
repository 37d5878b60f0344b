//! Instructions that the pure parts take for an event: `make instructions`.
//!
//! Times say little on a busy machine; callgrind counts the instructions of a process, and the count
//! hardly changes from run to run. Each case runs twice under callgrind, with few events and with
//! many: the difference, by event, is free of what the start of a process takes.
//!
//! The counts are kept in `benches/instructions/counts.txt` and compared with a tolerance, so that what
//! makes a part dearer shows in the change that does it. `--update` writes them anew, on purpose.

mod callgrind;
mod cases;
mod counts;
#[path = "../../src/samples.rs"]
mod samples;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use cases::{CASES, Case};
use counts::{Comparison, Counts};

/// Instruction counts of the pure parts of Tidings, compared with those of the repository.
#[derive(Parser)]
struct Args {
    /// Only the cases whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Write the counts into the repository instead of comparing.
    #[arg(long, conflicts_with = "only")]
    update: bool,
    /// Used by the program itself: run a case with so many events, then end.
    #[arg(long, hide = true, num_args = 2, value_names = ["CASE", "EVENTS"])]
    run: Option<Vec<String>>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(run) = &args.run {
        let case = CASES.iter().find(|case| case.name == run[0]);
        let events = run[1].parse().expect("a number of events");
        (case.expect("a case of this name").run)(events);
        return ExitCode::SUCCESS;
    }
    if cfg!(debug_assertions) {
        return refuse("a debug build counts nothing of use: run `make instructions`");
    }
    let cases: Vec<&Case> = CASES
        .iter()
        .filter(|case| case.name.contains(&args.only))
        .collect();
    if cases.is_empty() {
        return refuse("no case has such a name");
    }
    let mut counted = Counts::of_this_compiler();
    for case in cases {
        match callgrind::instructions_per_event(case) {
            Ok(instructions) => counted.insert(case.name, instructions),
            Err(error) => return refuse(&format!("{}: {error}", case.name)),
        }
    }
    if args.update {
        return match counted.write() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(&format!("{}: {error}", Counts::path().display())),
        };
    }
    let kept = match Counts::read() {
        Ok(kept) => kept,
        Err(error) => return refuse(&format!("{}: {error}", Counts::path().display())),
    };
    let comparison = Comparison::new(&kept, &counted);
    let _ = write!(std::io::stdout(), "{comparison}");
    match comparison.holds() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn refuse(what: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "instructions: {what}");
    ExitCode::from(64)
}
