//! How cases are run.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use crate::Harness;
use crate::case::{Case, Clock, NotApplicable};
use crate::scene::Scene;
use crate::table::CASES;

/// No case takes as long on a healthy log, however loaded the machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// All cases, in the order of the guarantees.
pub fn cases() -> &'static [Case] {
    CASES
}

/// Runs a case on the current runtime.
///
/// # Errors
/// [`NotApplicable`] when the log or the harness lacks what the case needs.
///
/// # Panics
/// When the log breaks the contract, or does not keep the deadline.
pub async fn run(case: &Case, harness: Arc<dyn Harness>) -> Result<(), NotApplicable> {
    let log = harness.open().await;
    if let Some(need) = case.missing(&*log, &*harness) {
        return Err(NotApplicable(need));
    }
    drop(log);
    let body = async {
        let scene = Scene::new(harness).await;
        (case.body)(scene).await;
    };
    if tokio::time::timeout(DEADLINE, body).await.is_err() {
        panic!("{}: not done after {DEADLINE:?}", case.name);
    }
    Ok(())
}

/// Runs the case of this name on a runtime of its own. What `conformance_tests!` calls.
///
/// # Panics
/// When there is no such case, and as [`run`] does.
pub fn run_test<H: Harness>(
    name: &str,
    clock: Clock,
    start: impl AsyncFnOnce() -> H,
) -> Result<(), NotApplicable> {
    let case = CASES
        .iter()
        .find(|case| case.name == name)
        .unwrap_or_else(|| panic!("the suite has no case {name:?}"));
    let result = runtime(clock).block_on(async {
        let harness: Arc<dyn Harness> = Arc::new(start().await);
        run(case, harness).await
    });
    if let Err(because) = &result {
        report(case, because);
    }
    result
}

/// Runs every case, one after the other, and returns those that were not applicable.
///
/// # Panics
/// As [`run`] does, at the first case that fails.
pub fn run_all<H: Harness>(
    clock: Clock,
    start: impl AsyncFn() -> H,
) -> Vec<(&'static str, NotApplicable)> {
    CASES
        .iter()
        .filter_map(|case| {
            run_test(case.name, clock, &start)
                .err()
                .map(|because| (case.name, because))
        })
        .collect()
}

fn runtime(clock: Clock) -> tokio::runtime::Runtime {
    let built = match clock {
        Clock::Real => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build(),
        Clock::Paused => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build(),
    };
    built.expect("the system gives threads for a runtime")
}

/// Straight to standard error: the test harness hides what a passing test prints, and this must
/// not be hidden. One write, so that lines of parallel tests do not mix.
fn report(case: &Case, because: &NotApplicable) {
    let line = format!("not applicable: {} because {because}\n", case.name);
    // A closed standard error is no reason to fail a test.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
