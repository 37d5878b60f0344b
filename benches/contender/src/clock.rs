//! What this process used, and a clock that all processes share.

use std::fs;

use nix::time::{ClockId, clock_gettime};

use crate::allocations::allocations;
use crate::answer::Answer;

/// Nanoseconds of the clock that every process of this machine reads alike (`CLOCK_MONOTONIC`).
pub fn monotonic() -> u64 {
    nanoseconds(ClockId::CLOCK_MONOTONIC)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock).expect("Linux has this clock");
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

/// A moment, and what was used until then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) at: u64,
    cpu: u64,
    allocations: u64,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self {
            at: monotonic(),
            cpu: nanoseconds(ClockId::CLOCK_PROCESS_CPUTIME_ID),
            allocations: allocations(),
        }
    }

    pub(crate) fn seconds_since(&self, earlier: &Self) -> f64 {
        (self.at - earlier.at) as f64 / 1e9
    }

    /// The figures of a stretch of work.
    pub(crate) fn since(&self, earlier: &Self, events: usize, allocations: bool) -> Answer {
        Answer {
            events,
            seconds: self.seconds_since(earlier),
            cpu: (self.cpu - earlier.cpu) as f64 / 1e9,
            allocations: allocations.then(|| self.allocations - earlier.allocations),
            memory: memory(),
            ..Answer::default()
        }
    }
}

/// Resident memory of this process, in bytes.
pub(crate) fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.expect("it is there").trim().trim_end_matches(" kB");
    kib.parse::<u64>().expect("a number") * 1024
}
