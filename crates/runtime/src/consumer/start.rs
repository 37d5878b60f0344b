//! Records starts, a batch at a time, before handlers run.

use std::sync::Arc;

use tidings_telemetry::Pulse;
use tidings_transport::{Delivery, Error as TransportError, ErrorKind, Outcome};
use tokio::time::{Instant, sleep, sleep_until};

use super::ConsumeError;
use super::circuit::Gate;
use super::failure::{self, Class};
use super::hand::{Engine, Hand};
use super::outage::Outage;
use super::parked;
use crate::Counters;
use crate::lanes::Ticket;

/// Starts what is ready until the consumer stops.
pub(super) async fn start(engine: &Engine, pulse: &Pulse) -> Result<(), ConsumeError> {
    let mut outage = Outage::new(engine.group.clone(), "start", &engine.settings.patience);
    let mut tickets = Vec::new();
    let mut deliveries = Vec::new();
    while !engine.stopping.is_cancelled() {
        tickets.clear();
        deliveries.clear();
        let (gate, wake_at) = pick(engine, &mut tickets, &mut deliveries);
        if tickets.is_empty() {
            if engine.hand().parked.is_full() {
                parked::make_room(engine).await?;
                continue;
            }
            tokio::select! {
                () = engine.ready.notified() => {}
                () = engine.stopping.cancelled() => {}
                () = sleep_until(wake_at.unwrap_or_else(Instant::now)), if wake_at.is_some() => {}
            }
            continue;
        }
        let results = {
            let _busy = pulse.busy();
            match gate {
                Gate::Probe => probe(engine, &deliveries).await,
                _ => engine.subscriber.start(&deliveries).await,
            }
        };
        let error = begun(engine, &mut engine.hand(), &tickets, results);
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

/// Makes sure that a probe is still in hand. It is no start that counts: an outage must not use up
/// the attempts of a message, not even across restarts. A message that ends the process is counted
/// all the same, when the next consumer starts it.
async fn probe(engine: &Engine, deliveries: &[Arc<Delivery>]) -> Vec<Result<u32, TransportError>> {
    Counters::add(&engine.counters.probes, 1);
    let held = engine.subscriber.heartbeat(deliveries).await;
    let attempts = held.into_iter().map(|held| held.map(|()| 0));
    attempts.collect()
}

/// Takes what may start now, and says when to look again; what must not start any more is ended
/// on the way.
fn pick(
    engine: &Engine,
    tickets: &mut Vec<Ticket>,
    deliveries: &mut Vec<Arc<Delivery>>,
) -> (Gate, Option<Instant>) {
    let mut hand = engine.hand();
    let now = Instant::now();
    let mut wake_at = hand.lanes.wake(now);
    let gate = hand.circuit.gate(now);
    hand.alone &= hand.at_work() > 0;
    let quota = match gate {
        _ if hand.parked.is_full() || hand.alone => 0,
        Gate::All => {
            let window = engine.start_window(&hand);
            window.saturating_sub(hand.at_work())
        }
        Gate::Probe => 1,
        Gate::NotBefore(at) => {
            wake_at = Some(at);
            0
        }
        Gate::Nothing => {
            wake_at = None;
            0
        }
    };
    while tickets.len() < quota && !engine.stopping.is_cancelled() {
        let Some(ticket) = hand.lanes.take() else {
            break;
        };
        let Some(held) = hand.lanes.get(ticket) else {
            continue;
        };
        let delivery = &held.delivery;
        if let Err(why) = &held.event {
            let why = why.clone();
            failure::bury(engine, &mut hand, ticket, Class::Undecodable, &why);
        } else if let Some(key) = &held.key
            && engine.follows
            && !delivery.released
            && hand.parked.holds(&delivery.topic, key)
        {
            let (key, reason) = (held.key.clone(), None);
            hand.end(ticket, Outcome::Park { key, reason });
            engine.done.notify_one();
        } else if let Some((class, why)) = held.verdict.clone() {
            failure::give_up(engine, &mut hand, ticket, class, &why);
            if hand.parked.is_full() {
                break;
            }
        } else if failure::is_spent(engine, held) {
            // Only a consumer that died leaves an event with all its attempts used up.
            let attempts = held.attempts;
            let why = format!("{attempts} handlers were started on it and none finished");
            failure::give_up(engine, &mut hand, ticket, Class::Attempts, &why);
        } else if failure::may_end_the_process(engine, held) {
            if hand.at_work() > 0 || !tickets.is_empty() {
                hand.lanes.put_back(ticket);
            } else {
                deliveries.push(delivery.clone());
                tickets.push(ticket);
                hand.alone = true;
            }
            break;
        } else {
            deliveries.push(delivery.clone());
            tickets.push(ticket);
        }
    }
    if let (Gate::Probe, [ticket]) = (gate, tickets.as_slice()) {
        hand.circuit.probe(*ticket);
        if let Some(held) = hand.lanes.get_mut(*ticket) {
            held.probe = true;
        }
    }
    hand.starting += tickets.len();
    (gate, wake_at)
}

/// Hands what has started to the workers; returns why some could not.
pub(super) fn begun(
    engine: &Engine,
    hand: &mut Hand,
    tickets: &[Ticket],
    results: Vec<Result<u32, TransportError>>,
) -> Option<TransportError> {
    hand.starting -= tickets.len();
    let (mut again, mut error) = (Vec::new(), None);
    for (ticket, result) in tickets.iter().zip(results) {
        match result {
            Ok(attempt) => begin(engine, hand, *ticket, attempt),
            Err(e) if e.kind() == ErrorKind::Stale => failure::lost(engine, hand, *ticket),
            Err(e) => {
                if let Some(held) = hand.lanes.get_mut(*ticket) {
                    held.probe = false;
                }
                hand.circuit.probe_ended(*ticket);
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
    // A probe is no attempt.
    held.attempts = held.attempts.max(attempt);
    hand.runnable.push_back(ticket);
}
