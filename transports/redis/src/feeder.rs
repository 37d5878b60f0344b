//! The background task of a consumer: brings what there is to its desk while its caller waits.
//!
//! It runs apart from the caller's `next`, so that a call that is dropped loses nothing: what the
//! server has handed out arrives on the desk all the same, for the next call. While nobody waits
//! it does nothing, so a consumer whose program hangs loses its leases.

use std::sync::Arc;

use tidings_transport::{Error, ErrorKind};
use tokio::time::Instant;

use crate::connection::pause;
use crate::entry_id::EntryId;
use crate::error::Failure;
use crate::lane::Lane;
use crate::lease::Tended;
use crate::member::Member;
use crate::waiting::Waiting;

/// The task.
pub(crate) struct Feeder {
    pub(crate) member: Arc<Member>,
    pub(crate) lanes: Vec<Lane>,
    /// Which topic is asked first.
    pub(crate) turn: usize,
    /// A blocking command under way.
    pub(crate) waiting: Option<Waiting>,
    failures: u32,
    /// The connection on which the server was last seen to know the script of reads.
    pub(crate) taught: u64,
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
    pub(crate) fn new(
        member: Arc<Member>,
        topics: Vec<(EntryId, Tended, u64)>,
        until: Instant,
    ) -> Self {
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
            feeder.apply(i, tended, until);
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
        self.wait(want).await
    }
}
