//! What a consumer has in hand, shared by everything that works on it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tidings_event::Event;
use tidings_telemetry::KeyHash;
use tidings_transport::{
    Capability, Delivery, Group, Key, Outcome, Settlement, Subscriber, Topic, Transport,
};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::field::{DisplayValue, display};

use super::circuit::{Circuit, Failing};
use super::failure::Class;
use super::message::Received;
use super::observation::{Observation, Observed};
use super::pace::Pace;
use super::parked::ParkedKeys;
use super::settings::Settings;
use super::{ConsumeError, Message};
use crate::Counters;
use crate::lanes::{Lanes, Ticket};

/// Lanes are per topic: nothing orders one topic against another.
pub(super) type LaneKey = (Topic, Key);

/// A delivery in hand.
pub(super) struct Held {
    pub(super) delivery: Arc<Delivery>,
    pub(super) observed: Observed,
    /// The event, or why the body is not one.
    pub(super) event: Result<Arc<Received>, String>,
    pub(super) key: Option<Key>,
    /// Handlers started on it, as the log counts.
    pub(super) attempts: u32,
    /// Of these, how many told nothing of the message, because everything failed.
    pub(super) excused: u32,
    /// The next attempt is made to find out whether everything still fails.
    pub(super) probe: bool,
    pub(super) first_failure: Option<FirstFailure>,
    /// It failed for good, and waits for room among the parked keys.
    pub(super) verdict: Option<(Class, String)>,
    /// It has passed to another consumer while somebody works on it here.
    pub(super) lost: bool,
    /// A consumer that is gone has started it, and no attempt has returned here yet: it may be what
    /// ended that consumer.
    pub(super) doubtful: bool,
}

/// When a delivery failed for the first time in this consumer.
#[derive(Debug, Clone, Copy)]
pub(super) struct FirstFailure {
    pub(super) time: Timestamp,
    pub(super) at: Instant,
    /// How long the breaker had been open by then.
    pub(super) paused: Duration,
}

/// The books. Locked for moments, never across an await.
pub(super) struct Hand {
    pub(super) lanes: Lanes<LaneKey, Held>,
    /// Fetched, and not yet admitted because its key is not known yet.
    pub(super) decoding: Vec<Arc<Delivery>>,
    /// Deliveries whose start is being recorded.
    pub(super) starting: usize,
    /// Started, and waiting for a worker.
    pub(super) runnable: VecDeque<Ticket>,
    pub(super) running: usize,
    /// What was started last must run alone: nothing else starts before it has ended.
    pub(super) alone: bool,
    /// How deliveries ended, and what was not yet told the log: two columns of one table.
    pub(super) ended: Vec<Ticket>,
    pub(super) settlements: Vec<Settlement>,
    pub(super) settling: usize,
    pub(super) circuit: Circuit,
    pub(super) parked: ParkedKeys,
    /// When something last arrived or ended.
    pub(super) last_activity: Instant,
    /// Deliveries admitted, less those that passed to others.
    pub(super) admitted: u64,
    /// How many in hand are doubtful.
    pub(super) doubtful: usize,
}

impl Hand {
    /// Notes how a delivery ended; the settler tells the log.
    pub(super) fn end(&mut self, ticket: Ticket, outcome: Outcome) {
        if let Some(held) = self.lanes.get(ticket) {
            self.settlements.push(Settlement {
                delivery: held.delivery.clone(),
                outcome,
            });
            self.ended.push(ticket);
        }
    }

    /// Takes a delivery in.
    pub(super) fn admit(&mut self, held: Held, ordered: bool) {
        self.admitted += 1;
        self.doubtful += usize::from(held.doubtful);
        let lane = held.key.clone().filter(|_| ordered);
        let lane = lane.map(|key| (held.delivery.topic.clone(), key));
        let bytes = held.delivery.body.len();
        self.lanes.admit(lane, bytes, held);
    }

    /// An attempt returned: whatever ended the consumer before, this delivery has not done it now.
    pub(super) fn returned(&mut self, ticket: Ticket) {
        if let Some(held) = self.lanes.get_mut(ticket)
            && std::mem::take(&mut held.doubtful)
        {
            self.doubtful -= 1;
        }
    }

    /// A delivery leaves.
    pub(super) fn finish(&mut self, ticket: Ticket) -> Option<Held> {
        self.returned(ticket);
        self.lanes.finish(ticket)
    }

    /// Forgets a delivery that has passed to another consumer, or will be given back.
    pub(super) fn forget(&mut self, ticket: Ticket) -> Option<Held> {
        let held = self.finish(ticket);
        if held.is_some() {
            self.admitted -= 1;
        }
        held
    }

    /// Deliveries whose handlers run, or are about to.
    pub(super) fn at_work(&self) -> usize {
        self.starting + self.runnable.len() + self.running
    }

    /// Deliveries that were started and are not settled.
    pub(super) fn unfinished(&self) -> usize {
        self.at_work() + self.settlements.len() + self.settling
    }
}

/// A running consumer: the books, and the bells that tell of changes in them.
pub(super) struct Engine {
    pub(super) group: Group,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) subscriber: Arc<dyn Subscriber>,
    /// Successors of parked keys come here and must be parked behind them.
    pub(super) follows: bool,
    /// The log settles a delivery and starts the next in one step.
    pub(super) starts_with_settling: bool,
    pub(super) settings: Settings,
    pub(super) counters: Arc<Counters>,
    pub(super) observation: Observation,
    pub(super) pace: Pace,
    hand: Mutex<Hand>,
    /// There is room again.
    pub(super) room: Notify,
    /// Something became ready, or workers may take more.
    pub(super) ready: Notify,
    /// Something became runnable.
    pub(super) work: Notify,
    /// Something ended.
    pub(super) done: Notify,
    /// No new handler is to be started.
    pub(super) stopping: CancellationToken,
    failure: Mutex<Option<ConsumeError>>,
}

/// Starts are recorded this far ahead of the workers, so that fast handlers do not wait for a
/// round trip each; short enough that "started" stays true (guarantee 4).
const START_AHEAD: Duration = Duration::from_millis(5);
const MAX_START_AHEAD: usize = 512;
/// Deliveries are fetched this far ahead.
const FETCH_AHEAD: Duration = Duration::from_millis(100);

impl Engine {
    pub(super) fn new(
        group: Group,
        transport: Arc<dyn Transport>,
        subscriber: Arc<dyn Subscriber>,
        settings: Settings,
        counters: Arc<Counters>,
        observation: Observation,
    ) -> Self {
        let hand = Hand {
            lanes: Lanes::new(settings.limits()),
            decoding: Vec::new(),
            starting: 0,
            runnable: VecDeque::new(),
            running: 0,
            alone: false,
            ended: Vec::new(),
            settlements: Vec::new(),
            settling: 0,
            circuit: Circuit::new(settings.breaker),
            parked: ParkedKeys::new(settings.max_parked_keys),
            last_activity: Instant::now(),
            admitted: 0,
            doubtful: 0,
        };
        let capabilities = transport.capabilities();
        let keyed = capabilities.has(Capability::KeyedOrder);
        Self {
            group,
            transport,
            subscriber,
            follows: settings.ordered && !keyed,
            starts_with_settling: capabilities.has(Capability::SettleAndStart),
            settings,
            counters,
            observation,
            pace: Pace::default(),
            hand: Mutex::new(hand),
            room: Notify::new(),
            ready: Notify::new(),
            work: Notify::new(),
            done: Notify::new(),
            stopping: CancellationToken::new(),
            failure: Mutex::new(None),
        }
    }

    /// A std mutex: it is held for moments and never across an await.
    pub(super) fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Started deliveries that may be with the workers or on their way to them.
    ///
    /// Only as many as run when something in hand may end the process, so that nothing else is
    /// counted as started each time; and when the first attempt is the last.
    pub(super) fn start_window(&self, hand: &Hand) -> usize {
        let exact = hand.doubtful > 0 || self.settings.retry.max_attempts == 1;
        let ahead = match exact {
            true => 0,
            false => self.ahead(START_AHEAD, MAX_START_AHEAD),
        };
        self.settings.concurrency + ahead
    }

    /// Deliveries that may be ready or worked on.
    pub(super) fn fetch_window(&self) -> usize {
        2 * self.settings.concurrency + self.ahead(FETCH_AHEAD, 2 * self.settings.max_batch)
    }

    fn ahead(&self, time: Duration, most: usize) -> usize {
        let each = self.pace.within(time);
        each.saturating_mul(self.settings.concurrency).min(most)
    }

    /// Begins the drain because of an error, the first of which `run` will return.
    pub(super) fn fail(&self, error: ConsumeError) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
        drop(failure);
        self.stopping.cancel();
    }

    pub(super) fn take_failure(&self) -> Option<ConsumeError> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }
}

impl Held {
    /// A message for a handler.
    pub(super) fn message(&self, received: &Arc<Received>) -> Message {
        Message {
            received: received.clone(),
            // A probe is not counted, and the first attempt is the first all the same.
            attempt: self.attempts.max(1),
        }
    }

    /// The event, if the body is one.
    pub(super) fn event(&self) -> Option<&Event> {
        self.event.as_ref().ok().map(|received| &received.event)
    }

    /// What this counts as in a row of failures.
    pub(super) fn failing(&self) -> Failing {
        let topic = self.delivery.topic.clone();
        match &self.key {
            Some(key) => Failing::Key(topic, key.clone()),
            None => Failing::Message(topic, self.delivery.position.clone()),
        }
    }

    /// For logs.
    pub(super) fn id(&self) -> &str {
        self.event().map_or("unreadable", Event::id)
    }

    /// For logs, which never show the key itself.
    pub(super) fn key_hash(&self) -> Option<DisplayValue<KeyHash<'_>>> {
        self.key.as_ref().map(|key| display(KeyHash(key)))
    }

    /// For logs.
    pub(super) fn ty(&self) -> &str {
        self.event().map_or("unreadable", Event::event_type)
    }
}
