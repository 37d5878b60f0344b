//! The suite of the contract, on a real Kafka, and what is Kafka's own.
//!
//! To run some cases of the suite: `cargo test … --test conformance retention:: -- --ignored`.

mod absence;
mod cluster;
mod doctor;
mod fixture;
mod followers;
mod harness;
mod membership;
mod partitions;
mod resending;
mod security;
mod upkeep;

use std::process::Command;
use std::sync::Mutex;

use harness::{OneBroker, start, start_own};
use tidings_conformance::{Clock, Fault, Need, cases, conformance_tests, run_test};

conformance_tests!(
    start,
    Real,
    ignore = "run side by side by a test of that name"
);

/// The cases mostly wait, each in topics of its own, and by itself a test program runs as many at
/// once as there are processors: it is started once more to run more of them.
#[test]
fn cases_of_the_suite_side_by_side() {
    let this = std::env::current_exe().expect("this program has a path");
    let status = Command::new(this)
        .args(["--ignored", "--skip", "to_be_killed"])
        .args(["--quiet", "--test-threads", "6"])
        .status();
    let status = status.expect("this program runs");
    assert!(status.success(), "what failed is told above");
}

/// The cases that kill, freeze or empty the broker, or cut its connections: each on a broker that
/// nobody else uses meanwhile. They mostly wait.
#[test]
fn outages_of_the_broker() {
    let fatal = |need: &Need| {
        matches!(
            need,
            Need::Suffers(Fault::Crash | Fault::Freeze | Fault::Cut | Fault::Wipe)
        )
    };
    let mut waiting = cases().iter().collect::<Vec<_>>();
    waiting.retain(|case| case.needs.iter().any(fatal));
    let waiting = Mutex::new(waiting);
    let next = || waiting.lock().expect("no panic").pop();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                let broker = runtime.expect("a runtime").block_on(start_own());
                while let Some(case) = next() {
                    run_alone(case.name, broker.clone());
                }
            });
        }
    });
}

fn run_alone(case: &'static str, broker: OneBroker) {
    // A panic tells the name of its thread.
    let thread = std::thread::Builder::new().name(case.into());
    let running = thread.spawn(move || {
        // What is not applicable has been reported by name.
        let _ = run_test(case, Clock::Real, async || broker.clone());
    });
    if let Err(panic) = running.expect("a thread").join() {
        std::panic::resume_unwind(panic);
    }
}
