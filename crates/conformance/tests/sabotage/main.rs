//! The suite itself is tested: each guarantee is broken in turn, and exactly its cases fail.

mod expected;
mod faults;
mod runner;
mod simulated;
mod simulated_transport;
mod wrapper;

mod rich {
    use crate::simulated::{Simulated, SimulatedHarness};

    async fn start() -> SimulatedHarness {
        SimulatedHarness(Simulated::new(false))
    }

    tidings_conformance::conformance_tests!(start, Paused);
}

mod poor {
    use crate::simulated::{Simulated, SimulatedHarness};

    async fn start() -> SimulatedHarness {
        SimulatedHarness(Simulated::new(true))
    }

    tidings_conformance::conformance_tests!(start, Paused);
}
