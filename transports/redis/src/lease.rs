//! Who is active in a topic: leases are taken, kept, given up and shared out.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use redis::Value;
use tokio::time::Instant;

use crate::desk::Desk;
use crate::error::{Code, Failure};
use crate::feeder::Feeder;
use crate::member::Member;
use crate::script::{BURY, Call, LEASE, LEAVE};
use crate::value;

/// The longest between two looks at a topic.
const LONGEST_INTERVAL: Duration = Duration::from_secs(5);
/// The least between two searches for what dead consumers left.
const SEARCH_INTERVAL: Duration = Duration::from_secs(10);

/// What came of a sign of life.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tended {
    /// The lease is this consumer's.
    Mine(Arc<str>),
    /// Another consumer has it for so long, if nothing happens.
    Theirs(Duration),
    /// Nobody has it, and it was not asked for.
    Free,
}

/// A sign of life of a consumer in a topic; renews its lease, or asks for one.
pub(crate) fn sign_of_life(member: &Member, lane: usize, lease: Option<&str>, want: bool) -> Call {
    Call::new(&LEASE, &member.keys[lane])
        .arg(&member.consumer)
        .arg(lease.unwrap_or(""))
        .arg(member.lease_ms())
        .arg(u8::from(want))
}

/// Reads its answer: what came of it, and how many consumers live.
pub(crate) fn tended(answer: Value) -> Result<(Tended, u64), Failure> {
    const WHAT: &str = "a lease as {lease, alive, left}";
    let [lease, alive, left] = value::tuple(answer, WHAT)?;
    let alive = value::number(&alive, WHAT)?;
    let lease = value::text(lease, WHAT)?;
    let left = match left {
        Value::Int(ms) => ms,
        _ => return Err(Failure::Strange { what: WHAT }),
    };
    let tended = match left {
        _ if !lease.is_empty() => Tended::Mine(lease.into()),
        // Redis says -2 where there is none.
        ..0 => Tended::Free,
        ms => Tended::Theirs(Duration::from_millis(ms.unsigned_abs())),
    };
    Ok((tended, alive))
}

impl Feeder {
    /// Signs of life in all topics where it is time.
    pub(crate) async fn tend(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        let due = |i: &usize| self.lanes[*i].tend_at <= now;
        let due: Vec<usize> = (0..self.lanes.len()).filter(due).collect();
        if due.is_empty() {
            return Ok(());
        }
        let mut room = self.share().saturating_sub(self.active());
        let mut calls = Vec::with_capacity(due.len());
        {
            let desk = self.member.desk();
            for i in &due {
                let lease = desk.lease(*i);
                // Competing consumers need it for housekeeping only.
                let want = self.member.competes() || self.lanes[*i].free_seen || room > 0;
                if lease.is_none() && room > 0 {
                    room -= 1;
                }
                calls.push(sign_of_life(&self.member, *i, lease.as_deref(), want));
            }
        }
        let answers = self.member.link.scripts(calls).await?;
        for (i, answer) in due.into_iter().zip(answers) {
            let (tended, alive) = tended(answer?)?;
            self.lanes[i].alive = alive;
            self.apply(i, tended);
        }
        self.yield_surplus();
        self.give_up_idle().await?;
        self.bury().await
    }

    pub(crate) fn apply(&mut self, i: usize, tended: Tended) {
        let now = Instant::now();
        let interval = (self.member.lease / 3).min(LONGEST_INTERVAL);
        let search = self.search_interval();
        let held = self.member.desk().lease(i);
        let lane = &mut self.lanes[i];
        lane.tend_at = now + interval;
        lane.free_seen = tended == Tended::Free;
        match tended {
            Tended::Mine(lease) => {
                if held.as_ref() != Some(&lease) {
                    self.taken_over(i, lease);
                } else if now >= lane.sweep_at {
                    // What programs of others read for the group and did not settle, and answers
                    // that never arrived here.
                    lane.begin_sweep(self.member.lease_ms());
                    lane.sweep_at = now + search;
                }
                // News reach a waiting consumer by themselves; this finds what happens otherwise,
                // such as a trim or the loss of the group.
                self.lanes[i].more = true;
            }
            Tended::Theirs(left) => {
                if held.is_some() {
                    self.lost(i);
                }
                let jitter = rand::rng().random_range(Duration::ZERO..interval / 4);
                self.lanes[i].tend_at = now + (left + jitter / 4).min(interval);
            }
            Tended::Free => {
                if held.is_some() {
                    self.lost(i);
                }
                let jitter = rand::rng().random_range(0.2..0.4);
                self.lanes[i].tend_at = now + interval.mul_f64(jitter);
            }
        }
        if self.member.competes() {
            let lane = &mut self.lanes[i];
            lane.more = true;
            if now >= lane.sweep_at {
                lane.begin_sweep(self.member.lease_ms());
                lane.sweep_at = now + interval;
            }
        }
    }

    fn search_interval(&self) -> Duration {
        self.member.lease.max(SEARCH_INTERVAL)
    }

    /// This consumer is the active one from now on: what the former ones held comes first.
    fn taken_over(&mut self, i: usize, lease: Arc<str>) {
        let now = Instant::now();
        let mut desk = self.member.desk();
        desk.lose_lease(i, self.member.competes());
        desk.set_lease(i, lease);
        let search = self.search_interval();
        let lane = &mut self.lanes[i];
        lane.yielding = false;
        lane.bury_at = now;
        if !self.member.competes() {
            lane.begin_sweep(0);
            lane.sweep_at = now + search;
        }
    }

    /// The lease has passed to another consumer.
    pub(crate) fn lost(&mut self, i: usize) {
        tracing::debug!(
            topic = %self.member.topics[i], group = %self.member.group, consumer = self.member.consumer,
            "the lease has passed to another consumer"
        );
        self.member.desk().lose_lease(i, self.member.competes());
        let lane = &mut self.lanes[i];
        lane.tend_at = Instant::now();
        lane.yielding = false;
        if !self.member.competes() {
            lane.sweep = None;
        }
    }

    /// In how many topics this consumer is active.
    fn active(&self) -> usize {
        let desk = self.member.desk();
        (0..self.lanes.len())
            .filter(|i| desk.lease(*i).is_some())
            .count()
    }

    /// In how many it should be, so that topics spread over the consumers that live.
    fn share(&self) -> usize {
        let parts = self.lanes.iter().map(|l| 1.0 / l.alive.max(1) as f64);
        // A hair less, so that thirds add up to one.
        (parts.sum::<f64>() - 1e-6).ceil() as usize
    }

    /// Chooses topics to give up when others have fewer.
    fn yield_surplus(&mut self) {
        if self.member.competes() {
            return;
        }
        let share = self.share();
        let mut surplus = self.active().saturating_sub(share);
        let held: Vec<bool> = {
            let desk = self.member.desk();
            (0..self.lanes.len())
                .map(|i| desk.lease(i).is_some())
                .collect()
        };
        for (lane, held) in self.lanes.iter_mut().zip(held).rev() {
            lane.yielding = held && lane.alive > 1 && lane.sweep.is_none() && surplus > 0;
            surplus -= usize::from(lane.yielding);
        }
    }

    /// Gives up the topics chosen for it in which nothing is in hand (any more).
    async fn give_up_idle(&mut self) -> Result<(), Failure> {
        let mut calls = Vec::new();
        let mut given = Vec::new();
        {
            let mut desk = self.member.desk();
            for (i, lane) in self.lanes.iter().enumerate() {
                if lane.yielding && desk.lease(i).is_some() && desk.is_idle(i) {
                    calls.push(leave(&self.member, &desk, i, false));
                    desk.lose_lease(i, false);
                    given.push(i);
                }
            }
        }
        let now = Instant::now();
        for i in given {
            self.lanes[i].yielding = false;
            // Leaves it to the others for a while.
            self.lanes[i].tend_at = now + (self.member.lease / 3).min(LONGEST_INTERVAL);
        }
        for answer in self.member.link.scripts(calls).await? {
            answer?;
        }
        Ok(())
    }

    /// Removes dead consumers of the topics where this one is active; what they held is claimed
    /// first.
    async fn bury(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        let search = self.search_interval();
        let mut due = Vec::new();
        {
            let desk = self.member.desk();
            for (i, lane) in self.lanes.iter_mut().enumerate() {
                let walking = lane.sweep.is_some() && !self.member.competes();
                if desk.lease(i).is_some() && !walking && lane.bury_at <= now {
                    lane.bury_at = now + search;
                    due.push(i);
                }
            }
        }
        let call =
            |i: &usize| Call::new(&BURY, &self.member.keys[*i]).arg(self.member.group.as_str());
        let calls = due.iter().map(call).collect();
        for (i, answer) in due.into_iter().zip(self.member.link.scripts(calls).await?) {
            match answer {
                Ok(left) => {
                    let left = value::number(&left, "how many dead consumers hold something")?;
                    if left > 0 && !self.member.competes() {
                        self.lanes[i].begin_sweep(0);
                        self.lanes[i].bury_at = now;
                    }
                }
                // The next look at new entries finds this and mends it.
                Err(f) if f.code() == Some(Code::NoGroup) => self.lanes[i].more = true,
                Err(f) => return Err(f),
            }
        }
        Ok(())
    }
}

/// Gives up a lease; at closing also the place in the group.
pub(crate) fn leave(member: &Member, desk: &Desk, lane: usize, closing: bool) -> Call {
    let lease = desk.lease(lane).unwrap_or_default();
    let read = desk.last_read(lane);
    Call::new(&LEAVE, &member.keys[lane])
        .arg(member.group.as_str())
        .arg(&member.consumer)
        .arg(&*lease)
        .arg(u8::from(closing))
        .arg(u8::from(member.competes()))
        .arg(read.from.to_string())
        .arg(read.count)
        .arg(read.upto.to_string())
}
