//! Runs that can be repeated: `TIDINGS_CONFORMANCE_SEED` names one.

const SEEDS: std::ops::Range<u64> = 0..8;

/// The runs to make.
pub(super) fn seeds() -> Vec<u64> {
    match std::env::var("TIDINGS_CONFORMANCE_SEED") {
        Ok(seed) => vec![seed.parse().expect("a number")],
        Err(_) => SEEDS.collect(),
    }
}

/// What was done, told if it ends in a failure.
pub(super) struct Trace {
    pub(super) seed: u64,
    pub(super) done: Vec<String>,
}

impl Drop for Trace {
    #[expect(
        clippy::print_stderr,
        reason = "the test harness shows it with the failure, and only then"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let done = self.done.join("\n");
            eprintln!("TIDINGS_CONFORMANCE_SEED={}:\n{done}", self.seed);
        }
    }
}
