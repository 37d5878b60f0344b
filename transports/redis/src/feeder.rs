//! The background task of a consumer: brings what there is to its desk while its caller waits.
//!
//! It runs apart from the caller's `next`, so that a call that is dropped loses nothing: what the
//! server has handed out arrives on the desk all the same, for the next call. While nobody waits
//! it does nothing, so a consumer whose program hangs loses its leases.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use redis::{Value, cmd};
use tidings_transport::{Error, ErrorKind};
use tokio::time::Instant;

use crate::connection::pause;
use crate::entry_id::EntryId;
use crate::error::Failure;
use crate::lane::Lane;
use crate::lease::Tended;
use crate::member::Member;
use crate::value;

/// The longest that one look for news takes: then leases and groups are looked after.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

type Waiting = Pin<Box<dyn Future<Output = Result<Value, Failure>> + Send>>;

/// The task.
pub(crate) struct Feeder {
    pub(crate) member: Arc<Member>,
    pub(crate) lanes: Vec<Lane>,
    /// Which topic is asked first.
    pub(crate) turn: usize,
    /// A blocking command under way, and what its streams are.
    waiting: Option<(Waiting, HashMap<Vec<u8>, Stream>)>,
    failures: u32,
    /// The connection on which the server was last seen to know the script of reads.
    pub(crate) taught: u64,
}

/// Something to wait for.
#[derive(Debug, Clone, Copy)]
enum Stream {
    /// New entries of a topic.
    Topic(usize),
    /// Somebody rang: a lease is free, something was given back, a key is being released.
    Bell(usize),
}

/// Tells the caller when the task ends by a panic, which would leave it waiting for ever.
struct LastWord(Arc<Member>);

impl Drop for LastWord {
    fn drop(&mut self) {
        self.0.fail(Error::new(
            ErrorKind::Failed,
            "next",
            "the background task of this consumer has ended; subscribe again",
        ));
    }
}

impl Feeder {
    /// For each topic, where the group stands, and what came of the first sign of life.
    pub(crate) fn new(member: Arc<Member>, topics: Vec<(EntryId, Tended, u64)>) -> Self {
        let mut feeder = Self {
            lanes: topics
                .iter()
                .map(|(at, _, alive)| Lane::new(*at, *alive))
                .collect(),
            turn: 0,
            waiting: None,
            failures: 0,
            taught: 0,
            member,
        };
        for (i, (_, tended, _)) in topics.into_iter().enumerate() {
            feeder.apply(i, tended);
        }
        feeder
    }

    /// Runs until the task is aborted.
    pub(crate) async fn run(mut self) {
        let _last_word = LastWord(Arc::clone(&self.member));
        loop {
            let waiting = self.member.desk().waiting();
            if waiting > 0 {
                self.member.ready.notify_one();
            }
            if waiting == 0 && self.member.demand() == 0 && self.read_ahead().await {
                continue;
            }
            if waiting > 0 || self.member.demand() == 0 {
                self.member.demanded.notified().await;
                continue;
            }
            if self.failures > 0 {
                tokio::time::sleep(pause(self.failures)).await;
            }
            match self.step().await {
                Ok(()) => self.failures = 0,
                Err(failure) => {
                    self.failures += 1;
                    tracing::debug!(
                        group = %self.member.group,
                        failures = self.failures,
                        "the log does not answer as it should: {failure:?}"
                    );
                    self.member.fail(failure.reading("next"));
                    // Whoever waits takes the error and may come back.
                    self.member.demanded.notified().await;
                }
            }
        }
    }

    /// Reads what the caller will probably ask for next, while it works. Whether anything came; what
    /// goes wrong shows again when it asks.
    async fn read_ahead(&mut self) -> bool {
        if self.failures > 0 || !self.member.reads_ahead() || !self.has_work() {
            return false;
        }
        // For two calls: each read has a fixed cost on the server.
        let want = 2 * self.member.appetite();
        matches!(self.round(want).await, Ok(true))
    }

    async fn step(&mut self) -> Result<(), Failure> {
        // Not while a blocking command is under way: it would not wait for what is taken on now.
        if self.waiting.is_none() {
            self.tend().await?;
        }
        let want = self.member.demand().max(1);
        if self.round(want).await? || self.has_work() {
            return Ok(());
        }
        self.wait().await
    }

    /// Waits for news, a settlement that makes something ready, or the time to look after leases.
    async fn wait(&mut self) -> Result<(), Failure> {
        if self.waiting.is_none() {
            self.waiting = Some(self.begin_to_wait());
        }
        let Some((waiting, _)) = &mut self.waiting else {
            return Ok(());
        };
        let answer = tokio::select! {
            answer = waiting => answer,
            () = self.member.poke.notified() => return Ok(()),
        };
        let streams = self.waiting.take().map(|(_, streams)| streams);
        self.hear(answer?, &streams.unwrap_or_default())
    }

    /// A plain `XREAD`: it leaves no trace, so nothing is lost when its answer is.
    fn begin_to_wait(&self) -> (Waiting, HashMap<Vec<u8>, Stream>) {
        let due = self.lanes.iter().map(|l| l.tend_at).min();
        let left = due.map_or(LONGEST_WAIT, |at| {
            at.saturating_duration_since(Instant::now())
        });
        let held_back = left.clamp(Duration::from_millis(1), LONGEST_WAIT);
        let mut keys = Vec::with_capacity(2 * self.lanes.len());
        let mut ids = Vec::with_capacity(2 * self.lanes.len());
        let mut streams = HashMap::with_capacity(2 * self.lanes.len());
        let desk = self.member.desk();
        for (i, lane) in self.lanes.iter().enumerate() {
            let names = &self.member.keys[i];
            if !lane.yielding && self.member.mine(&desk, i).is_some() {
                keys.push(names.stream());
                ids.push(lane.wait_from.to_string());
                streams.insert(names.stream().into(), Stream::Topic(i));
            }
            keys.push(names.wake());
            ids.push(lane.bell_from.to_string());
            streams.insert(names.wake().into(), Stream::Bell(i));
        }
        drop(desk);
        let mut read = cmd("XREAD");
        // One entry of each is enough to know.
        read.arg("COUNT").arg(1);
        // Rounded up: an answer before its time would only ask again.
        read.arg("BLOCK").arg(held_back.as_millis() as u64 + 1);
        read.arg("STREAMS").arg(&keys).arg(&ids);
        let member = Arc::clone(&self.member);
        let waiting = async move { member.waiting.command_within(&read, held_back).await };
        (Box::pin(waiting), streams)
    }

    fn hear(&mut self, answer: Value, streams: &HashMap<Vec<u8>, Stream>) -> Result<(), Failure> {
        const WHAT: &str = "streams with new entries";
        let heard = match answer {
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
