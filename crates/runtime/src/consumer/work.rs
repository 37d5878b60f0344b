//! Runs handlers: one worker for each unit of concurrency.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{FutureExt, poll};
use tidings_telemetry::KeyHash;
use tidings_transport::Outcome;
use tracing::{Instrument, Span, debug, info};

use super::failure::{self, Class};
use super::hand::Engine;
use super::handler::FailureClass;
use super::{Handler, HandlerError, Message, observation};
use crate::lanes::Ticket;

/// Another worker is worth waking when the first would be busy for longer than this with what
/// waits: waking a thread costs about as much.
const WORTH_A_WAKE: Duration = Duration::from_micros(50);

/// How one attempt ended.
enum Ended {
    Returned(Result<(), HandlerError>),
    Panicked(String),
    TimedOut(Duration),
}

impl Ended {
    fn failure(&self) -> Option<Class> {
        match self {
            Self::Returned(Ok(())) => None,
            Self::Returned(Err(e)) => Some(Class::of(e)),
            Self::Panicked(_) => Some(Class::Panic),
            Self::TimedOut(_) => Some(Class::Timeout),
        }
    }
}

/// Runs handlers one after the other, for ever; `run` ends it.
pub(super) async fn work<H: Handler>(engine: Arc<Engine>, handler: Arc<H>) {
    loop {
        let Some((ticket, message, span)) = next(&engine) else {
            engine.work.notified().await;
            continue;
        };
        let began = Instant::now();
        let ended = match &span {
            None => attempt(&engine, &*handler, message).await,
            Some(span) => {
                let attempt = attempt(&engine, &*handler, message);
                attempt.instrument(span.clone()).await
            }
        };
        let took = began.elapsed();
        engine.pace.record(took);
        if let (Some(span), Some(class)) = (&span, ended.failure()) {
            observation::attempt_failed(span, class);
        }
        finish(&engine, ticket, ended, took);
        // Handlers that are always ready must not keep their thread from heartbeats and I/O.
        tokio::task::consume_budget().await;
    }
}

fn next(engine: &Engine) -> Option<(Ticket, Message, Option<Span>)> {
    let mut hand = engine.hand();
    loop {
        let ticket = hand.runnable.pop_front()?;
        let Some(held) = hand.lanes.get(ticket) else {
            continue;
        };
        let (false, Ok(received)) = (held.lost, &held.event) else {
            failure::lost(engine, &mut hand, ticket);
            engine.done.notify_one();
            continue;
        };
        let message = held.message(received);
        let span = held.observed.attempt_span(&message);
        hand.running += 1;
        let waiting = hand.runnable.len();
        drop(hand);
        if waiting > engine.pace.within(WORTH_A_WAKE) {
            engine.work.notify_one();
        }
        return Some((ticket, message, span));
    }
}

async fn attempt<H: Handler>(engine: &Engine, handler: &H, message: Message) -> Ended {
    debug!(id = message.event().id(), r#type = message.event().event_type(), topic = %message.topic(),
        group = %message.group(), key_hash = message.key().map(|key| display(KeyHash(key))),
        attempt = message.attempt(), "handler starts");
    if let Some(guard) = &engine.settings.guard
        && let Err(refused) = guard.check(message.event())
    {
        return Ended::Returned(Err(refused));
    }
    let handling = AssertUnwindSafe(async { handler.handle(message).await }).catch_unwind();
    let mut handling = std::pin::pin!(handling);
    // Most handlers that only compute are done at once, without timers or wakers.
    let returned = match poll!(&mut handling) {
        std::task::Poll::Ready(returned) => returned,
        std::task::Poll::Pending => {
            // This worker is not available for what waits behind.
            engine.work.notify_one();
            match engine.settings.retry.timeout {
                None => handling.await,
                Some(limit) => match tokio::time::timeout(limit, handling).await {
                    Ok(returned) => returned,
                    Err(_) => return Ended::TimedOut(limit),
                },
            }
        }
    };
    match returned {
        Ok(result) => Ended::Returned(result),
        Err(panic) => Ended::Panicked(panic_message(&*panic)),
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the handler panicked: {}", text.unwrap_or("no message"))
}

fn finish(engine: &Engine, ticket: Ticket, ended: Ended, took: Duration) {
    let mut hand = engine.hand();
    hand.running -= 1;
    hand.returned(ticket);
    let busy = hand.runnable.len() + hand.running;
    let hand = &mut *hand;
    if let Some(held) = hand.lanes.get(ticket) {
        held.observed.handled(took);
    }
    match hand.lanes.get(ticket) {
        Some(held) if held.lost => {
            info!(id = held.id(), r#type = held.ty(), key_hash = held.key_hash(), attempt = held.attempts,
                topic = %held.delivery.topic, group = %engine.group,
                "a result is dropped: the delivery has passed to another consumer");
            failure::lost(engine, hand, ticket);
        }
        Some(_) => match ended {
            Ended::Returned(Ok(())) => {
                hand.end(ticket, Outcome::Ack);
                failure::succeeded(engine, hand);
            }
            Ended::Returned(Err(e)) if e.class() == FailureClass::Closing => {
                failure::set_aside(engine, hand, ticket, e.message());
            }
            Ended::Returned(Err(e)) => {
                failure::attempt_failed(engine, hand, ticket, Class::of(&e), e.message());
            }
            Ended::Panicked(message) => {
                failure::attempt_failed(engine, hand, ticket, Class::Panic, &message);
            }
            Ended::TimedOut(limit) => {
                let message = format!("the handler took longer than {limit:?}");
                failure::attempt_failed(engine, hand, ticket, Class::Timeout, &message);
            }
        },
        None => {}
    }
    engine.done.notify_one();
    if busy * 2 <= engine.start_window(hand) {
        engine.ready.notify_one();
    }
}
