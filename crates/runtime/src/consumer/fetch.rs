//! Takes deliveries in hand, as many as there is room and appetite for.

use std::sync::Arc;
use std::time::Duration;

use tidings_transport::{Batch, Delivery, Position};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, warn};

use super::ConsumeError;
use super::failure;
use super::hand::{Engine, Hand, Held};
use super::message::Received;
use super::outage::Outage;
use super::parked;
use crate::Counters;
use crate::wire::{Decoder, Reading};

/// The shortest between two looks whether it has been idle for long enough.
const SHORTEST_LOOK: Duration = Duration::from_millis(10);

/// What the fetcher may do next.
enum Appetite {
    /// Fetch at most so many.
    For(usize),
    /// Wait for room.
    Full,
    /// What was asked for is done.
    Sated,
}

/// Fetches until the consumer stops, or has done what was asked for.
pub(super) async fn fetch(engine: &Engine, decoder: &Decoder) -> Result<(), ConsumeError> {
    let settings = &engine.settings;
    let mut outage = Outage::new(engine.group.clone(), "next", &settings.patience);
    loop {
        let (appetite, look_at) = {
            let hand = engine.hand();
            (appetite(engine, &hand), quiet_from(engine, &hand))
        };
        let batch = match appetite {
            Appetite::Sated => {
                engine.stopping.cancel();
                return Ok(());
            }
            Appetite::Full => {
                failure::give_up_full_lanes(engine);
                tokio::select! {
                    () = engine.room.notified() => continue,
                    () = engine.stopping.cancelled() => return Ok(()),
                }
            }
            Appetite::For(max) => {
                tokio::select! {
                    batch = engine.subscriber.next(max) => batch,
                    () = engine.stopping.cancelled() => return Ok(()),
                    // `next` is cancel safe: what it had fetched comes with the next call.
                    () = until(look_at) => continue,
                }
            }
        };
        match batch {
            Ok(batch) => {
                outage.over();
                report_gaps(engine, &batch);
                if engine.follows && !batch.became_active.is_empty() {
                    // Whoever was active before may have parked keys.
                    parked::ask(engine, &batch.became_active).await?;
                }
                if !batch.deliveries.is_empty() && !take_in(engine, decoder, batch).await? {
                    return Ok(());
                }
            }
            Err(error) => {
                let wait = outage.failed(error)?;
                tokio::select! {
                    () = sleep(wait) => {}
                    () = engine.stopping.cancelled() => return Ok(()),
                }
            }
        }
    }
}

fn appetite(engine: &Engine, hand: &Hand) -> Appetite {
    let settings = &engine.settings;
    let left = match settings.max_events {
        Some(max) if hand.admitted >= max && hand.lanes.len() == 0 => return Appetite::Sated,
        Some(max) => usize::try_from(max - hand.admitted.min(max)).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    if let Some(idle) = settings.until_idle
        && hand.lanes.len() == 0
        && hand.last_activity.elapsed() >= idle
    {
        return Appetite::Sated;
    }
    let window = engine.fetch_window();
    // Wait until half of the window is used up: few large fetches instead of many small ones.
    let wanted = match window.saturating_sub(hand.lanes.active()) {
        wanted if wanted * 2 < window => 0,
        wanted => wanted,
    };
    match wanted.min(hand.lanes.room()).min(left) {
        0 => Appetite::Full,
        max => Appetite::For(max),
    }
}

/// When it may have been idle for long enough, if that is to end it. What is in hand will be activity
/// when it ends, so then it is not before a whole idle time from now.
fn quiet_from(engine: &Engine, hand: &Hand) -> Option<Instant> {
    let idle = engine.settings.until_idle?;
    match hand.lanes.len() {
        0 => hand.last_activity.checked_add(idle),
        _ => Instant::now().checked_add(idle.max(SHORTEST_LOOK)),
    }
}

/// Sleeps until then; for ever without a time.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

fn report_gaps(engine: &Engine, batch: &Batch) {
    for gap in &batch.gaps {
        Counters::add(&engine.counters.gaps, 1);
        engine.observation.gap(gap);
        let place = |position: &Option<Position>| {
            position
                .as_ref()
                .map_or("unknown".to_owned(), Position::to_string)
        };
        let (after, until) = (place(&gap.after), place(&gap.until));
        let Some(on_gap) = &engine.settings.on_gap else {
            warn!(topic = %gap.topic, group = %gap.group, lost = %gap.lost, after, until,
                cause = %gap.cause, "events were lost to this group");
            continue;
        };
        // Whoever is told says it, once.
        debug!(topic = %gap.topic, group = %gap.group, lost = %gap.lost, after, until,
            cause = %gap.cause, "events were lost to this group");
        on_gap(gap);
    }
}

/// Decodes and admits a batch. False when the consumer stopped meanwhile.
async fn take_in(engine: &Engine, decoder: &Decoder, batch: Batch) -> Result<bool, ConsumeError> {
    Counters::add(&engine.counters.received, batch.deliveries.len());
    let mut held = Vec::with_capacity(batch.deliveries.len());
    for (i, delivery) in batch.deliveries.iter().enumerate() {
        let mut reading = decoder.read(&delivery.body);
        if let Reading::Unresolved(_) = reading {
            // Later records of the topic may have the same key, so they wait as well; leases
            // are renewed for all of them meanwhile. What came before need not.
            admit(engine, &mut held, &batch.deliveries[i..]);
            let resolved = resolve(engine, decoder, delivery).await;
            engine.hand().decoding.clear();
            reading = match resolved? {
                Some(reading) => reading,
                None => return Ok(false),
            };
        }
        held.push(hold(engine, decoder, delivery, reading));
    }
    admit(engine, &mut held, &[]);
    Ok(true)
}

/// Admits what is decoded; the rest of its batch is kept until it is.
fn admit(engine: &Engine, held: &mut Vec<Held>, rest: &[Arc<Delivery>]) {
    let mut hand = engine.hand();
    hand.last_activity = Instant::now();
    hand.decoding = rest.to_vec();
    for held in held.drain(..) {
        hand.admit(held, engine.settings.ordered);
    }
    engine.observation.in_hand(hand.lanes.len());
    drop(hand);
    engine.ready.notify_one();
}

fn hold(engine: &Engine, decoder: &Decoder, delivery: &Arc<Delivery>, reading: Reading) -> Held {
    let event = match reading {
        Reading::Event(event) => Ok(event),
        Reading::Undecodable(why) => {
            warn!(topic = %delivery.topic, group = %engine.group, position = %delivery.position,
                why, "an entry cannot be read");
            Err(why)
        }
        Reading::Unresolved(id) => Err(format!("its schema {id} is not known")),
    };
    let key = match (&delivery.key, &event) {
        (Some(key), _) => Some(key.clone()),
        (None, Ok(event)) => decoder.key_of(event),
        (None, Err(_)) => None,
    };
    let readable = event.as_ref().ok();
    let observed = engine.observation.taken(delivery, readable, key.as_ref());
    let received = |event| Received {
        event,
        delivery: delivery.clone(),
        group: engine.group.clone(),
        key: key.clone(),
    };
    Held {
        delivery: delivery.clone(),
        observed,
        event: event.map(|event| Arc::new(received(event))),
        key,
        attempts: delivery.attempts,
        excused: 0,
        probe: false,
        first_failure: None,
        verdict: None,
        lost: false,
        doubtful: !delivery
            .attempts
            .is_multiple_of(engine.settings.retry.max_attempts),
    }
}

/// Asks the schema store until it answers. `None` when the consumer stopped meanwhile.
async fn resolve(
    engine: &Engine,
    decoder: &Decoder,
    delivery: &Delivery,
) -> Result<Option<Reading>, ConsumeError> {
    let mut outage = Outage::new(
        engine.group.clone(),
        "get_schema",
        &engine.settings.patience,
    );
    loop {
        let wait = match decoder.resolve(&delivery.body).await {
            Ok(reading) => return Ok(Some(reading)),
            Err(error) => outage.failed(error)?,
        };
        debug!(topic = %delivery.topic, position = %delivery.position, "waits for its schema");
        tokio::select! {
            () = sleep(wait) => {}
            () = engine.stopping.cancelled() => return Ok(None),
        }
    }
}
