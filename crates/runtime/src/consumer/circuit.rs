//! Whether everything fails, so that trying costs attempts and helps nobody. No I/O, no clock.

use std::collections::HashSet;
use std::time::Duration;

use tidings_transport::{Key, Position, Topic};
use tokio::time::Instant;

use super::Breaker;
use crate::lanes::Ticket;

/// What counts as one in a row of failures: a key, or a message that has none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Failing {
    Key(Topic, Key),
    Message(Topic, Position),
}

/// The state of the breaker.
#[derive(Debug)]
pub(super) struct Circuit {
    policy: Breaker,
    /// Who failed since the last success, until it opens.
    failing: HashSet<Failing>,
    open: Option<Open>,
    /// How long it was open before, in all.
    paused: Duration,
}

#[derive(Debug)]
struct Open {
    since: Instant,
    probes: u32,
    probe_at: Instant,
    probing: Option<Ticket>,
}

/// What may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Everything.
    All,
    /// One message, as a probe.
    Probe,
    /// Nothing before this time.
    NotBefore(Instant),
    /// Nothing before the probe under way has ended.
    Nothing,
}

impl Circuit {
    pub(super) fn new(policy: Breaker) -> Self {
        Self {
            policy,
            failing: HashSet::new(),
            open: None,
            paused: Duration::ZERO,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// How long it was open in all.
    pub(super) fn paused(&self, now: Instant) -> Duration {
        let open = self.open.as_ref();
        self.paused + open.map_or(Duration::ZERO, |open| now - open.since)
    }

    pub(super) fn gate(&self, now: Instant) -> Gate {
        match &self.open {
            None => Gate::All,
            Some(open) if open.probing.is_some() => Gate::Nothing,
            Some(open) if open.probe_at <= now => Gate::Probe,
            Some(open) => Gate::NotBefore(open.probe_at),
        }
    }

    /// A message becomes the probe.
    pub(super) fn probe(&mut self, ticket: Ticket) {
        if let Some(open) = &mut self.open {
            open.probing = Some(ticket);
        }
    }

    /// The message is not tried, or tells nothing of the others: another may be the probe at once.
    pub(super) fn probe_ended(&mut self, ticket: Ticket) {
        if let Some(open) = &mut self.open
            && open.probing == Some(ticket)
        {
            open.probing = None;
        }
    }

    /// A message failed for a reason that may pass. Whether the breaker opened by that; and if it
    /// was open, how long until the next probe.
    pub(super) fn failed(&mut self, who: Failing, ticket: Ticket, now: Instant) -> bool {
        if let Some(open) = &mut self.open {
            if open.probing == Some(ticket) {
                open.probing = None;
                open.probes = open.probes.saturating_add(1);
                open.probe_at = now + self.policy.probe.draw(open.probes + 1);
            }
            return false;
        }
        if self.policy.keys == 0 {
            return false;
        }
        self.failing.insert(who);
        if self.failing.len() < self.policy.keys {
            return false;
        }
        self.failing.clear();
        self.open = Some(Open {
            since: now,
            probes: 0,
            probe_at: now + self.policy.probe.draw(1),
            probing: None,
        });
        true
    }

    /// Whether nothing has failed lately.
    pub(super) fn is_calm(&self) -> bool {
        self.failing.is_empty() && self.open.is_none()
    }

    /// A message succeeded. For how long the breaker had been open, if that closes it.
    pub(super) fn succeeded(&mut self, now: Instant) -> Option<Duration> {
        self.failing.clear();
        let open = self.open.take()?;
        let lasted = now - open.since;
        self.paused += lasted;
        Some(lasted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Backoff;
    use crate::lanes::{Lanes, Limits};

    fn tickets(count: usize) -> Vec<Ticket> {
        let limits = Limits {
            count: 100,
            bytes: 100,
            lane: 100,
            batch: 100,
        };
        let mut lanes: Lanes<(), ()> = Lanes::new(limits);
        (0..count).map(|_| lanes.admit(None, 0, ())).collect()
    }

    fn key(name: &str) -> Failing {
        Failing::Key(Topic::new("t").unwrap(), Key::new(name))
    }

    fn circuit(keys: usize) -> Circuit {
        let probe = Backoff::new(Duration::from_secs(1), Duration::from_secs(8));
        Circuit::new(Breaker::default().keys(keys).probe(probe))
    }

    #[test]
    fn different_keys_in_a_row_open_it_and_one_key_does_not() {
        let (mut circuit, now, t) = (circuit(3), Instant::now(), tickets(9));
        for ticket in &t {
            assert!(!circuit.failed(key("a"), *ticket, now));
        }
        assert!(!circuit.failed(key("b"), t[0], now));
        assert_eq!(circuit.succeeded(now), None, "it was not open");
        assert!(!circuit.failed(key("a"), t[0], now));
        assert!(!circuit.failed(key("b"), t[1], now));
        assert!(circuit.failed(key("c"), t[2], now));
    }

    #[test]
    fn one_probe_at_a_time_and_its_success_closes() {
        let (mut circuit, mut now, t) = (circuit(1), Instant::now(), tickets(3));
        assert!(circuit.failed(key("a"), t[0], now));
        let mut waited = Duration::ZERO;
        for _ in 0..20 {
            if let Gate::NotBefore(at) = circuit.gate(now) {
                assert!(at - now <= Duration::from_secs(8));
                waited += at - now;
                now = at;
            }
            assert_eq!(circuit.gate(now), Gate::Probe);
            circuit.probe(t[1]);
            assert_eq!(circuit.gate(now), Gate::Nothing);
            // What was started before says nothing of the probe.
            assert!(!circuit.failed(key("z"), t[2], now));
            assert_eq!(circuit.gate(now), Gate::Nothing);
            assert!(!circuit.failed(key("b"), t[1], now));
        }
        assert_eq!(circuit.paused(now), waited);
        circuit.probe(t[1]);
        assert_eq!(circuit.succeeded(now), Some(waited));
        assert_eq!(circuit.gate(now), Gate::All);
        now += Duration::from_secs(5);
        assert_eq!(circuit.paused(now), waited, "closed time does not count");
    }

    #[test]
    fn a_breaker_that_is_off_never_opens() {
        let (mut circuit, now, t) = (circuit(0), Instant::now(), tickets(1));
        for name in ["a", "b", "c", "d", "e", "f"] {
            assert!(!circuit.failed(key(name), t[0], now));
        }
    }
}
