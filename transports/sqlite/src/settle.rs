//! What becomes of deliveries in hand: started, kept, settled, given back.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};
use tidings_transport::{Delivery, ErrorKind, Key, Outcome, Reason, Settlement};

use crate::bundle::{Bundle, bundles, epoch, locate};
use crate::error::Fault;
use crate::job::Work;
use crate::member::Member;
use crate::parking::{self, Letter};
use crate::wire;

/// The row of a delivery, if this consumer still holds it.
struct Held {
    group: i64,
    seq: i64,
    attempts: i64,
    letter: Option<i64>,
}

/// The refusal of what has passed to somebody else.
pub(crate) fn stale(delivery: &Delivery) -> Fault {
    Fault::refused(
        ErrorKind::Stale,
        format!(
            "the delivery of {} at {} has passed to somebody else or is settled",
            delivery.topic, delivery.position
        ),
    )
}

/// Counts a handler that starts on each. `None` where it has passed to somebody else.
pub(crate) fn start(
    work: &mut Work<'_>,
    member: &Member,
    deliveries: &[Arc<Delivery>],
) -> Result<Vec<Option<u32>>, Fault> {
    let seat = member.seat(work)?;
    let mut results = vec![None; deliveries.len()];
    let all = deliveries.iter().map(|d| &**d).enumerate();
    for bundle in bundles(member, &seat, all) {
        let mut start = work.db.prepare_cached(
            "UPDATE deliveries SET attempts = attempts + 1
              WHERE delivery IN rarray(?1) AND epoch = ?2 AND consumer_id = ?3",
        )?;
        start.execute(params![bundle.rows, bundle.epoch, member.id])?;
        let mut counted = work.db.prepare_cached(
            "SELECT delivery, attempts, dead_letter FROM deliveries
              WHERE delivery IN rarray(?1) AND epoch = ?2 AND consumer_id = ?3",
        )?;
        let mut rows = counted.query(params![bundle.rows, bundle.epoch, member.id])?;
        while let Some(row) = rows.next()? {
            let attempts: i64 = row.get(1)?;
            if let Some(letter) = row.get::<_, Option<i64>>(2)? {
                work.db.execute(
                    "UPDATE dead_letters SET attempts = ?2 WHERE dead_letter = ?1",
                    [letter, attempts],
                )?;
            }
            if let Some(index) = bundle.indices.get(&row.get(0)?) {
                results[*index] = Some(u32::try_from(attempts).unwrap_or(u32::MAX));
            }
        }
    }
    Ok(results)
}

/// Renews leases, and the consumer's own. Whether each is still held.
pub(crate) fn heartbeat(
    work: &mut Work<'_>,
    member: &Member,
    deliveries: &[Arc<Delivery>],
) -> Result<Vec<bool>, Fault> {
    let seat = member.seat(work)?;
    let until = work.now.saturating_add(member.lease);
    let mut results = vec![false; deliveries.len()];
    let all = deliveries.iter().map(|d| &**d).enumerate();
    for bundle in bundles(member, &seat, all) {
        let mut renew = work.db.prepare_cached(
            "UPDATE deliveries SET due = ?4
              WHERE delivery IN rarray(?1) AND epoch = ?2 AND consumer_id = ?3
            RETURNING delivery",
        )?;
        let mut rows = renew.query(params![bundle.rows, bundle.epoch, member.id, until])?;
        while let Some(row) = rows.next()? {
            if let Some(index) = bundle.indices.get(&row.get(0)?) {
                results[*index] = true;
            }
        }
    }
    Ok(results)
}

/// Settles deliveries. What is refused (`Stale`, `NotParked`) changes nothing.
pub(crate) fn settle_all(
    work: &mut Work<'_>,
    member: &Member,
    settlements: &[Settlement],
) -> Result<Vec<Result<(), Fault>>, Fault> {
    let seat = member.seat(work)?;
    let stale = settlements.iter().map(|s| Err(stale(&s.delivery)));
    let mut results: Vec<Result<(), Fault>> = stale.collect();
    // What nearly always happens, in as few steps as possible.
    let simple = |s: &Settlement| matches!(s.outcome, Outcome::Ack) && !s.delivery.released;
    let acks = settlements.iter().enumerate().filter(|(_, s)| simple(s));
    for bundle in bundles(member, &seat, acks.map(|(i, s)| (i, &*s.delivery))) {
        ack(work, member, &bundle, settlements, &mut results)?;
    }
    for (settlement, result) in std::iter::zip(settlements, &mut results) {
        let Settlement { delivery, outcome } = settlement;
        if simple(settlement) {
            continue;
        }
        if let Some((group, seq)) = locate(member, &seat, delivery) {
            *result = match settle(work, member, group, seq, delivery, outcome) {
                Err(fault @ Fault::Refused { .. }) => Err(fault),
                other => Ok(other?),
            };
        }
    }
    Ok(results)
}

fn ack(
    work: &mut Work<'_>,
    member: &Member,
    bundle: &Bundle,
    settlements: &[Settlement],
    results: &mut [Result<(), Fault>],
) -> Result<(), Fault> {
    let mut done = work.db.prepare_cached(
        "DELETE FROM deliveries
          WHERE delivery IN rarray(?1) AND epoch = ?2 AND consumer_id = ?3
            AND dead_letter IS NULL
        RETURNING delivery",
    )?;
    let done = done
        .query_map(params![bundle.rows, bundle.epoch, member.id], |row| {
            row.get(0)
        })?
        .collect::<Result<Vec<i64>, _>>()?;
    let waiting = parking::any_waiting(work.db, bundle.group)?;
    for row in done {
        let Some(&index) = bundle.indices.get(&row) else {
            continue;
        };
        results[index] = Ok(());
        if waiting {
            parking::promote(work, bundle.group, settlements[index].delivery.key.as_ref())?;
        }
    }
    Ok(())
}

fn settle(
    work: &mut Work<'_>,
    member: &Member,
    group: i64,
    seq: i64,
    delivery: &Delivery,
    outcome: &Outcome,
) -> Result<(), Fault> {
    let lane = delivery.key.as_ref();
    let held = held(work, member, group, seq, delivery)?;
    match outcome {
        Outcome::Ack => {
            drop_row(work, &held)?;
            if let Some(letter) = held.letter {
                parking::remove(work.db, letter)?;
            }
            pass(work, &held, lane)
        }
        Outcome::Retry { at } => {
            let due = at.map_or(work.now, |at| at.as_microsecond());
            give_back(work, &held, due)
        }
        Outcome::DeadLetter { reason } => bury(work, member, &held, delivery, reason),
        Outcome::Park { key, reason } => {
            let key = key.as_ref().or(delivery.key.as_ref());
            match (held.letter, key, reason) {
                // Its successors have passed: nothing waits behind it.
                (Some(letter), _, Some(reason)) if parking::is_redelivering(work.db, letter)? => {
                    bury(work, member, &held, delivery, reason)
                }
                (Some(letter), _, Some(reason)) => {
                    let name = lane.map_or("", Key::as_str);
                    drop_row(work, &held)?;
                    parking::fail_again(work.db, letter, reason, &member.name, true)?;
                    parking::park(work.db, group, name)
                }
                (Some(_), _, None) => give_back(work, &held, work.now),
                (None, None, Some(reason)) => bury(work, member, &held, delivery, reason),
                (None, Some(key), reason) => {
                    park(work, member, &held, delivery, key, reason.as_ref())
                }
                (None, None, None) => Err(not_parked(delivery)),
            }
        }
        _ => Err(Fault::refused(
            ErrorKind::Unsupported,
            "a SQLite file does not know this outcome",
        )),
    }
}

fn held(
    work: &Work<'_>,
    member: &Member,
    group: i64,
    seq: i64,
    delivery: &Delivery,
) -> Result<Held, Fault> {
    let mut ask = work.db.prepare_cached(
        "SELECT attempts, dead_letter FROM deliveries
          WHERE delivery = ?1 AND epoch = ?2 AND consumer_id = ?3",
    )?;
    let row = wire::delivery(group, seq);
    let found = ask.query_row([row, epoch(delivery), member.id], |row| {
        Ok(Held {
            group,
            seq,
            attempts: row.get(0)?,
            letter: row.get(1)?,
        })
    });
    found.optional()?.ok_or_else(|| stale(delivery))
}

fn drop_row(work: &Work<'_>, held: &Held) -> Result<(), Fault> {
    let mut drop = work
        .db
        .prepare_cached("DELETE FROM deliveries WHERE delivery = ?1")?;
    drop.execute([wire::delivery(held.group, held.seq)])?;
    Ok(())
}

/// Goes past one that is gone: the next of its lane may go, and a released key may be clear.
fn pass(work: &mut Work<'_>, held: &Held, lane: Option<&Key>) -> Result<(), Fault> {
    if held.letter.is_some() {
        if let Some(key) = lane {
            parking::clear_if_empty(work.db, held.group, key.as_str())?;
        }
        // The next parked one of this key, if not the next in the lane.
        work.wake = true;
    }
    parking::promote(work, held.group, lane)
}

fn give_back(work: &mut Work<'_>, held: &Held, due: i64) -> Result<(), Fault> {
    let mut back = work
        .db
        .prepare_cached("UPDATE deliveries SET due = ?2, consumer_id = NULL WHERE delivery = ?1")?;
    back.execute([wire::delivery(held.group, held.seq), due])?;
    work.wake = true;
    Ok(())
}

/// Stores a dead letter that nothing waits behind.
fn bury(
    work: &mut Work<'_>,
    member: &Member,
    held: &Held,
    delivery: &Delivery,
    reason: &Reason,
) -> Result<(), Fault> {
    match held.letter {
        Some(letter) => parking::fail_again(work.db, letter, reason, &member.name, false)?,
        None => letter(
            member,
            held,
            delivery,
            delivery.key.as_ref(),
            Some(reason),
            false,
        )
        .store(work.db)?,
    }
    let lane = delivery.key.as_ref();
    drop_row(work, held)?;
    pass(work, held, lane)
}

/// Stores a dead letter behind those of its key, which is parked from now on if there is a reason.
fn park(
    work: &mut Work<'_>,
    member: &Member,
    held: &Held,
    delivery: &Delivery,
    key: &Key,
    reason: Option<&Reason>,
) -> Result<(), Fault> {
    match reason {
        Some(_) => parking::park(work.db, held.group, key.as_str())?,
        None if parking::state(work.db, held.group, key.as_str())?.is_none() => {
            return Err(not_parked(delivery));
        }
        None => {}
    }
    letter(member, held, delivery, Some(key), reason, true).store(work.db)?;
    let lane = delivery.key.as_ref();
    drop_row(work, held)?;
    pass(work, held, lane)
}

fn letter<'a>(
    member: &'a Member,
    held: &Held,
    delivery: &'a Delivery,
    key: Option<&'a Key>,
    reason: Option<&'a Reason>,
    parked: bool,
) -> Letter<'a> {
    Letter {
        group: held.group,
        seq: held.seq,
        key,
        attempts: held.attempts,
        reason,
        consumer: &member.name,
        parked,
        received: delivery.received.map(|t| t.as_microsecond()),
        body: &delivery.body,
    }
}

fn not_parked(delivery: &Delivery) -> Fault {
    Fault::refused(
        ErrorKind::NotParked,
        format!(
            "the key of {} at {} is not parked; run the delivery",
            delivery.topic, delivery.position
        ),
    )
}

/// Gives back everything that a consumer holds, and forgets it.
pub(crate) fn leave(work: &mut Work<'_>, member: &Member) -> Result<(), Fault> {
    let seat = member.seat(work)?;
    member.leave();
    for place in &seat.places {
        work.db.execute(
            "UPDATE deliveries SET due = ?3, consumer_id = NULL
              WHERE group_id = ?1 AND consumer_id = ?2 AND due IS NOT NULL",
            [place.group, member.id, work.now],
        )?;
        work.db.execute(
            "DELETE FROM members WHERE group_id = ?1 AND consumer_id = ?2",
            [place.group, member.id],
        )?;
    }
    work.db
        .execute("DELETE FROM consumers WHERE consumer_id = ?1", [member.id])?;
    work.wake = true;
    Ok(())
}
