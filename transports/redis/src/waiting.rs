//! Waiting for news, with the read of them behind the wait.
//!
//! `XREAD` leaves no trace, so nothing is lost when its answer is; but it brings nothing that may be handled
//! either. So the read for the active consumer stands behind it on the same connection: the server goes on to
//! it when it ends the wait, and news come with one answer instead of after another question.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use redis::{Pipeline, Value};
use tokio::time::Instant;

use crate::connection::within;
use crate::error::Failure;
use crate::feeder::Feeder;
use crate::round::{Ask, MOST, TOGETHER};
use crate::value;

/// The longest that one look for news takes: then leases and groups are looked after.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

type Answers = Vec<Result<Value, Failure>>;

/// A wait under way.
pub(crate) struct Waiting {
    answers: Pin<Box<dyn Future<Output = Result<Answers, Failure>> + Send>>,
    streams: HashMap<Vec<u8>, Stream>,
    behind: Vec<Behind>,
}

/// Something to wait for.
#[derive(Debug, Clone, Copy)]
enum Stream {
    /// New entries of a topic.
    Topic(usize),
    /// Somebody rang: a lease was taken or is free, something was given back, a key is being released.
    Bell(usize),
}

/// A read that stands behind the wait.
struct Behind {
    lane: usize,
    lease: Arc<str>,
    count: usize,
}

impl Waiting {
    /// Whether a read of the topic is under way.
    pub(crate) fn reads(&self, lane: usize) -> bool {
        self.behind.iter().any(|read| read.lane == lane)
    }
}

impl Feeder {
    /// Waits for news, a settlement that makes something ready, or the time to look after leases.
    pub(crate) async fn wait(&mut self, want: usize) -> Result<(), Failure> {
        let mut waiting = match self.waiting.take() {
            Some(waiting) => waiting,
            None => self.begin_to_wait(want),
        };
        let answers = tokio::select! {
            answers = &mut waiting.answers => answers,
            () = self.member.poke.notified() => {
                self.waiting = Some(waiting);
                return Ok(());
            }
        };
        let mut answers = match answers {
            Ok(answers) => answers.into_iter(),
            Err(failure) => {
                for read in waiting.behind {
                    self.unanswered(read.lane, Ask::Read, &failure);
                }
                return Err(failure);
            }
        };
        let mut next = || {
            let nothing = Failure::Strange {
                what: "an answer to a wait",
            };
            answers.next().unwrap_or(Err(nothing))
        };
        let watched = match waiting.behind.is_empty() {
            true => Ok(Value::Okay),
            false => next(),
        };
        let heard = self.hear(next(), &waiting.streams);
        let read = match answers.next_back() {
            Some(read) => self.read_behind(waiting.behind, read).await,
            None => Ok(()),
        };
        watched.and(heard).and(read)
    }

    fn begin_to_wait(&self, want: usize) -> Waiting {
        let due = self.lanes.iter().map(|l| l.tend_at).min();
        let left = due.map_or(LONGEST_WAIT, |at| {
            at.saturating_duration_since(Instant::now())
        });
        let held_back = left.clamp(Duration::from_millis(1), LONGEST_WAIT);
        let mut keys = Vec::with_capacity(2 * self.lanes.len());
        let mut ids = Vec::with_capacity(2 * self.lanes.len());
        let mut streams = HashMap::with_capacity(2 * self.lanes.len());
        let mut active = Vec::new();
        {
            let desk = self.member.desk();
            for (i, lane) in self.lanes.iter().enumerate() {
                let names = &self.member.keys[i];
                if let Some(lease) = self.member.mine(&desk, i).filter(|_| !lane.yielding) {
                    keys.push(names.stream());
                    ids.push(lane.wait_from.to_string());
                    streams.insert(names.stream().into(), Stream::Topic(i));
                    active.push((i, lease));
                }
                keys.push(names.wake());
                ids.push(lane.bell_from.to_string());
                streams.insert(names.wake().into(), Stream::Bell(i));
            }
        }
        let behind = self.behind(active, want);
        let mut commands = Pipeline::with_capacity(5 + 2 * behind.len());
        if !behind.is_empty() {
            // A bell that rings, because the lease is given up, say, ends the wait and calls off the reads.
            let bells = behind.iter().map(|read| self.member.keys[read.lane].wake());
            commands.cmd("WATCH").arg(bells.collect::<Vec<_>>());
        }
        // One entry of each is enough to know.
        commands.cmd("XREAD").arg("COUNT").arg(1);
        // Rounded up: an answer before its time would only ask again.
        commands.arg("BLOCK").arg(held_back.as_millis() as u64 + 1);
        commands.arg("STREAMS").arg(&keys).arg(&ids);
        if !behind.is_empty() {
            commands.cmd("MULTI");
            let reads = behind.iter().map(|read| (read.lane, read.count));
            self.add_reads(&mut commands, reads);
            commands.cmd("EXEC");
        }
        let member = Arc::clone(&self.member);
        let answers = async move { member.waiting.pipeline_within(&commands, held_back).await };
        Waiting {
            answers: Box::pin(answers),
            streams,
            behind,
        }
    }

    /// The reads to put behind a wait: where there are few topics, since all of them are read when one has
    /// news. What competing consumers take others could work on.
    fn behind(&self, active: Vec<(usize, Arc<str>)>, want: usize) -> Vec<Behind> {
        if self.member.competes() || self.taught == 0 || active.len() > TOGETHER {
            return Vec::new();
        }
        let share = (want / active.len().max(1)).clamp(1, MOST);
        let read = |(lane, lease): (usize, _)| Behind {
            lane,
            lease,
            count: self.lanes[lane].fitting(share),
        };
        active.into_iter().map(read).collect()
    }

    /// What the reads behind the wait have brought.
    async fn read_behind(
        &mut self,
        behind: Vec<Behind>,
        answer: Result<Value, Failure>,
    ) -> Result<(), Failure> {
        let answers = match answer {
            // A bell rang.
            Ok(Value::Nil) => return Ok(()),
            Ok(answer) => value::array(answer, "an answer for each read")?,
            Err(failure) => {
                // All of it was refused, because memory is full, say: the next round reads, and says so.
                tracing::debug!("no read behind the wait: {failure:?}");
                return Ok(());
            }
        };
        let mut answers = answers.into_iter().map(within);
        let answers: Vec<_> = behind
            .into_iter()
            .map_while(|read| Some((read, answers.next()?, answers.next()?)))
            .collect();
        let mut done = Ok(());
        for (Behind { lane, lease, count }, look, read) in answers {
            let still = self.member.mine(&self.member.desk(), lane) == Some(lease);
            if still {
                done = done.and(self.read_answered(lane, count, look, read).await);
            }
            // Else it was lost meanwhile, and what was read comes to whoever is active.
        }
        done
    }

    fn hear(
        &mut self,
        answer: Result<Value, Failure>,
        streams: &HashMap<Vec<u8>, Stream>,
    ) -> Result<(), Failure> {
        const WHAT: &str = "streams with new entries";
        let heard = match answer? {
            Value::Nil => return Ok(()),
            Value::Map(pairs) => pairs,
            _ => return Err(Failure::Strange { what: WHAT }),
        };
        for (name, entries) in heard {
            match streams.get(&value::bytes(name, WHAT)?) {
                Some(Stream::Topic(i)) => self.lanes[*i].more = true,
                Some(Stream::Bell(i)) => {
                    if let Some(last) = value::array(entries, WHAT)?.pop()
                        && let Some(id) = value::array(last, WHAT)?.first()
                    {
                        self.lanes[*i].bell_from = value::id(id, WHAT)?;
                    }
                    self.rung(*i);
                }
                None => return Err(Failure::Strange { what: WHAT }),
            }
        }
        Ok(())
    }

    /// Something changed that is not a new entry: look at everything.
    fn rung(&mut self, i: usize) {
        let lane = &mut self.lanes[i];
        let mut desk = self.member.desk();
        desk.look_for_released(i);
        lane.more = true;
        if desk.lease(i).is_none() {
            lane.tend_at = Instant::now();
        }
        if self.member.competes() {
            lane.begin_sweep(self.member.lease_ms());
        }
    }
}
