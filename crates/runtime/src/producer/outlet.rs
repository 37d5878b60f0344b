//! Where records leave for the log: alone at once, together in batches.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidings_transport::{
    Error as TransportError, ErrorKind, LogProcess, Position, Record, Transport,
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use super::PublishRetry;

/// What became of a record.
pub(super) type Answer = Result<Position, TransportError>;

/// The bounds of the queue and of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) queue_count: usize,
    pub(super) queue_bytes: usize,
    pub(super) batch_count: usize,
    pub(super) batch_bytes: usize,
}

/// A record on its way out, and who waits for the answer.
struct Parcel {
    record: Record,
    deadline: Instant,
    answer: oneshot::Sender<Answer>,
    /// Its share of the queue's bounds, given back when it is answered.
    _share: Option<Share>,
}

/// One of the events and some of the bytes that may wait.
type Share = (OwnedSemaphorePermit, OwnedSemaphorePermit);

impl Parcel {
    fn new(
        record: Record,
        deadline: Instant,
        share: Option<Share>,
    ) -> (Self, oneshot::Receiver<Answer>) {
        let (answer, receiver) = oneshot::channel();
        let parcel = Self {
            record,
            deadline,
            answer,
            _share: share,
        };
        (parcel, receiver)
    }
}

/// One batch at a time is with the log; what comes meanwhile gathers into the next. So nothing
/// waits while there is no load, batches grow with it, and records of a key keep their order.
///
/// Callers who were just answered often publish again at once. Behind a batch of several the pump lets
/// them, one turn of the scheduler long: else the first of them would leave alone, and the others wait
/// for it.
pub(super) struct Outlet {
    shared: Arc<Shared>,
    /// Sends what has gathered; started when something first has to wait.
    pump: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    transport: Arc<dyn Transport>,
    retry: PublishRetry,
    bounds: Bounds,
    queue: Mutex<VecDeque<Parcel>>,
    count: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    /// Whoever has it may talk to the log.
    turn: Semaphore,
    gathered: Notify,
}

impl Outlet {
    pub(super) fn new(transport: Arc<dyn Transport>, retry: PublishRetry, bounds: Bounds) -> Self {
        let permits = |n: usize| Arc::new(Semaphore::new(n.min(Semaphore::MAX_PERMITS)));
        let shared = Shared {
            transport,
            retry,
            bounds,
            queue: Mutex::new(VecDeque::new()),
            count: permits(bounds.queue_count),
            // Acquired as u32.
            bytes: permits(bounds.queue_bytes.min(u32::MAX as usize)),
            turn: Semaphore::new(1),
            gathered: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
            pump: Mutex::new(None),
        }
    }

    /// Sends records and waits for what becomes of each, in the order given.
    pub(super) async fn send(&self, records: Vec<Record>) -> Vec<Answer> {
        let shared = &self.shared;
        let deadline = shared.retry.until();
        let mut answers = Vec::with_capacity(records.len());
        let mut parcel = |record, share| {
            let (parcel, answer) = Parcel::new(record, deadline, share);
            answers.push(answer);
            parcel
        };
        match shared.turn_at_once() {
            Some(_turn) => {
                let mut batch = Batch::new(shared.bounds);
                for record in records {
                    if !batch.fits(&record) {
                        shared.deliver(batch.take()).await;
                    }
                    batch.push(parcel(record, None));
                }
                shared.deliver(batch.take()).await;
            }
            None => {
                self.ensure_pump();
                for record in records {
                    let share = shared.share(&record).await;
                    shared.enqueue(parcel(record, Some(share)));
                }
            }
        }
        let mut results = Vec::with_capacity(answers.len());
        for answer in answers {
            results.push(answer.await.unwrap_or_else(|_| Err(interrupted())));
        }
        results
    }

    /// Sends one record, without the lists that several need.
    pub(super) async fn send_one(&self, record: Record) -> Answer {
        let shared = &self.shared;
        let deadline = shared.retry.until();
        let answer = match shared.turn_at_once() {
            Some(_turn) => {
                let (parcel, answer) = Parcel::new(record, deadline, None);
                shared.deliver(vec![parcel]).await;
                answer
            }
            None => {
                self.ensure_pump();
                let share = shared.share(&record).await;
                let (parcel, answer) = Parcel::new(record, deadline, Some(share));
                shared.enqueue(parcel);
                answer
            }
        };
        answer.await.unwrap_or_else(|_| Err(interrupted()))
    }

    /// Asks the log whether it is there.
    pub(super) async fn ping(&self) -> Result<String, TransportError> {
        self.shared.transport.ping().await
    }

    /// Asks which process keeps the log.
    pub(super) async fn process(&self) -> Result<Option<LogProcess>, TransportError> {
        self.shared.transport.process().await
    }

    /// Starts the pump, or starts it again when its tokio runtime has ended.
    fn ensure_pump(&self) {
        let mut pump = self.pump.lock().unwrap_or_else(PoisonError::into_inner);
        if pump.as_ref().is_none_or(JoinHandle::is_finished) {
            *pump = Some(tokio::spawn(self.shared.clone().pump()));
            self.shared.gathered.notify_one();
        }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        let pump = self.pump.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(pump) = pump.take() {
            pump.abort();
        }
    }
}

fn interrupted() -> TransportError {
    TransportError::new(
        ErrorKind::UnknownOutcome,
        "publish",
        "the runtime that was sending it has ended; whether the log has it is not known",
    )
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, VecDeque<Parcel>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(&self, parcel: Parcel) {
        self.queue().push_back(parcel);
        self.gathered.notify_one();
    }

    /// The turn, if nobody has it and nobody waits for it.
    fn turn_at_once(&self) -> Option<Turn<'_>> {
        let permit = self.turn.try_acquire().ok()?;
        permit.forget();
        let turn = Turn { shared: self };
        // A statement of its own: giving the turn back locks the queue again.
        let nobody_waits = self.queue().is_empty();
        nobody_waits.then_some(turn)
    }

    /// Waits for room in the queue.
    async fn share(&self, record: &Record) -> Share {
        // One record may be larger than the whole queue: then it has the queue for itself.
        let bytes = record.body.len().min(self.bounds.queue_bytes);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let count = self.count.clone().acquire_owned().await;
        let bytes = self.bytes.clone().acquire_many_owned(bytes).await;
        let open = "these semaphores are never closed";
        (count.expect(open), bytes.expect(open))
    }

    async fn pump(self: Arc<Self>) {
        loop {
            self.gathered.notified().await;
            let mut sent = 0;
            loop {
                let permit = self.turn.acquire().await;
                permit.expect("this semaphore is never closed").forget();
                let _turn = Turn { shared: &self };
                if sent > 1 {
                    yield_now().await;
                }
                let batch = self.gather();
                sent = batch.len();
                if sent == 0 {
                    break;
                }
                self.deliver(batch).await;
            }
        }
    }

    /// The next batch from the queue. What has waited past its deadline is answered instead.
    fn gather(&self) -> Vec<Parcel> {
        let mut batch = Batch::new(self.bounds);
        let mut queue = self.queue();
        let now = Instant::now();
        while let Some(parcel) = queue.front() {
            let late = parcel.deadline < now && !self.retry.deadline.is_zero();
            if !late && !batch.fits(&parcel.record) {
                break;
            }
            let Some(parcel) = queue.pop_front() else {
                break;
            };
            if late {
                let message = format!(
                    "the log did not take what was queued before within {:?}; nothing was sent",
                    self.retry.deadline
                );
                let error = TransportError::new(ErrorKind::Unavailable, "publish", message);
                // Nobody waits any more when the caller has dropped its future.
                let _ = parcel.answer.send(Err(error));
            } else {
                batch.push(parcel);
            }
        }
        batch.take()
    }

    /// Hands parcels to the log until each is answered.
    async fn deliver(&self, mut parcels: Vec<Parcel>) {
        let mut failures = 0;
        while !parcels.is_empty() {
            let (records, rest): (Vec<Record>, Vec<_>) = parcels
                .into_iter()
                .map(|p| (p.record, (p.deadline, p.answer, p._share)))
                .unzip();
            let results = self.transport.publish(&records).await;
            let overtaken = overtaken(&records, &results);
            let now = Instant::now();
            let mut again = Vec::new();
            let mut last = None;
            let table = records.into_iter().zip(rest).zip(results).enumerate();
            for (i, ((record, (deadline, answer, share)), result)) in table {
                match result {
                    Err(error)
                        if self.retry.repeats(&error)
                            && deadline > now
                            && !overtaken.contains(&i) =>
                    {
                        last = Some(error);
                        again.push(Parcel {
                            record,
                            deadline,
                            answer,
                            _share: share,
                        });
                    }
                    result => {
                        let _ = answer.send(result);
                    }
                }
            }
            parcels = again;
            if let Some(error) = last {
                failures += 1;
                let left = parcels.iter().map(|p| p.deadline).max();
                let left = left.map_or(self.retry.deadline, |d| d.duration_since(now));
                let wait = self.retry.backoff.draw(failures).min(left);
                if failures == 1 {
                    warn!(%error, records = parcels.len(), "publishing failed; trying again");
                } else {
                    debug!(%error, records = parcels.len(), ?wait, failures, "publishing failed");
                }
                sleep(wait).await;
            }
        }
    }
}

/// Failures that a later record of the same key has already passed. To send those again would
/// turn the order of the key around, so their callers are told instead.
fn overtaken(records: &[Record], results: &[Answer]) -> HashSet<usize> {
    let mut found = HashSet::new();
    if results.iter().all(Result::is_err) || results.iter().all(Result::is_ok) {
        return found;
    }
    let mut later = HashSet::new();
    for (i, (record, result)) in records.iter().zip(results).enumerate().rev() {
        let Some(key) = &record.key else {
            continue;
        };
        match result {
            Ok(_) => drop(later.insert((&record.topic, key))),
            Err(_) if later.contains(&(&record.topic, key)) => drop(found.insert(i)),
            Err(_) => {}
        }
    }
    found
}

/// Gives the turn back, also when the future that has it is dropped half-way, and sees to it
/// that what has gathered meanwhile goes out.
struct Turn<'a> {
    shared: &'a Shared,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.shared.turn.add_permits(1);
        if !self.shared.queue().is_empty() {
            self.shared.gathered.notify_one();
        }
    }
}

/// Parcels up to the bounds of a batch; one always fits.
struct Batch {
    bounds: Bounds,
    parcels: Vec<Parcel>,
    bytes: usize,
}

impl Batch {
    fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            parcels: Vec::new(),
            bytes: 0,
        }
    }

    fn fits(&self, record: &Record) -> bool {
        self.parcels.is_empty()
            || (self.parcels.len() < self.bounds.batch_count
                && self.bytes + record.body.len() <= self.bounds.batch_bytes)
    }

    fn push(&mut self, parcel: Parcel) {
        self.bytes += parcel.record.body.len();
        self.parcels.push(parcel);
    }

    fn take(&mut self) -> Vec<Parcel> {
        self.bytes = 0;
        std::mem::take(&mut self.parcels)
    }
}
