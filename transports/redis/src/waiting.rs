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

use crate::desk::Desk;
use crate::error::{Code, Failure};
use crate::feeder::Feeder;
use crate::round::{Ask, TOGETHER};
use crate::script::{Call, TAKE};
use crate::value;

/// The longest that one look for news takes: then leases and groups are looked after.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The most that a read behind a wait takes: more is read by the next round, which copies nothing twice.
const FEW: usize = 64;

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
    /// Somebody rang: a lease is free, something was given back, a key is being released.
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
        let heard = answers.next().unwrap_or(Err(Failure::Strange {
            what: "an answer to a wait",
        }));
        let mut done = self.hear(heard, &waiting.streams);
        for (read, answer) in waiting.behind.into_iter().zip(answers) {
            done = done.and(self.read_behind(read, answer).await);
        }
        done
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
        let behind = self.behind(active, want);
        let mut commands = Pipeline::with_capacity(1 + behind.len());
        // One entry of each is enough to know.
        commands.cmd("XREAD").arg("COUNT").arg(1);
        // Rounded up: an answer before its time would only ask again.
        commands.arg("BLOCK").arg(held_back.as_millis() as u64 + 1);
        commands.arg("STREAMS").arg(&keys).arg(&ids);
        for read in &behind {
            commands.add_command(self.take(&desk, read).command().clone());
        }
        drop(desk);
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
        if self.member.competes() || active.len() > TOGETHER {
            return Vec::new();
        }
        let share = (want / active.len().max(1)).clamp(1, FEW);
        let small = active
            .into_iter()
            .filter(|(i, _)| self.lanes[*i].is_small());
        let read = |(lane, lease)| Behind {
            lane,
            lease,
            count: share,
        };
        small.map(read).collect()
    }

    fn take(&self, desk: &Desk, read: &Behind) -> Call {
        let last = desk.last_read(read.lane);
        Call::new(&TAKE, &self.member.keys[read.lane])
            .arg(self.member.group.as_str())
            .arg(&self.member.consumer)
            .arg(&*read.lease)
            .arg(last.from.to_string())
            .arg(last.count)
            .arg(last.upto.to_string())
            .arg(read.count)
            .arg(u8::from(self.member.starts_ahead))
    }

    /// What a read behind the wait has brought.
    async fn read_behind(
        &mut self,
        Behind { lane, lease, count }: Behind,
        answer: Result<Value, Failure>,
    ) -> Result<(), Failure> {
        match answer {
            Ok(answer) => self.taken(lane, &lease, count, answer),
            Err(failure) if failure.code() == Some(Code::NoScript) => {
                // A lease that nobody has: the script refuses, and the server knows it from then on.
                let teach = Call::new(&TAKE, &self.member.keys[lane]);
                let teach = teach
                    .arg(self.member.group.as_str())
                    .arg("")
                    .arg("0:nobody");
                match self.member.link.script(teach).await {
                    Ok(_) | Err(Failure::Refused { .. }) => Ok(()),
                    Err(failure) => Err(failure),
                }
            }
            Err(failure) => {
                // It was refused, and nothing was read. The next round asks, and says why if it is refused again.
                tracing::debug!("no read behind the wait: {failure:?}");
                Ok(())
            }
        }
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
