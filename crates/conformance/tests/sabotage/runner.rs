//! Runs the suite on a sabotaged log, and says which cases fail.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Once};

use tidings_conformance::{Case, cases, run};

use crate::simulated::Simulated;
use crate::wrapper::{Fault, SabotagedHarness};

/// Which log is broken: one that declares everything, or one that declares little.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Log {
    Rich,
    Poor,
}

/// A way to break the contract, and what the suite must say of it.
pub struct Broken {
    pub name: &'static str,
    /// Makes it, for one case.
    pub fault: fn() -> Arc<dyn Fault>,
    /// What it breaks.
    pub log: Log,
    /// The guarantee that it breaks; 0 for what the contract says beside the ten.
    pub guarantee: u8,
    /// Exactly these cases of that guarantee fail, one or more.
    pub fails: &'static [&'static str],
    /// And these of others, for this reason.
    pub also: &'static [&'static str],
    /// Why it cannot be otherwise.
    pub because: &'static str,
}

thread_local! {
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Cases that fail here do so on purpose: what they say is not for people.
fn silence_expected_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !EXPECTED.get() {
                told(info);
            }
        }));
    });
}

/// Whether the case holds, or does not apply.
fn holds(case: &Case, broken: &Broken) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("the system gives a runtime");
    EXPECTED.set(true);
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let log = Simulated::new(broken.log == Log::Poor);
            let harness = SabotagedHarness::new(log, (broken.fault)());
            let _ = run(case, Arc::new(harness)).await;
        });
    }));
    // What the case left behind may panic too as it goes.
    drop(runtime);
    EXPECTED.set(false);
    outcome.is_ok()
}

impl Broken {
    /// The cases that fail.
    fn failing(&self) -> BTreeSet<&'static str> {
        silence_expected_panics();
        let failing = cases().iter().filter(|case| !holds(case, self));
        failing.map(|case| case.name).collect()
    }

    /// Expects that exactly the cases fail that should.
    pub fn check(&self) {
        let expected: BTreeSet<_> = self.fails.iter().chain(self.also).copied().collect();
        let failing = self.failing();
        let list = |names: &BTreeSet<&'static str>, other: &BTreeSet<&'static str>| {
            names.difference(other).copied().collect::<Vec<_>>()
        };
        assert_eq!(
            failing,
            expected,
            "fail and should not: {:#?}\nshould fail and do not: {:#?}",
            list(&failing, &expected),
            list(&expected, &failing)
        );
        let guarantee_of = |name: &&str| {
            let case = cases().iter().find(|case| case.name == *name);
            case.expect("the name of a case").guarantee
        };
        assert!(!self.fails.is_empty(), "the guarantee has no case");
        assert!(self.fails.iter().all(|n| guarantee_of(n) == self.guarantee));
        assert!(self.also.iter().all(|n| guarantee_of(n) != self.guarantee));
        assert_eq!(self.also.is_empty(), self.because.is_empty());
    }
}
