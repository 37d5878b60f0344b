//! One look at the topics: for released letters, what others left, and new entries.

use std::sync::Arc;

use redis::Pipeline;

use crate::connection::pause;
use crate::desk::Desk;
use crate::error::{Code, Failure};
use crate::feeder::Feeder;
use crate::held::LastRead;
use crate::names;
use crate::script::{CLAIM, Call, FETCH, LOOK, RECOVER, RELEASED};
use crate::value;

/// The most that one script looks at, so that it does not hold up the server.
const MOST: usize = 500;

/// The least that a topic is asked for while others wait for their turn: each read has a fixed cost on the
/// server, and two entries of each of two hundred topics cost it more than forty of each of ten.
const LEAST: usize = 40;

/// So many topics are asked at once all the same, where little is wanted: one after the other they would
/// take a round trip each.
const TOGETHER: usize = 4;

/// What a topic is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Letters of keys that are being released.
    Released,
    /// What was handed out and not settled.
    Claim,
    /// New entries, for one of several consumers that compete.
    Fetch,
    /// New entries, for the active consumer.
    Read,
}

impl Feeder {
    /// Whether a topic has something to look at.
    pub(crate) fn has_work(&self) -> bool {
        let desk = self.member.desk();
        let mut lanes = self.lanes.iter().enumerate();
        lanes.any(|(i, lane)| {
            self.member.mine(&desk, i).is_some()
                && (lane.sweep.is_some() || (lane.more && !lane.yielding))
        })
    }

    /// Asks all topics that may have something, at once. Whether anything came.
    pub(crate) async fn round(&mut self, want: usize) -> Result<bool, Failure> {
        let asks = self.plan(want);
        if asks.is_empty() {
            return Ok(false);
        }
        let count = (want / asks.len()).clamp(1, MOST);
        let (reads, asks): (Vec<_>, Vec<_>) = asks.into_iter().partition(|(_, a)| *a == Ask::Read);
        let mut failed = self.run_scripts(asks, count).await.err();
        if failed.is_none() {
            failed = self.run_reads(reads, count).await.err();
        }
        let found = self.member.desk().waiting() > 0;
        match failed {
            // What came is handed out first; the failure will show again.
            Some(failure) if !found => Err(failure),
            _ => Ok(found),
        }
    }

    async fn run_scripts(&mut self, asks: Vec<(usize, Ask)>, count: usize) -> Result<(), Failure> {
        let calls = {
            let desk = self.member.desk();
            let call =
                |(i, ask): &(usize, Ask)| self.call(&desk, *i, *ask, self.lanes[*i].fitting(count));
            asks.iter().map(call).collect()
        };
        let answers = match self.member.link.scripts(calls).await {
            Ok(answers) => answers,
            Err(failure) => {
                for (i, ask) in asks {
                    self.unanswered(i, ask, &failure);
                }
                return Err(failure);
            }
        };
        let mut failed = None;
        for ((i, ask), answer) in asks.into_iter().zip(answers) {
            let count = self.lanes[i].fitting(count);
            let done = match answer {
                Ok(answer) => self.answered(i, ask, count, answer),
                Err(failure) => self.refused(i, ask, failure).await,
            };
            failed = failed.or(done.err());
        }
        failed.map_or(Ok(()), Err)
    }

    /// Reads for the active consumer: a look whether it still is, and the read itself, in one step.
    ///
    /// The read happens also where the look says no. That harms nobody: what it took is pending,
    /// and the consumer that is active finds the group further on than it left it.
    async fn run_reads(&mut self, asks: Vec<(usize, Ask)>, count: usize) -> Result<(), Failure> {
        let Some((first, _)) = asks.first() else {
            return Ok(());
        };
        self.teach(*first).await?;
        let member = Arc::clone(&self.member);
        let reads = self.reads(&asks, count);
        let mut answered = member.link.transaction(reads).await;
        if matches!(&answered, Err(failure) if failure.code() == Some(Code::Full)) {
            // A server whose memory is full queues nothing for later, and reads all the same. Whoever
            // takes the lease over between the two is seen when a handler is to start.
            let reads = self.reads(&asks, count);
            answered = member.link.pipeline(&reads).await;
        }
        let mut answers = match answered {
            Ok(answers) => answers.into_iter(),
            Err(failure) => {
                for (i, ask) in asks {
                    self.unanswered(i, ask, &failure);
                }
                return Err(failure);
            }
        };
        let mut failed = None;
        for (i, ask) in asks {
            let (Some(look), Some(read)) = (answers.next(), answers.next()) else {
                break;
            };
            let count = self.lanes[i].fitting(count);
            let done = match look.and_then(|look| Ok((look, read?))) {
                Ok((look, read)) => self.read(i, count, look, read),
                Err(failure) if failure.code() == Some(Code::NoScript) => {
                    // It read without a look: what it took is pending, and is claimed next.
                    self.taught = 0;
                    self.lanes[i].begin_sweep(0);
                    Ok(())
                }
                Err(failure) => self.refused(i, ask, failure).await,
            };
            failed = failed.or(done.err());
        }
        failed.map_or(Ok(()), Err)
    }

    fn reads(&self, asks: &[(usize, Ask)], count: usize) -> Pipeline {
        let member = &self.member;
        let desk = member.desk();
        let mut commands = Pipeline::with_capacity(2 * asks.len());
        for (i, _) in asks {
            commands.add_command(self.look(&desk, *i).command().clone());
            commands
                .cmd("XREADGROUP")
                .arg("GROUP")
                .arg(member.group.as_str());
            commands
                .arg(&member.consumer)
                .arg("COUNT")
                .arg(self.lanes[*i].fitting(count));
            commands
                .arg("STREAMS")
                .arg(member.keys[*i].stream())
                .arg(">");
        }
        commands
    }

    fn look(&self, desk: &Desk, i: usize) -> Call {
        let read = desk.last_read(i);
        Call::new(&LOOK, &self.member.keys[i])
            .arg(self.member.group.as_str())
            .arg(&*self.member.mine(desk, i).unwrap_or_default())
            .arg(read.from.to_string())
            .arg(read.count)
            .arg(read.upto.to_string())
    }

    /// Sees to it that the server knows the script before a transaction names it.
    async fn teach(&mut self, i: usize) -> Result<(), Failure> {
        let member = &self.member;
        let generation = member.link.generation();
        if generation != 0 && generation == self.taught {
            return Ok(());
        }
        // A lease that nobody has: the script refuses and does nothing.
        let look = Call::new(&LOOK, &member.keys[i]);
        let look = look.arg(member.group.as_str()).arg("0:nobody");
        match member.link.script(look).await {
            Ok(_) | Err(Failure::Refused { .. }) => {
                // What else is refused shows again with the read.
                self.taught = member.link.generation();
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    async fn refused(&mut self, i: usize, ask: Ask, failure: Failure) -> Result<(), Failure> {
        match failure.code() {
            Some(Code::Stale) => {
                self.lost(i);
                Ok(())
            }
            Some(Code::NoGroup) => self.recover(i).await,
            _ => {
                self.unanswered(i, ask, &failure);
                Err(failure)
            }
        }
    }

    fn plan(&mut self, want: usize) -> Vec<(usize, Ask)> {
        let mut desk = self.member.desk();
        let lanes = self.lanes.len();
        let most = (want / LEAST).max(TOGETHER).min(want);
        let mut asks = Vec::new();
        let first = self.turn;
        for i in (0..lanes).map(|i| (first + i) % lanes) {
            if asks.len() == most {
                break;
            }
            let lane = &self.lanes[i];
            if desk.take_look(i) {
                asks.push((i, Ask::Released));
            } else if self.member.mine(&desk, i).is_none() {
            } else if lane.sweep.is_some() {
                asks.push((i, Ask::Claim));
            } else if lane.more && !lane.yielding {
                let competes = self.member.competes();
                asks.push((i, if competes { Ask::Fetch } else { Ask::Read }));
            }
        }
        // Whoever had no turn is the next to have one.
        if let Some((last, _)) = asks.last() {
            self.turn = (last + 1) % lanes;
        }
        asks
    }

    fn call(&self, desk: &Desk, i: usize, ask: Ask, count: usize) -> Call {
        let member = &self.member;
        let mine = member.mine(desk, i).unwrap_or_default();
        let keys = &member.keys[i];
        match ask {
            Ask::Released => {
                let lease = desk.lease(i).unwrap_or_default();
                let mut call = Call::new(&RELEASED, keys).arg(&*lease).arg(count);
                let (keys, letters) = desk.released_in_hand(i);
                call.push(keys.len());
                for key in keys {
                    call.push(key.as_str());
                }
                for letter in letters {
                    call.push(letter.to_string());
                }
                call
            }
            Ask::Claim => {
                let sweep = self.lanes[i].sweep.as_ref();
                Call::new(&CLAIM, keys)
                    .arg(member.group.as_str())
                    .arg(&member.consumer)
                    .arg(&*mine)
                    .arg(sweep.map_or(0, |s| s.idle_ms))
                    .arg(sweep.map_or("-", |s| &s.from))
                    .arg(count)
            }
            Ask::Fetch => Call::new(&FETCH, keys)
                .arg(member.group.as_str())
                .arg(&member.consumer)
                .arg(count),
            Ask::Read => self.look(desk, i),
        }
    }

    /// No answer came. What the server may have handed out is pending for this consumer.
    fn unanswered(&mut self, i: usize, ask: Ask, failure: &Failure) {
        if ask == Ask::Released {
            self.member.desk().look_for_released(i);
        } else if failure.is_uncertain() && !self.member.competes() {
            // Before anything newer. Competing consumers find it when its lease is over.
            self.lanes[i].begin_sweep(0);
        }
    }

    /// The group is gone: makes it anew where it stood, never at the end.
    async fn recover(&mut self, i: usize) -> Result<(), Failure> {
        let member = &self.member;
        let lane = &mut self.lanes[i];
        lane.recoveries += 1;
        if lane.recoveries > 1 {
            // Somebody removes it again and again.
            tokio::time::sleep(pause(lane.recoveries)).await;
        }
        let names = [names::groups(&member.topics[i])];
        let call = Call::with_keys(&RECOVER, &member.keys[i], &names).arg(member.group.as_str());
        let at = member.link.script(call).await?;
        let at = value::id(&at, "the position of the group")?;
        tracing::warn!(
            topic = %member.topics[i], group = %member.group, position = %at,
            "the group was gone from the log and was made anew"
        );
        let mut desk = member.desk();
        desk.forget_live(i);
        desk.set_last_read(i, LastRead::nothing_since(at));
        lane.more = true;
        lane.wait_from = at;
        Ok(())
    }
}
