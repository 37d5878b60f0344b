//! What goes wrong when, from a seed.

use std::time::Duration;

use crate::args::Size;
use crate::planted::Bug;
use crate::random::Random;
use crate::scenario::{DatabaseKind, LogKind, Scenario};

/// Processes of each role. One relay is active, and one stands by.
pub const WRITERS: usize = 2;
pub const RELAYS: usize = 2;
pub const CONSUMERS: usize = 3;

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    KillConsumer,
    KillRelay,
    KillWriter,
    KillBus,
    KillDatabase,
    StopConsumer,
    StopRelay,
    CutBus,
    CutDatabase,
    FillBus,
}

impl Kind {
    /// Files have no server to kill or cut, and the brokers of a cluster no proxy before them.
    fn can_happen_to(self, scenario: Scenario) -> bool {
        match self {
            Self::KillDatabase | Self::CutDatabase => scenario.database() != DatabaseKind::Sqlite,
            Self::KillBus => scenario.log() != LogKind::File,
            Self::CutBus | Self::FillBus => scenario.log() == LogKind::Redis,
            _ => true,
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::KillConsumer => "kill -9 of a consumer",
            Self::KillRelay => "kill -9 of a relay",
            Self::KillWriter => "kill -9 of a writer",
            Self::KillBus => "kill -9 of the log",
            Self::KillDatabase => "kill -9 of the database",
            Self::StopConsumer => "stop of a consumer beyond its lease",
            Self::StopRelay => "stop of a relay",
            Self::CutBus => "cut of all connections to the log",
            Self::CutDatabase => "cut of all connections to the database",
            Self::FillBus => "Redis full",
        }
    }
}

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Not before this time from the start; faults happen one after the other.
    pub at: Duration,
    pub kind: Kind,
    /// Which process, where there are several; to be taken modulo their number.
    pub which: usize,
    /// How long it is away, stopped, or full.
    pub for_: Duration,
}

/// How long consumers keep a delivery without a sign of life.
pub const LEASE: Duration = Duration::from_millis(1_000);

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct Plan {
    pub faults: Vec<Fault>,
    /// Committed events to reach.
    pub events: i64,
    /// Transactions a second that each writer tries.
    pub rate: u64,
}

impl Plan {
    /// The plan of a seed.
    pub fn new(seed: u64, scenario: Scenario, size: Size, bug: Option<Bug>) -> Self {
        let (length, events, rate) = match (size, bug) {
            (_, Some(_)) => (Duration::from_secs(8), 500, 60),
            (Size::Short, None) => (Duration::from_secs(12), 1_500, 50),
            (Size::Full, None) => (Duration::from_secs(360), 100_000, 90),
        };
        let counts = match bug {
            Some(bug) => needed_by(bug).to_vec(),
            None => counts(size),
        };
        let mut random = Random::new(seed, 0);
        let mut faults = Vec::new();
        for (kind, count) in counts {
            if !kind.can_happen_to(scenario) {
                continue;
            }
            for _ in 0..count {
                let mut millis = |from, below| Duration::from_millis(from + random.below(below));
                let at = millis(500, length.as_millis() as u64);
                let for_ = match kind {
                    Kind::StopConsumer => LEASE * 2 + millis(0, 1_000),
                    Kind::StopRelay => millis(500, 2_500),
                    Kind::FillBus => millis(500, 1_000),
                    _ => millis(0, 300),
                };
                let which = random.below(1_000) as usize;
                faults.push(Fault {
                    at,
                    kind,
                    which,
                    for_,
                });
            }
        }
        faults.sort_by_key(|fault| fault.at);
        Self {
            faults,
            events,
            rate,
        }
    }
}

/// What has to go wrong for a planted bug to show.
fn needed_by(bug: Bug) -> &'static [(Kind, usize)] {
    match bug {
        // One kill, in the moment in which they harm.
        Bug::AckBeforeHandler | Bug::DedupBeforeCommit | Bug::DeleteBeforePublish => &[],
        // Late commits are enough.
        Bug::OutboxCursor => &[],
        Bug::IgnoredDeadLetter => &[(Kind::FillBus, 5)],
        Bug::AckWithoutOwner => &[(Kind::StopConsumer, 8)],
    }
}

fn counts(size: Size) -> Vec<(Kind, usize)> {
    use Kind::*;
    match size {
        Size::Short => vec![
            (KillConsumer, 6),
            (KillRelay, 6),
            (KillWriter, 2),
            (KillBus, 3),
            (KillDatabase, 2),
            (StopConsumer, 2),
            (StopRelay, 1),
            (CutBus, 3),
            (CutDatabase, 2),
            (FillBus, 1),
        ],
        Size::Full => vec![
            (KillConsumer, 55),
            (KillRelay, 55),
            (KillWriter, 20),
            (KillBus, 52),
            (KillDatabase, 22),
            (StopConsumer, 24),
            (StopRelay, 10),
            (CutBus, 20),
            (CutDatabase, 15),
            (FillBus, 8),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_schedule() {
        let plan = |seed| Plan::new(seed, Scenario::PostgresRedis, Size::Full, None).faults;
        assert_eq!(plan(3), plan(3));
        assert_ne!(plan(3), plan(4));
        assert!(plan(3).is_sorted_by_key(|fault| fault.at));
    }

    #[test]
    fn the_full_run_is_as_large_as_promised() {
        let plan = Plan::new(1, Scenario::MariadbRedis, Size::Full, None);
        let count = |kind| {
            plan.faults
                .iter()
                .filter(|fault| fault.kind == kind)
                .count()
        };
        for kind in [Kind::KillConsumer, Kind::KillRelay, Kind::KillBus] {
            assert!(count(kind) >= 50);
        }
        assert!(count(Kind::KillDatabase) >= 20 && count(Kind::StopConsumer) >= 20);
        assert!(plan.events >= 100_000);
        let stops = plan.faults.iter().filter(|f| f.kind == Kind::StopConsumer);
        assert!(stops.clone().all(|fault| fault.for_ > LEASE));
    }
}
