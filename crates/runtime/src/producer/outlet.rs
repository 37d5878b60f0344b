//! Where records leave for the log: alone at once, together in batches.

use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
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
    place: Option<Place>,
    deadline: Instant,
    answer: oneshot::Sender<Answer>,
    /// Its share of the queue's bounds, given back when it is answered.
    _share: Option<Share>,
}

/// Stands for a topic and a key. Two that share one by chance are held apart as well.
type Place = u64;

/// One of the events and some of the bytes that may wait.
type Share = (OwnedSemaphorePermit, OwnedSemaphorePermit);

impl Parcel {
    fn new(
        record: Record,
        place: Option<Place>,
        deadline: Instant,
        share: Option<Share>,
    ) -> (Self, oneshot::Receiver<Answer>) {
        let (answer, receiver) = oneshot::channel();
        let parcel = Self {
            record,
            place,
            deadline,
            answer,
            _share: share,
        };
        (parcel, receiver)
    }
}

/// As many batches are with the log as [are worth it there](Transport::batches_under_way); what comes
/// meanwhile gathers into the next. So nothing waits while there is no load, and batches grow with it.
///
/// Records of a key keep their order: while one is under way, until its last attempt is answered, the
/// next of its key waits in the queue, and those of other keys pass it.
///
/// Callers who were just answered often publish again at once. Behind a batch of several a pump lets
/// them, one turn of the scheduler long: else the first of them would leave alone, and the others wait
/// for it. For the same reason a batch leaves beside others only when it is half as large as they are.
pub(super) struct Outlet {
    shared: Arc<Shared>,
    /// Send what has gathered, a batch each; started when something first has to wait.
    pumps: Mutex<Vec<JoinHandle<()>>>,
}

struct Shared {
    transport: Arc<dyn Transport>,
    retry: PublishRetry,
    bounds: Bounds,
    /// How many batches may be under way.
    width: usize,
    places: RandomState,
    queue: Mutex<Queue>,
    count: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    gathered: Notify,
}

/// What waits, and what is under way.
#[derive(Default)]
struct Queue {
    parcels: VecDeque<Parcel>,
    batches: usize,
    /// Records in them.
    under_way: usize,
    /// So many of what waits are taken to wait for what is under way.
    held_back: usize,
    /// Where records are under way. No two batches share one.
    places: HashSet<Place, RandomState>,
}

impl Outlet {
    pub(super) fn new(transport: Arc<dyn Transport>, retry: PublishRetry, bounds: Bounds) -> Self {
        let permits = |n: usize| Arc::new(Semaphore::new(n.min(Semaphore::MAX_PERMITS)));
        let shared = Shared {
            width: transport.batches_under_way().max(1),
            transport,
            retry,
            bounds,
            places: RandomState::default(),
            queue: Mutex::default(),
            count: permits(bounds.queue_count),
            // Acquired as u32.
            bytes: permits(bounds.queue_bytes.min(u32::MAX as usize)),
            gathered: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
            pumps: Mutex::default(),
        }
    }

    /// Sends records and waits for what becomes of each, in the order given.
    pub(super) async fn send(&self, records: Vec<Record>) -> Vec<Answer> {
        let shared = &self.shared;
        let deadline = shared.retry.until();
        let mut answers = Vec::with_capacity(records.len());
        let mut parcel = |record, share| {
            let place = shared.place(&record);
            let (parcel, answer) = Parcel::new(record, place, deadline, share);
            answers.push(answer);
            parcel
        };
        match shared.turn_at_once(records.iter()) {
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
                self.ensure_pumps();
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
        let answer = match shared.turn_at_once(std::iter::once(&record)) {
            Some(_turn) => {
                let (parcel, answer) = Parcel::new(record, None, deadline, None);
                shared.deliver(vec![parcel]).await;
                answer
            }
            None => {
                self.ensure_pumps();
                let share = shared.share(&record).await;
                let place = shared.place(&record);
                let (parcel, answer) = Parcel::new(record, place, deadline, Some(share));
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

    /// Starts the pumps, or starts them again when their tokio runtime has ended.
    fn ensure_pumps(&self) {
        let mut pumps = self.pumps.lock().unwrap_or_else(PoisonError::into_inner);
        let running = pumps.iter().filter(|pump| !pump.is_finished()).count();
        if running == self.shared.width {
            return;
        }
        pumps.retain(|pump| !pump.is_finished());
        pumps
            .extend((running..self.shared.width).map(|_| tokio::spawn(self.shared.clone().pump())));
        self.shared.gathered.notify_one();
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        let pumps = self.pumps.get_mut().unwrap_or_else(PoisonError::into_inner);
        for pump in pumps {
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
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a record must not overtake another. Nobody asks where one batch at a time is under way.
    fn place(&self, record: &Record) -> Option<Place> {
        let key = record.key.as_ref().filter(|_| self.width > 1)?;
        Some(self.places.hash_one((&record.topic, key)))
    }

    fn enqueue(&self, parcel: Parcel) {
        let mut queue = self.queue();
        queue.parcels.push_back(parcel);
        let worth_it = queue.is_worth_a_batch(self.width);
        drop(queue);
        if worth_it {
            self.gathered.notify_one();
        }
    }

    /// The turn, if nothing is under way and nothing waits.
    fn turn_at_once<'a>(
        &self,
        records: impl ExactSizeIterator<Item = &'a Record>,
    ) -> Option<Turn<'_>> {
        let mut queue = self.queue();
        if queue.batches > 0 || !queue.parcels.is_empty() {
            return None;
        }
        let count = records.len();
        let places = records.filter_map(|record| self.place(record)).collect();
        Some(queue.begin(self, count, places))
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
            let mut ended = None;
            while let Some((turn, batch)) = self.gather(ended.take()) {
                let sent = batch.len();
                self.deliver(batch).await;
                if sent > 1 {
                    yield_now().await;
                }
                ended = Some(turn);
            }
        }
    }

    /// The next batch from the queue, if one more may be under way: what must not wait for those that
    /// are. What has waited past its deadline is answered instead.
    fn gather(&self, ended: Option<Turn<'_>>) -> Option<(Turn<'_>, Vec<Parcel>)> {
        let mut queue = self.queue();
        if let Some(mut turn) = ended {
            turn.end(&mut queue);
        }
        if !queue.is_worth_a_batch(self.width) {
            return None;
        }
        let mut batch = Batch::new(self.bounds);
        let mut held_back = Vec::new();
        let now = Instant::now();
        while let Some(parcel) = queue.parcels.pop_front() {
            let late = parcel.deadline < now && !self.retry.deadline.is_zero();
            if late {
                let message = format!(
                    "the log did not take what was queued before within {:?}; nothing was sent",
                    self.retry.deadline
                );
                let error = TransportError::new(ErrorKind::Unavailable, "publish", message);
                // Nobody waits any more when the caller has dropped its future.
                let _ = parcel.answer.send(Err(error));
            } else if parcel
                .place
                .is_some_and(|place| queue.places.contains(&place))
            {
                held_back.push(parcel);
                // One hot key must not make each look as long as the queue.
                if held_back.len() == self.bounds.batch_count {
                    break;
                }
            } else if batch.fits(&parcel.record) {
                batch.push(parcel);
            } else {
                queue.parcels.push_front(parcel);
                break;
            }
        }
        let known = held_back.len();
        for parcel in held_back.into_iter().rev() {
            queue.parcels.push_front(parcel);
        }
        queue.held_back = match known == self.bounds.batch_count {
            true => queue.parcels.len(),
            false => known,
        };
        let batch = batch.take();
        if batch.is_empty() {
            return None;
        }
        let places = batch.iter().filter_map(|parcel| parcel.place).collect();
        let turn = queue.begin(self, batch.len(), places);
        if queue.is_worth_a_batch(self.width) {
            self.gathered.notify_one();
        }
        Some((turn, batch))
    }

    /// Hands parcels to the log until each is answered.
    async fn deliver(&self, mut parcels: Vec<Parcel>) {
        let mut failures = 0;
        while !parcels.is_empty() {
            let (records, rest): (Vec<Record>, Vec<_>) = parcels
                .into_iter()
                .map(|p| (p.record, (p.place, p.deadline, p.answer, p._share)))
                .unzip();
            let results = self.transport.publish(&records).await;
            let overtaken = overtaken(&records, &results);
            let now = Instant::now();
            let mut again = Vec::new();
            let mut last = None;
            let table = records.into_iter().zip(rest).zip(results).enumerate();
            for (i, ((record, (place, deadline, answer, share)), result)) in table {
                match result {
                    Err(error)
                        if self.retry.repeats(&error)
                            && deadline > now
                            && !overtaken.contains(&i) =>
                    {
                        last = Some(error);
                        again.push(Parcel {
                            record,
                            place,
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

impl Queue {
    /// Whether what waits should leave, as far as it may.
    fn is_worth_a_batch(&self, width: usize) -> bool {
        let waiting = self.parcels.len() - self.held_back;
        waiting > 0 && self.batches < width && 2 * waiting >= self.under_way
    }

    fn begin<'a>(&mut self, shared: &'a Shared, records: usize, places: Vec<Place>) -> Turn<'a> {
        self.batches += 1;
        self.under_way += records;
        self.places.extend(&places);
        Turn {
            shared,
            records,
            places,
            ended: false,
        }
    }
}

/// A batch under way. Gives the turn back, also when the future that has it is dropped half-way, and
/// sees to it that what has gathered meanwhile goes out.
struct Turn<'a> {
    shared: &'a Shared,
    records: usize,
    places: Vec<Place>,
    ended: bool,
}

impl Turn<'_> {
    fn end(&mut self, queue: &mut Queue) {
        queue.batches -= 1;
        queue.under_way -= self.records;
        queue.held_back = 0;
        for place in &self.places {
            queue.places.remove(place);
        }
        self.ended = true;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let mut queue = self.shared.queue();
        self.end(&mut queue);
        if queue.is_worth_a_batch(self.shared.width) {
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
