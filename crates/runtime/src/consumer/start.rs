//! Records starts, a batch at a time, before handlers run.

use std::sync::Arc;

use tidings_telemetry::Pulse;
use tidings_transport::{Delivery, Error as TransportError, ErrorKind};
use tokio::time::{Instant, sleep, sleep_until};

use super::ConsumeError;
use super::failure::{self, Class};
use super::hand::{Engine, Hand};
use super::outage::Outage;
use crate::lanes::Ticket;

/// Starts what is ready until the consumer stops.
pub(super) async fn start(engine: &Engine, pulse: &Pulse) -> Result<(), ConsumeError> {
    let mut outage = Outage::new(engine.group.clone(), "start", &engine.settings.patience);
    let mut tickets = Vec::new();
    let mut deliveries = Vec::new();
    while !engine.stopping.is_cancelled() {
        tickets.clear();
        deliveries.clear();
        let wake_at = pick(engine, &mut tickets, &mut deliveries);
        if tickets.is_empty() {
            tokio::select! {
                () = engine.ready.notified() => {}
                () = engine.stopping.cancelled() => {}
                () = sleep_until(wake_at.unwrap_or_else(Instant::now)), if wake_at.is_some() => {}
            }
            continue;
        }
        let results = {
            let _busy = pulse.busy();
            engine.subscriber.start(&deliveries).await
        };
        let error = begun(engine, &tickets, results);
        engine.work.notify_one();
        engine.done.notify_one();
        match error {
            None => outage.over(),
            Some(error) => {
                let wait = outage.failed(error)?;
                tokio::select! {
                    () = sleep(wait) => {}
                    () = engine.stopping.cancelled() => {}
                }
            }
        }
    }
    // A drain may wait for starts that were under way.
    engine.done.notify_one();
    Ok(())
}

/// Takes what may start now, and says when to look again; what must not start any more is ended
/// on the way.
fn pick(
    engine: &Engine,
    tickets: &mut Vec<Ticket>,
    deliveries: &mut Vec<Arc<Delivery>>,
) -> Option<Instant> {
    let mut hand = engine.hand();
    let wake_at = hand.lanes.wake(Instant::now());
    let window = engine.start_window();
    let quota = window.saturating_sub(hand.runnable.len() + hand.running);
    while tickets.len() < quota && !engine.stopping.is_cancelled() {
        let Some(ticket) = hand.lanes.take() else {
            break;
        };
        let Some(held) = hand.lanes.get(ticket) else {
            continue;
        };
        match (&held.event, held.attempts) {
            (Err(why), _) => {
                let why = why.clone();
                failure::bury(engine, &mut hand, ticket, Class::Undecodable, &why);
            }
            // Only a consumer that died leaves an event with all its attempts used up.
            (Ok(_), attempts) if attempts >= engine.settings.retry.max_attempts => {
                let why = format!("{attempts} handlers were started on it and none finished");
                failure::give_up(engine, &mut hand, ticket, Class::Attempts, &why);
            }
            (Ok(_), _) => {
                deliveries.push(held.delivery.clone());
                tickets.push(ticket);
            }
        }
    }
    hand.starting += tickets.len();
    wake_at
}

/// Hands what has started to the workers; returns why some could not.
fn begun(
    engine: &Engine,
    tickets: &[Ticket],
    results: Vec<Result<u32, TransportError>>,
) -> Option<TransportError> {
    let mut hand = engine.hand();
    hand.starting -= tickets.len();
    let (mut again, mut error) = (Vec::new(), None);
    for (ticket, result) in tickets.iter().zip(results) {
        match result {
            Ok(attempt) => begin(engine, &mut hand, *ticket, attempt),
            Err(e) if e.kind() == ErrorKind::Stale => failure::lost(engine, &mut hand, *ticket),
            Err(e) => {
                again.push(*ticket);
                error = Some(e);
            }
        }
    }
    // From the last, so that what is put back comes out in its old order.
    for ticket in again.into_iter().rev() {
        hand.lanes.put_back(ticket);
    }
    error
}

fn begin(engine: &Engine, hand: &mut Hand, ticket: Ticket, attempt: u32) {
    let Some(held) = hand.lanes.get_mut(ticket) else {
        return;
    };
    if held.lost {
        failure::lost(engine, hand, ticket);
        return;
    }
    held.attempts = attempt;
    hand.runnable.push_back(ticket);
}
