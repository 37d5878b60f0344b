//! Commits: one is under way at a time, and the next takes along what has gathered meanwhile.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use tidings_transport::{Error, ErrorKind, Result};
use tokio::sync::watch;

use crate::doubt::Doubt;
use crate::error::{kind, no_answer, told_to, writing};
use crate::fence::Fence;
use crate::member::Member;
use crate::offsets;

/// Between two attempts to commit.
const PAUSE: Duration = Duration::from_millis(20);
/// How soon others learn what was handed out, unless a start or a settlement tells them before.
const SOON: Duration = Duration::from_millis(50);

/// Between those who wait for a commit and the thread that sends it. It is a thread, so that the next
/// one leaves as soon as the last is answered, whatever the callers are at.
pub(crate) struct Commits {
    wish: Mutex<Wish>,
    /// Rings when there is one.
    bell: Condvar,
    told: watch::Sender<Told>,
    doubt: Mutex<Doubt>,
    fence: Mutex<Fence>,
}

/// Up to which version of the desk somebody waits for a commit, and how long.
struct Wish {
    version: u64,
    until: Instant,
}

/// What has become of commits.
#[derive(Default)]
struct Told {
    /// Up to which version everything is stored.
    stored: u64,
    /// What the last commit that failed had gathered, and why it failed.
    failed: Option<(u64, Error)>,
    /// The group is being rebalanced, and takes commits of no generation but the next.
    refused: bool,
    closed: bool,
}

impl Default for Commits {
    fn default() -> Self {
        Self {
            wish: Mutex::new(Wish {
                version: 0,
                until: Instant::now(),
            }),
            bell: Condvar::new(),
            told: watch::Sender::default(),
            doubt: Mutex::default(),
            fence: Mutex::default(),
        }
    }
}

impl Commits {
    fn wish(&self) -> MutexGuard<'_, Wish> {
        self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn doubt(&self) -> MutexGuard<'_, Doubt> {
        self.doubt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn fence(&self) -> MutexGuard<'_, Fence> {
        self.fence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wants everything up to this version stored, and waits so long for it.
    fn wish_for(&self, version: u64, until: Instant) {
        let mut wish = self.wish();
        wish.version = wish.version.max(version);
        wish.until = until;
        self.bell.notify_one();
    }

    /// Wakes the thread: there is a wish, or the member is closed.
    pub(crate) fn ring(&self) {
        let _wish = self.wish();
        self.bell.notify_one();
    }
}

impl Told {
    /// What a caller that wants this version stored is answered, once that is known.
    fn answer(&self, version: u64) -> Option<Result<(), &Error>> {
        match &self.failed {
            _ if self.stored >= version => Some(Ok(())),
            Some((failed, e)) if *failed >= version => Some(Err(e)),
            _ => None,
        }
    }
}

fn rebalanced(operation: &'static str) -> Error {
    let text = "the group is being rebalanced; nothing was stored";
    Error::new(ErrorKind::Unavailable, operation, text)
}

/// The end of the thread that commits, however it ends: nobody waits for it any more.
struct End<'a>(&'a Member);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.shut();
        self.0.commits.told.send_modify(|told| told.closed = true);
    }
}

impl Member {
    /// Commits what has changed, and waits until that is stored. What has passed to others
    /// meanwhile is left out: whoever holds a delivery of it finds that it is stale.
    pub(crate) async fn commit(&self, operation: &'static str) -> Result<()> {
        let version = self.desk().version;
        let mut told = self.commits.told.subscribe();
        if let Some(Ok(())) = told.borrow().answer(version) {
            return Ok(());
        }
        let timeout = self.client.timeout();
        self.commits.wish_for(version, Instant::now() + timeout);
        let answered = told.wait_for(|told| told.closed || told.answer(version).is_some());
        let result = match tokio::time::timeout(timeout, answered).await {
            // The sender lives as long as this.
            Ok(Err(_)) => Err(no_answer(operation, ErrorKind::UnknownOutcome)),
            Ok(Ok(told)) => match told.answer(version) {
                Some(answer) => answer.map_err(|e| told_to(operation, e)),
                None => self.check_open(operation),
            },
            Err(_) if self.commits.told.borrow().refused => Err(rebalanced(operation)),
            Err(_) => Err(no_answer(operation, ErrorKind::UnknownOutcome)),
        };
        if result.is_err() {
            // Whether it was stored or not: the next commit says it again.
            self.desk().touch();
        }
        result
    }

    /// Tells others what was handed out and neither started nor settled yet, until the consumer is
    /// closed. Nobody waits for it: before a handler runs its start is committed, and what was only
    /// handed out comes again to whoever is next.
    pub(crate) async fn tell_handed(self: Arc<Self>) {
        while !self.is_closed() {
            self.handed.notified().await;
            tokio::time::sleep(SOON).await;
            if !self.is_closed() {
                // Whoever starts or settles it is told what is wrong.
                let _ = self.commit("next").await;
            }
        }
    }

    /// Commits for those who wait for it, until the member is closed and nobody does. By one thread, which waits for
    /// each answer: the library may send a commit again, and it must not overtake what was gathered later.
    pub(crate) fn commit_for_callers(&self) {
        let _end = End(self);
        while let Some(until) = self.next_wish() {
            let (version, result) = self.send("commit");
            let late = Instant::now() >= until || self.is_closed();
            let failed = match result {
                Ok(true) => continue,
                Ok(false) if late => rebalanced("commit"),
                Ok(false) => {
                    std::thread::sleep(PAUSE);
                    continue;
                }
                Err(e) => e,
            };
            let told = &self.commits.told;
            told.send_modify(|told| told.failed = Some((version, failed)));
            // Whoever comes later is not told of this failure.
            self.desk().touch();
        }
    }

    /// How long somebody waits for a commit; `None` when nobody will any more.
    fn next_wish(&self) -> Option<Instant> {
        let mut wish = self.commits.wish();
        loop {
            if self.commits.told.borrow().answer(wish.version).is_none() {
                return Some(wish.until);
            }
            if self.is_closed() {
                return None;
            }
            let waited = self.commits.bell.wait(wish);
            wish = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Commits once, on a thread that may block; `false` while the group is being rebalanced, and takes
    /// commits of no generation but the next. With it comes the version of the desk that was gathered.
    fn send(&self, operation: &'static str) -> (u64, Result<bool>) {
        let told = &self.commits.told;
        told.send_if_modified(|told| {
            told.refused = false;
            false
        });
        // Let go of before it is asked for again.
        let is_up = self.commits.fence().is_up();
        let (version, result) = match is_up {
            true => (self.desk().version, Ok(false)),
            false => self.send_gathered(operation),
        };
        told.send_if_modified(|told| {
            let stored = matches!(result, Ok(true));
            if stored {
                told.stored = told.stored.max(version);
            }
            told.refused = matches!(result, Ok(false));
            stored
        });
        (version, result)
    }

    fn send_gathered(&self, operation: &'static str) -> (u64, Result<bool>) {
        let (list, version) = self.gather();
        let result = match list {
            Ok(list) => self.send_list(operation, &list),
            Err(e) => {
                self.desk().touch();
                Err(writing(operation, e))
            }
        };
        (version, result)
    }

    fn send_list(&self, operation: &'static str, list: &TopicPartitionList) -> Result<bool> {
        use RDKafkaErrorCode as Code;
        if list.count() == 0 {
            return Ok(true);
        }
        let Some(consumer) = self.consumer() else {
            return self.check_open(operation).map(|()| true);
        };
        let assignments = self.commits.fence().assignments();
        let Err(e) = consumer.commit(list, CommitMode::Sync) else {
            self.commits.doubt().stored();
            return Ok(true);
        };
        self.commits.doubt().failed(kind(&e, true));
        self.desk().touch();
        match e.rdkafka_error_code() {
            Some(Code::IllegalGeneration | Code::UnknownMemberId) => {
                self.commits.fence().refused(assignments);
                Ok(false)
            }
            // Brokers that lost everything know the group no more until its members join again.
            Some(Code::RebalanceInProgress | Code::GroupIdNotFound) => Ok(false),
            _ if offsets::is_uncoordinated(&e) => Ok(false),
            _ => Err(self.acl().of(writing(operation, e))),
        }
    }

    /// Says once more what is settled, a while after a commit whose outcome was unknown: a broker may
    /// still have taken that one in, behind the one that followed it.
    pub(crate) fn commit_after_doubt(&self) {
        if self.commits.doubt().is_due() {
            self.commit_soon();
        }
    }

    /// Has everything said once more, and waits for nothing: the thread that polls must not wait for a commit,
    /// since the group waits for that thread. With which version of the desk it is stored.
    pub(crate) fn commit_soon(&self) -> u64 {
        let version = {
            let mut desk = self.desk();
            desk.touch();
            desk.version
        };
        let until = Instant::now() + self.client.timeout();
        self.commits.wish_for(version, until);
        version
    }

    /// What has become of [`commit_soon`](Self::commit_soon): whether it is stored, or why not.
    pub(crate) fn is_stored(&self, version: u64) -> Result<bool> {
        match self.commits.told.borrow().answer(version) {
            Some(Ok(())) => Ok(true),
            Some(Err(e)) => Err(told_to("next", e)),
            None => Ok(false),
        }
    }

    /// What has changed, and the version of the desk that this is.
    fn gather(&self) -> (rdkafka::error::KafkaResult<TopicPartitionList>, u64) {
        let now = jiff::Timestamp::now().as_millisecond();
        let mut list = TopicPartitionList::new();
        let mut desk = self.desk();
        let version = desk.version;
        for ((topic, partition), lane) in &mut desk.lanes {
            if std::mem::take(&mut lane.dirty) {
                lane.ledger.touched = now;
                let name = &self.physical[*topic];
                if let Err(e) = offsets::add(&mut list, name, *partition, &lane.ledger) {
                    return (Err(e), version);
                }
            }
        }
        (Ok(list), version)
    }
}
