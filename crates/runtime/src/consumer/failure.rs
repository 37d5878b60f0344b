//! What becomes of a delivery that did not succeed.

use jiff::Timestamp;
use tidings_transport::{Outcome, Reason};
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::hand::{Engine, Hand};
use super::{ConsumeError, OnFailure};
use crate::Counters;
use crate::lanes::Ticket;

/// The stable word in a dead letter's reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The handler said so.
    Handler,
    /// The handler panicked.
    Panic,
    /// The handler took longer than an attempt may take.
    Timeout,
    /// All attempts were used up by consumers that died.
    Attempts,
    /// The body is not an event.
    Undecodable,
}

impl Class {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Handler => "handler",
            Self::Panic => "panic",
            Self::Timeout => "timeout",
            Self::Attempts => "attempts",
            Self::Undecodable => "undecodable",
        }
    }
}

/// One attempt failed: the delivery waits for the next, or this was the last.
pub(super) fn attempt_failed(
    engine: &Engine,
    hand: &mut Hand,
    ticket: Ticket,
    class: Class,
    temporary: bool,
    message: &str,
) {
    let Some(held) = hand.lanes.get_mut(ticket) else {
        return;
    };
    held.first_failure.get_or_insert_with(Timestamp::now);
    let retry = &engine.settings.retry;
    let attempt = held.attempts;
    if !temporary || attempt >= retry.max_attempts {
        give_up(engine, hand, ticket, class, message);
        return;
    }
    let wait = retry.backoff.draw(attempt);
    warn!(id = held.id(), r#type = held.ty(), topic = %held.delivery.topic, group = %engine.group,
        key_hash = held.key_hash(), attempt, ?wait, class = class.as_str(), error = message, "an attempt failed; trying again");
    Counters::add(&engine.counters.retried, 1);
    engine.observation.retried(&held.delivery, class);
    hand.lanes.delay(ticket, Instant::now() + wait);
    engine.ready.notify_one();
}

/// The delivery failed for good: what happens is the policy's to say.
pub(super) fn give_up(
    engine: &Engine,
    hand: &mut Hand,
    ticket: Ticket,
    class: Class,
    message: &str,
) {
    match engine.settings.on_failure {
        OnFailure::DeadLetter => bury(engine, hand, ticket, class, message),
        OnFailure::Stop => {
            let Some(held) = hand.lanes.get(ticket) else {
                return;
            };
            error!(id = held.id(), r#type = held.ty(), topic = %held.delivery.topic,
                group = %engine.group, key_hash = held.key_hash(), attempt = held.attempts, class = class.as_str(),
                error = message, "an event failed for good; stopping");
            engine.fail(ConsumeError::Stopped {
                topic: held.delivery.topic.clone(),
                group: engine.group.clone(),
                position: held.delivery.position.clone(),
                id: held.id().to_owned(),
                attempts: held.attempts,
                message: message.to_owned(),
            });
            // It keeps its place at the head of its lane, so that no successor overtakes it;
            // closing the subscriber gives it back.
        }
    }
}

/// Ends a delivery as a dead letter.
pub(super) fn bury(engine: &Engine, hand: &mut Hand, ticket: Ticket, class: Class, message: &str) {
    let Some(held) = hand.lanes.get(ticket) else {
        return;
    };
    error!(id = held.id(), r#type = held.ty(), topic = %held.delivery.topic, group = %engine.group,
        position = %held.delivery.position, key_hash = held.key_hash(), attempt = held.attempts,
        class = class.as_str(),
        error = message, "an event becomes a dead letter");
    let mut reason = Reason::new(class.as_str(), message);
    if let Some(first) = held.first_failure {
        reason = reason.since(first);
    }
    hand.end(ticket, Outcome::DeadLetter { reason });
    engine.done.notify_one();
}

/// The delivery has passed to another consumer: whatever was done here does not count.
pub(super) fn lost(engine: &Engine, hand: &mut Hand, ticket: Ticket) {
    if let Some(held) = hand.forget(ticket) {
        info!(id = held.id(), r#type = held.ty(), topic = %held.delivery.topic,
            group = %engine.group, position = %held.delivery.position, key_hash = held.key_hash(),
            attempt = held.attempts, "a delivery has passed to another consumer");
        Counters::add(&engine.counters.stale, 1);
        engine.observation.stale(&held.delivery);
        engine.observation.in_hand(hand.lanes.len());
        engine.ready.notify_one();
        engine.room.notify_one();
    }
}
