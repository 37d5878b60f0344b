//! Whether loops move, and whether the process is ready for its work.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Whether loops move, and whether the process is ready for its work. Cheap to clone; clones share
/// one state.
///
/// *Alive*: no loop is stuck. A loop has a [`Pulse`]; it is stuck when it has been busy with one
/// thing for longer than the pulse allows. Waiting for work is not being busy.
///
/// *Ready*: everybody who said [`expect`](Self::expect) has joined. That the log answers is asked
/// at the time, by whoever wants to know.
#[derive(Debug, Clone, Default)]
pub struct Health {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    pulses: Mutex<Vec<Arc<Beat>>>,
    /// Who has not joined, or has begun to leave: what is to be told of each.
    absent: Mutex<Vec<&'static str>>,
}

#[derive(Debug)]
struct Beat {
    name: &'static str,
    limit: Duration,
    start: Instant,
    /// Milliseconds after `start`, plus one, at which it became busy; 0 while it waits for work.
    busy_since: AtomicU64,
}

impl Health {
    /// A pulse for a loop that is stuck when it is busy with one thing for longer than `limit`.
    /// The loop is forgotten when its pulse is dropped.
    pub fn pulse(&self, name: &'static str, limit: Duration) -> Pulse {
        let beat = Arc::new(Beat {
            name,
            limit,
            start: Instant::now(),
            busy_since: AtomicU64::new(0),
        });
        self.pulses().push(beat.clone());
        Pulse {
            beat,
            health: self.clone(),
        }
    }

    /// The loops that are stuck, each with how long.
    pub fn stuck(&self) -> Vec<(&'static str, Duration)> {
        let pulses = self.pulses();
        let stuck = pulses.iter().filter_map(|beat| {
            let since = beat.busy_since.load(Ordering::Relaxed).checked_sub(1)?;
            let busy = beat
                .start
                .elapsed()
                .saturating_sub(Duration::from_millis(since));
            (busy > beat.limit).then_some((beat.name, busy))
        });
        stuck.collect()
    }

    /// Somebody is about to join a group, say: until [`Joining::joined`] the process is not ready,
    /// and again from when it says that it leaves. Who is dropped is not waited for any more.
    /// `unready` is told meanwhile, like "it has not joined its group".
    pub fn expect(&self, unready: &'static str) -> Joining {
        self.absences().push(unready);
        Joining {
            health: self.clone(),
            unready,
            joined: false,
        }
    }

    /// What is to be told of those who have not joined; empty when everybody has.
    pub fn absent(&self) -> Vec<&'static str> {
        self.absences().clone()
    }

    fn absences(&self) -> MutexGuard<'_, Vec<&'static str>> {
        let absent = &self.shared.absent;
        absent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pulses(&self) -> MutexGuard<'_, Vec<Arc<Beat>>> {
        let pulses = &self.shared.pulses;
        pulses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether one consumer, say, takes part.
#[derive(Debug)]
pub struct Joining {
    health: Health,
    unready: &'static str,
    joined: bool,
}

impl Joining {
    /// It takes part from now on.
    pub fn joined(&mut self) {
        if !std::mem::replace(&mut self.joined, true) {
            let mut absent = self.health.absences();
            if let Some(ours) = absent.iter().position(|told| *told == self.unready) {
                absent.remove(ours);
            }
        }
    }

    /// It takes nothing new any more.
    pub fn leaving(&mut self) {
        if std::mem::replace(&mut self.joined, false) {
            self.health.absences().push(self.unready);
        }
    }
}

impl Drop for Joining {
    fn drop(&mut self) {
        self.joined();
    }
}

/// The pulse of one loop.
#[derive(Debug)]
pub struct Pulse {
    beat: Arc<Beat>,
    health: Health,
}

impl Pulse {
    /// The loop is alive and must say so again within the limit.
    pub fn beat(&self) {
        let since = u64::try_from(self.beat.start.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.beat.busy_since.store(since + 1, Ordering::Relaxed);
    }

    /// The loop waits for work, for as long as it takes.
    pub fn rest(&self) {
        self.beat.busy_since.store(0, Ordering::Relaxed);
    }

    /// The loop does something that ends within the limit: it rests again when this is dropped.
    pub fn busy(&self) -> Busy<'_> {
        self.beat();
        Busy(self)
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.health
            .pulses()
            .retain(|beat| !Arc::ptr_eq(beat, &self.beat));
    }
}

/// A loop that is busy, until this is dropped.
#[derive(Debug)]
pub struct Busy<'a>(&'a Pulse);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.rest();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_waits_is_not_stuck_and_one_that_hangs_is() {
        let health = Health::default();
        let pulse = health.pulse("settle", LIMIT);
        tokio::time::advance(LIMIT * 10).await;
        assert!(health.stuck().is_empty());
        let busy = pulse.busy();
        tokio::time::advance(LIMIT / 2).await;
        assert!(health.stuck().is_empty());
        tokio::time::advance(LIMIT).await;
        assert_eq!(health.stuck(), [("settle", LIMIT * 3 / 2)]);
        drop(busy);
        assert!(health.stuck().is_empty());
        pulse.beat();
        tokio::time::advance(LIMIT * 2).await;
        assert_eq!(health.stuck().len(), 1);
        drop(pulse);
        assert!(health.stuck().is_empty(), "the loop has ended");
    }

    #[test]
    fn ready_means_that_all_have_joined_and_none_leaves() {
        let health = Health::default();
        assert!(health.absent().is_empty());
        let (mut first, mut second) = (health.expect("one"), health.expect("another"));
        first.joined();
        assert_eq!(health.absent(), ["another"]);
        second.joined();
        second.joined();
        assert!(health.absent().is_empty());
        first.leaving();
        first.leaving();
        assert_eq!(health.absent(), ["one"]);
        drop(first);
        assert!(health.absent().is_empty());
    }
}
