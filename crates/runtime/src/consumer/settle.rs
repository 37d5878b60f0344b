//! Tells the log how deliveries ended, a batch at a time.

use jiff::Timestamp;
use tidings_telemetry::Pulse;
use tidings_transport::{Error as TransportError, ErrorKind, Follower, Outcome, Settlement};
use tokio::time::{Instant, sleep};

use super::ConsumeError;
use super::failure;
use super::follow::follow;
use super::hand::{Engine, Hand};
use super::outage::Outage;
use super::parked;
use super::start::begun;
use crate::Counters;
use crate::lanes::Ticket;

/// Settles until the consumer stops and nothing is left to settle.
///
/// The handler of the next of a lane runs only after the settlement of the one before is confirmed: after
/// a crash, then, no older event of a key is repeated that a newer one has already followed. Where the log
/// does both in one step, that next one is started together with the settlement.
pub(super) async fn settle(engine: &Engine, pulse: &Pulse) -> Result<(), ConsumeError> {
    let mut outage = Outage::new(engine.group.clone(), "settle", &engine.settings.patience);
    let mut tickets: Vec<Ticket> = Vec::new();
    let mut settlements: Vec<Settlement> = Vec::new();
    let mut following: Vec<Ticket> = Vec::new();
    let mut followers: Vec<Follower> = Vec::new();
    loop {
        {
            let mut hand = engine.hand();
            if hand.settlements.is_empty() {
                if engine.stopping.is_cancelled() && hand.unfinished() == 0 {
                    return Ok(());
                }
            } else {
                std::mem::swap(&mut hand.ended, &mut tickets);
                std::mem::swap(&mut hand.settlements, &mut settlements);
                hand.settling = tickets.len();
                follow(
                    engine,
                    &mut hand,
                    &tickets,
                    &settlements,
                    |ticket, follower| {
                        following.push(ticket);
                        followers.push(follower);
                    },
                );
            }
        }
        if settlements.is_empty() {
            tokio::select! {
                () = engine.done.notified() => {}
                () = engine.stopping.cancelled(), if !engine.stopping.is_cancelled() => {}
            }
            continue;
        }
        let (results, started) = {
            let _busy = pulse.busy();
            let subscriber = &engine.subscriber;
            match followers.is_empty() {
                true => (subscriber.settle(&settlements).await, Vec::new()),
                false => subscriber.settle_and_start(&settlements, &followers).await,
            }
        };
        let mut error = None;
        {
            let mut hand = engine.hand();
            hand.settling = 0;
            let now = Timestamp::now();
            let table = tickets.drain(..).zip(settlements.drain(..));
            for ((ticket, settlement), result) in table.zip(results) {
                if let Err(e) = conclude(engine, &mut hand, ticket, settlement, result, now) {
                    error = Some(e);
                }
            }
            if !following.is_empty() {
                let failed = begun(engine, &mut hand, &following, started);
                error = error.or(failed);
                engine.work.notify_one();
                following.clear();
                followers.clear();
            }
            hand.last_activity = Instant::now();
            engine.observation.in_hand(hand.lanes.len());
        }
        engine.ready.notify_one();
        engine.room.notify_one();
        match error {
            None => outage.over(),
            // A drain has its deadline: the wait needs no other end.
            Some(error) => sleep(outage.failed(error)?).await,
        }
    }
}

/// Closes the books on a delivery, or keeps its settlement for another try.
fn conclude(
    engine: &Engine,
    hand: &mut Hand,
    ticket: Ticket,
    settlement: Settlement,
    result: Result<(), TransportError>,
    now: Timestamp,
) -> Result<(), TransportError> {
    match result {
        Ok(()) => {
            let counter = match &settlement.outcome {
                Outcome::Ack => &engine.counters.delivered,
                Outcome::Park { key, reason } => {
                    let key = key.as_ref().or(settlement.delivery.key.as_ref());
                    if let Some(key) = key.filter(|_| reason.is_some())
                        && let Some(count) = hand.parked.add(&settlement.delivery.topic, key)
                    {
                        parked::warn_of(engine, count);
                    }
                    match reason {
                        Some(_) => &engine.counters.parked,
                        None => &engine.counters.followed,
                    }
                }
                _ => &engine.counters.dead,
            };
            Counters::add(counter, 1);
            if let Some(held) = hand.finish(ticket) {
                let (event, outcome) = (held.event(), &settlement.outcome);
                let (delivery, observed) = (&settlement.delivery, &held.observed);
                engine
                    .observation
                    .settled(delivery, observed, event, outcome, now);
            }
            Ok(())
        }
        // It was to wait behind a key that is clear by now: it is the next to be handled.
        Err(error) if error.kind() == ErrorKind::NotParked => {
            if let Some(held) = hand.lanes.get(ticket)
                && let Some(key) = held.key.clone()
            {
                let topic = held.delivery.topic.clone();
                hand.parked.remove(&topic, &key);
            }
            hand.lanes.put_back(ticket);
            Ok(())
        }
        // Also the answer to a repeated settlement whose first answer was lost.
        Err(error) if error.kind() == ErrorKind::Stale => {
            failure::lost(engine, hand, ticket);
            Ok(())
        }
        Err(error) => {
            hand.ended.push(ticket);
            hand.settlements.push(settlement);
            Err(error)
        }
    }
}
