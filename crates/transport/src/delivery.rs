//! One record handed to one consumer of a group, and how it is settled.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{Body, Error, ErrorKind, Gap, Key, Position, Reason, Result, Topic};

/// One record handed to one consumer of a group.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The topic it came from.
    pub topic: Topic,
    /// Where it stands in the topic.
    pub position: Position,
    /// When the log received it, if the log knows.
    pub received: Option<Timestamp>,
    /// The key as the log has it; for a released one, the key that it was parked under. Records
    /// of foreign producers may have one in their body only.
    pub key: Option<Key>,
    /// What it says.
    pub body: Body,
    /// How many handlers were started on it before this delivery, before its parking included.
    pub attempts: u32,
    /// It comes from the dead-letter log, and stays there until it is settled: its key is being
    /// released, or it is redelivered. `Ack` removes it; `DeadLetter` leaves it there, with nothing
    /// waiting behind it any more; `Park` with a reason keeps its place at the front and parks the
    /// key again, or for a redelivered one is the same as `DeadLetter`, since its successors have
    /// passed; `Retry`, a lost lease, and `Park` without a reason keep its place, and it is handed
    /// out again.
    pub released: bool,
    /// Which holding this is; settlements of an older one are stale. Transports choose the value.
    pub epoch: u64,
}

/// What `Subscriber::next` returns. There is a delivery or a gap in it.
#[derive(Debug, Default)]
pub struct Batch {
    /// Deliveries in log order per topic.
    pub deliveries: Vec<Arc<Delivery>>,
    /// What was lost to the group, each reported once.
    pub gaps: Vec<Gap>,
    /// Topics of which this consumer has become the active one since the last batch with
    /// deliveries. Others may have parked keys meanwhile: whoever parks successors asks
    /// `parked` before it handles what is in this batch. Empty where the log keeps keyed order.
    pub became_active: Vec<Topic>,
}

/// How a delivery ends.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Outcome {
    /// Done: the group is past it.
    Ack,
    /// Give it back, with its attempts; to be delivered again at or after `at`, or at once.
    /// A time requires `Capability::Delay`; records of the same key wait behind it where the log
    /// keeps keyed order.
    Retry {
        /// Not before this time.
        at: Option<Timestamp>,
    },
    /// It failed for good: store it in the dead-letter log and let the group pass.
    DeadLetter {
        /// Why.
        reason: Reason,
    },
    /// It failed for good and later records of its key must wait behind it: store it and mark
    /// the key parked. Without a key (here or on the delivery) the same as `DeadLetter`.
    ///
    /// Where the log keeps keyed order it moves later records of a parked key behind this one by
    /// itself, when their turn comes: callers see them only once they are released. Elsewhere,
    /// and where only the body has the key, the caller parks each of them without a reason.
    Park {
        /// The key, which the caller may have found in the body.
        key: Option<Key>,
        /// Why; `None` when it only waits behind a key that is parked or releasing. Then, if the
        /// key is clear, the result is `NotParked`, and the delivery is still the caller's to run.
        reason: Option<Reason>,
    },
}

/// A delivery and how it ends.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// What was delivered.
    pub delivery: Arc<Delivery>,
    /// How it ends.
    pub outcome: Outcome,
}

/// What starts as soon as the delivery before it is settled.
#[derive(Debug, Clone)]
pub struct Follower {
    /// What is to start.
    pub delivery: Arc<Delivery>,
    /// The settlement of the one before it, by its place among those that it goes with.
    pub behind: usize,
}

impl Follower {
    /// Whether what was before it is out of the way: settled, or in somebody else's hands.
    pub fn is_free(&self, settled: &[Result<()>]) -> bool {
        match settled.get(self.behind) {
            Some(Ok(())) => true,
            Some(Err(error)) => error.kind() == ErrorKind::Stale,
            None => false,
        }
    }

    /// Why it was not started: what is before it is not out of the way.
    pub fn held_back(&self) -> Error {
        let (topic, position) = (&self.delivery.topic, &self.delivery.position);
        Error::new(
            ErrorKind::Unavailable,
            "start",
            format!(
                "the delivery before {topic} at {position} is not settled; start it after that"
            ),
        )
    }
}
