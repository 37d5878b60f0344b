//! Who is killed when.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::seed::Random;

/// One of the two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Owns the courses and publishes what happens to them.
    Discovery,
    /// Keeps a copy by consuming that.
    Lms,
}

impl Service {
    pub const ALL: [Self; 2] = [Self::Discovery, Self::Lms];

    /// Its name, as people and arguments have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Lms => "lms",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A SIGKILL to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kill {
    /// When, counted from the start.
    pub at: Duration,
    pub service: Service,
    /// Not before it has deliveries in hand.
    pub in_hand: bool,
    /// For how long it stays away.
    pub away: Duration,
}

/// The kill that is shown: *lms*, midway, with its hands full, away long enough to be seen.
pub fn midway(length: Duration) -> Vec<Kill> {
    vec![Kill {
        at: length * 2 / 5,
        service: Service::Lms,
        in_hand: true,
        away: (length / 6).min(Duration::from_secs(2)),
    }]
}

/// Kills of either service at random instants, back after a moment.
pub fn random(seed: u64, length: Duration, kills: u32) -> Vec<Kill> {
    let mut random = Random::new(seed, u64::MAX);
    let mut millis = |below| Duration::from_millis(random.below(below));
    let mut plan: Vec<Kill> = (0..kills)
        .map(|_| Kill {
            at: millis(length.as_millis() as u64),
            service: Service::ALL[millis(2).as_millis() as usize],
            in_hand: false,
            away: millis(100),
        })
        .collect();
    plan.sort_by_key(|kill| kill.at);
    // Whoever is back gets a moment to begin its work: to kill it before that would prove little.
    let mut not_before = [Duration::ZERO; 2];
    for kill in &mut plan {
        let life = &mut not_before[kill.service as usize];
        kill.at = kill.at.max(*life);
        *life = kill.at + kill.away + Duration::from_millis(30) + millis(150);
    }
    plan.sort_by_key(|kill| kill.at);
    plan
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Service, random};

    #[test]
    fn a_seed_kills_both_at_the_same_instants_every_time() {
        let length = Duration::from_secs(10);
        let plan = random(3, length, 50);
        assert_eq!(plan, random(3, length, 50));
        assert_ne!(plan, random(4, length, 50));
        assert!(plan.is_sorted_by_key(|kill| kill.at));
        for service in [Service::Discovery, Service::Lms] {
            let kills: Vec<_> = plan.iter().filter(|kill| kill.service == service).collect();
            assert!(kills.len() > 10);
            for pair in kills.windows(2) {
                assert!(pair[1].at > pair[0].at + pair[0].away);
            }
        }
    }
}
