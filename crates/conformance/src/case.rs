//! A case, what it needs, and how it is run.

use std::fmt;
use std::future::Future;
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tidings_transport::{Capability, Transport};

use crate::scene::Scene;
use crate::table::CASES;
use crate::{Fault, Harness};

/// The future of a running case. It stays on its thread; what it spawns may move.
pub(crate) type Running = Pin<Box<dyn Future<Output = ()>>>;

/// One test of the contract.
pub struct Case {
    /// `{chapter}::{what holds}`.
    pub name: &'static str,
    /// The number of the guarantee; 0 for what the contract says beside the ten.
    pub guarantee: u8,
    /// Without any of these it is not applicable.
    pub needs: &'static [Need],
    pub(crate) body: fn(Scene) -> Running,
}

/// What a case needs of a log or of its harness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// The log declares this.
    Has(Capability),
    /// The log does not declare this.
    Lacks(Capability),
    /// The harness can inflict this.
    Suffers(Fault),
    /// The log keeps schemas.
    Schemas,
}

/// Why a case did not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotApplicable(pub Need);

impl fmt::Display for NotApplicable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Need::Has(c) => write!(f, "the log does not declare {c:?}"),
            Need::Lacks(c) => write!(f, "the log declares {c:?}"),
            Need::Suffers(fault) => write!(f, "the harness offers no {fault}"),
            Need::Schemas => f.write_str("the log keeps no schemas"),
        }
    }
}

/// The clock that a case runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Real time, on several threads.
    Real,
    /// Tokio's paused clock, on one thread: waiting costs nothing. Only for logs that live in
    /// this process and ask tokio for the time.
    Paused,
}

/// No case takes as long on a healthy log, however loaded the machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// All cases, in the order of the guarantees.
pub fn cases() -> &'static [Case] {
    CASES
}

impl Case {
    /// The first need that is not met.
    fn missing(&self, log: &dyn Transport, harness: &dyn Harness) -> Option<Need> {
        self.needs.iter().copied().find(|need| match *need {
            Need::Has(c) => !log.capabilities().has(c),
            Need::Lacks(c) => log.capabilities().has(c),
            Need::Suffers(fault) => !harness.faults().offers(fault),
            Need::Schemas => log.schema_store().is_none(),
        })
    }
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
