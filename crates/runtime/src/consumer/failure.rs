//! What becomes of a delivery that did not succeed.

use std::time::Duration;

use jiff::Timestamp;
use tidings_transport::{Outcome, Reason};
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::hand::{Engine, FirstFailure, Hand, Held};
use super::handler::FailureClass;
use super::{ConsumeError, HandlerError, OnFailure};
use crate::Counters;
use crate::lanes::Ticket;

/// How soon a handler that said it was closing is asked again.
const CLOSING: Duration = Duration::from_secs(1);

/// The stable word in a dead letter's reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The handler said that trying again may help, and all attempts are used up.
    Temporary,
    /// The handler said that trying again will not help.
    Permanent,
    /// The handler said that nobody can use it.
    Poison,
    /// It is not what the catalog says, and no handler has seen it.
    Invalid,
    /// The handler panicked.
    Panic,
    /// The handler took longer than an attempt may take.
    Timeout,
    /// All attempts were used up by consumers that died.
    Attempts,
    /// It kept failing while more of its key came than may wait in hand.
    LaneFull,
    /// The body is not an event.
    Undecodable,
}

impl Class {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Temporary => "temporary",
            Self::Permanent => "permanent",
            Self::Poison => "poison",
            Self::Invalid => "invalid",
            Self::Panic => "panic",
            Self::Timeout => "timeout",
            Self::Attempts => "attempts",
            Self::LaneFull => "lane_full",
            Self::Undecodable => "undecodable",
        }
    }

    /// That of what a handler returned.
    pub(super) fn of(error: &HandlerError) -> Self {
        match error.class() {
            FailureClass::Temporary | FailureClass::Closing => Self::Temporary,
            FailureClass::Permanent => Self::Permanent,
            FailureClass::Poison => Self::Poison,
            FailureClass::Invalid => Self::Invalid,
        }
    }

    /// Whether trying again may help.
    fn is_temporary(self) -> bool {
        matches!(self, Self::Temporary | Self::Panic | Self::Timeout)
    }
}

/// An attempt succeeded: if everything seemed to fail, it does not any more.
pub(super) fn succeeded(engine: &Engine, hand: &mut Hand) {
    // What nearly always holds asks for no time.
    if hand.circuit.is_calm() {
        return;
    }
    if let Some(lasted) = hand.circuit.succeeded(Instant::now()) {
        info!(group = %engine.group, ?lasted, "a handler succeeded; the breaker is closed");
        engine.observation.breaker(false);
        engine.ready.notify_one();
    }
}

/// One attempt failed: the delivery waits for the next, or this was the last.
pub(super) fn attempt_failed(
    engine: &Engine,
    hand: &mut Hand,
    ticket: Ticket,
    class: Class,
    message: &str,
) {
    let now = Instant::now();
    let Some(held) = hand.lanes.get_mut(ticket) else {
        return;
    };
    let paused = hand.circuit.paused(now);
    let first = *held.first_failure.get_or_insert_with(|| FirstFailure {
        time: Timestamp::now(),
        at: now,
        paused,
    });
    let probe = std::mem::replace(&mut held.probe, false);
    if !class.is_temporary() {
        hand.circuit.probe_ended(ticket);
        engine.ready.notify_one();
        match class {
            Class::Poison => bury(engine, hand, ticket, class, message),
            _ => give_up(engine, hand, ticket, class, message),
        }
        return;
    }
    let was_open = hand.circuit.is_open();
    let opened = hand.circuit.failed(held.failing(), ticket, now);
    if opened || (was_open && !probe) {
        held.excused = held.excused.saturating_add(1);
    }
    let counted = held.attempts.saturating_sub(held.excused);
    let retry = &engine.settings.retry;
    let failing = (now - first.at).saturating_sub(paused.saturating_sub(first.paused));
    let left = retry.max_elapsed.map(|total| total.saturating_sub(failing));
    if !(was_open || opened)
        && (counted >= last_attempt(engine, held) || left == Some(Duration::ZERO))
    {
        give_up(engine, hand, ticket, class, message);
        return;
    }
    let drawn = retry.backoff.draw(counted.max(1));
    let wait = left
        .filter(|left| !left.is_zero())
        .map_or(drawn, |left| drawn.min(left));
    let attempt = held.attempts;
    warn!(id = held.id(), r#type = held.ty(), topic = %held.delivery.topic, group = %engine.group,
        key_hash = held.key_hash(), attempt, probe, ?wait, class = class.as_str(), error = message,
        "an attempt failed; trying again");
    Counters::add(&engine.counters.retried, 1);
    engine.observation.retried(&held.delivery, class);
    hand.lanes.delay(ticket, now + wait);
    if hand.lanes.room() == 0 {
        // The fetcher gives up what keeps the others out.
        engine.room.notify_one();
    }
    if opened {
        open(engine, hand);
    }
    engine.ready.notify_one();
}

/// The handler takes no more, and the consumer is about to end: the delivery waits for that. Should
/// the end not come, it is tried again without haste.
pub(super) fn set_aside(engine: &Engine, hand: &mut Hand, ticket: Ticket, message: &str) {
    let Some(held) = hand.lanes.get_mut(ticket) else {
        return;
    };
    held.probe = false;
    held.excused = held.excused.saturating_add(1);
    debug!(id = held.id(), topic = %held.delivery.topic, group = %engine.group, why = message,
        "the handler takes no more messages");
    hand.circuit.probe_ended(ticket);
    hand.lanes.delay(ticket, Instant::now() + CLOSING);
    engine.ready.notify_one();
}

fn last_attempt(engine: &Engine, held: &Held) -> u32 {
    let delivery = &held.delivery;
    let retry = &engine.settings.retry;
    // Under `Stop` whoever starts the consumer again hands it out again: what failed is mended, or
    // shall stop it once more, but not unseen.
    let again = delivery.released || engine.settings.on_failure == OnFailure::Stop;
    retry.last_attempt(delivery.attempts, again)
}

/// The breaker has opened: what was started and does not run yet need not fail as well.
fn open(engine: &Engine, hand: &mut Hand) {
    error!(group = %engine.group, keys = engine.settings.breaker.keys,
        "messages of so many different keys failed in a row: the breaker opens, only probes are \
         handled until one succeeds");
    Counters::add(&engine.counters.breaker_opened, 1);
    engine.observation.breaker(true);
    hold_back(hand);
}

/// What was started and does not run yet waits for a start of its own.
fn hold_back(hand: &mut Hand) {
    while let Some(ticket) = hand.runnable.pop_back() {
        if let Some(held) = hand.lanes.get_mut(ticket) {
            held.excused = held.excused.saturating_add(1);
        }
        hand.lanes.put_back(ticket);
    }
}

/// Whether a delivery has no attempt left, before another is made.
pub(super) fn is_spent(engine: &Engine, held: &Held) -> bool {
    // One that was handed out again just now has a round of attempts before it.
    held.attempts.saturating_sub(held.excused) >= last_attempt(engine, held)
}

/// Whether the attempt before it is the last, and nobody here saw the earlier ones end. It, or one
/// that ran beside it, may have ended their processes: it runs alone now, so that what ends this
/// one uses up no attempts but its own.
pub(super) fn may_end_the_process(engine: &Engine, held: &Held) -> bool {
    let counted = held.attempts.saturating_sub(held.excused);
    held.doubtful && counted.saturating_add(1) >= last_attempt(engine, held)
}

/// The delivery failed for good: what happens is the policy's to say.
pub(super) fn give_up(
    engine: &Engine,
    hand: &mut Hand,
    ticket: Ticket,
    class: Class,
    message: &str,
) {
    let Some(held) = hand.lanes.get(ticket) else {
        return;
    };
    match engine.settings.on_failure {
        OnFailure::ParkKey => match held.key.clone().filter(|_| engine.settings.ordered) {
            None => bury(engine, hand, ticket, class, message),
            Some(key) if hand.parked.has_room_for(&held.delivery.topic, &key) => {
                log_end(
                    engine,
                    held,
                    class,
                    message,
                    "an event failed for good; its key is parked",
                );
                let reason = Some(reason(held, class, message));
                let key = Some(key);
                hand.end(ticket, Outcome::Park { key, reason });
                engine.done.notify_one();
            }
            Some(_) => {
                if let Some(held) = hand.lanes.get_mut(ticket) {
                    held.verdict = Some((class, message.to_owned()));
                }
                hand.lanes.put_back(ticket);
                hold_back(hand);
                hand.parked.wait_for_room();
                engine.ready.notify_one();
            }
        },
        OnFailure::Skip => bury(engine, hand, ticket, class, message),
        OnFailure::Stop => {
            log_end(
                engine,
                held,
                class,
                message,
                "an event failed for good; stopping",
            );
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
    log_end(
        engine,
        held,
        class,
        message,
        "an event becomes a dead letter",
    );
    let reason = reason(held, class, message);
    hand.end(ticket, Outcome::DeadLetter { reason });
    engine.done.notify_one();
}

/// There is no room in hand: what fails and keeps it from others is given up, the lanes that are
/// full, or the fullest one when nothing else is left to do.
pub(super) fn give_up_full_lanes(engine: &Engine) {
    if engine.settings.on_failure == OnFailure::Stop {
        return;
    }
    let mut hand = engine.hand();
    if hand.circuit.is_open() || hand.parked.is_full() {
        return;
    }
    for (ticket, depth) in hand.lanes.seize_blocking_heads() {
        let message = format!("it kept failing until {depth} events of its key waited in hand");
        give_up(engine, &mut hand, ticket, Class::LaneFull, &message);
    }
}

/// The delivery has passed to another consumer: whatever was done here does not count.
pub(super) fn lost(engine: &Engine, hand: &mut Hand, ticket: Ticket) {
    hand.circuit.probe_ended(ticket);
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

fn reason(held: &Held, class: Class, message: &str) -> Reason {
    let reason = Reason::new(class.as_str(), message);
    match held.first_failure {
        Some(first) => reason.since(first.time),
        None => reason,
    }
}

fn log_end(engine: &Engine, held: &Held, class: Class, message: &str, what: &str) {
    error!(id = held.id(), r#type = held.ty(), topic = %held.delivery.topic, group = %engine.group,
        position = %held.delivery.position, key_hash = held.key_hash(), attempt = held.attempts,
        class = class.as_str(), error = message, "{what}");
}
