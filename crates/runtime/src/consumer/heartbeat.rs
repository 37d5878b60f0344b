//! Keeps the leases of everything in hand.

use std::sync::Arc;

use tidings_telemetry::Pulse;
use tidings_transport::{Delivery, ErrorKind};
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use super::failure;
use super::hand::Engine;
use crate::lanes::Ticket;

/// Renews leases every third of their length, for ever; `run` ends it. A task of its own, so
/// that nothing else can hold it up.
pub(super) async fn heartbeat(engine: Arc<Engine>, pulse: Pulse) {
    let mut tick = interval(engine.settings.lease / 3);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick.tick().await;
    loop {
        pulse.beat();
        tick.tick().await;
        let (tickets, deliveries) = in_hand(&engine);
        let results = engine.subscriber.heartbeat(&deliveries).await;
        let mut failure = None;
        for (i, result) in results.into_iter().enumerate() {
            match (result, tickets.get(i)) {
                (Ok(()), _) => {}
                (Err(error), Some(ticket)) if error.kind() == ErrorKind::Stale => {
                    stale(&engine, *ticket);
                }
                // Not admitted yet: its start will find out.
                (Err(error), None) if error.kind() == ErrorKind::Stale => {}
                (Err(error), _) => failure = Some(error),
            }
        }
        // Whether the log is away for too long is judged by those who need it to go on.
        if let Some(error) = failure {
            warn!(group = %engine.group, %error, "leases were not renewed");
        }
    }
}

/// Everything held, those without a ticket at the end.
fn in_hand(engine: &Engine) -> (Vec<Ticket>, Vec<Arc<Delivery>>) {
    let hand = engine.hand();
    let held = hand.lanes.iter().filter(|(_, held)| !held.lost);
    let (tickets, mut deliveries): (Vec<_>, Vec<_>) = held
        .map(|(ticket, held)| (ticket, held.delivery.clone()))
        .unzip();
    deliveries.extend(hand.decoding.iter().cloned());
    (tickets, deliveries)
}

fn stale(engine: &Engine, ticket: Ticket) {
    let mut hand = engine.hand();
    // Whoever works on it finds the mark when done; its lane must not go on before that.
    if hand.lanes.is_taken(ticket) {
        if let Some(held) = hand.lanes.get_mut(ticket) {
            held.lost = true;
        }
    } else {
        failure::lost(engine, &mut hand, ticket);
    }
}
