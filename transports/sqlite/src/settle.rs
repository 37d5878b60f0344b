//! What becomes of deliveries in hand: started, kept, settled, given back.

use rusqlite::{OptionalExtension, params};
use tidings_transport::{Delivery, ErrorKind, Key, Outcome, Reason, Settlement};

use crate::error::Fault;
use crate::job::Work;
use crate::member::{Member, Seat};
use crate::parking::{self, Letter};
use crate::wire::{self, Lane};

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

/// The group and the number of a delivery; `None` if it is of a topic that is not this consumer's.
fn locate(member: &Member, seat: &Seat, delivery: &Delivery) -> Option<(i64, i64)> {
    let index = member.topics.iter().position(|t| *t == delivery.topic)?;
    Some((
        seat.places[index].group,
        wire::parse(&delivery.position).ok()?,
    ))
}

fn epoch(delivery: &Delivery) -> i64 {
    delivery.epoch.cast_signed()
}

/// Counts a handler that starts on each. `None` where it has passed to somebody else.
pub(crate) fn start<'d>(
    work: &mut Work<'_>,
    member: &Member,
    deliveries: impl Iterator<Item = &'d Delivery>,
) -> Result<Vec<Option<u32>>, Fault> {
    let seat = member.seat(work)?;
    let mut start = work.db.prepare_cached(
        "UPDATE deliveries SET attempts = attempts + 1
          WHERE group_id = ?1 AND lane = ?2 AND seq = ?3 AND epoch = ?4 AND consumer_id = ?5",
    )?;
    // Cheaper than RETURNING, which makes a table for its one row.
    let mut counted = work.db.prepare_cached(
        "SELECT attempts, dead_letter FROM deliveries
          WHERE group_id = ?1 AND lane = ?2 AND seq = ?3",
    )?;
    let mut results = Vec::new();
    for delivery in deliveries {
        let Some((group, seq)) = locate(member, &seat, delivery) else {
            results.push(None);
            continue;
        };
        let lane = Lane::of(delivery.key.as_ref());
        if start.execute(params![group, lane, seq, epoch(delivery), member.id])? == 0 {
            results.push(None);
            continue;
        }
        let (attempts, letter): (i64, Option<i64>) = counted
            .query_row(params![group, lane, seq], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        if let Some(letter) = letter {
            work.db.execute(
                "UPDATE dead_letters SET attempts = ?2 WHERE dead_letter = ?1",
                [letter, attempts],
            )?;
        }
        results.push(Some(u32::try_from(attempts).unwrap_or(u32::MAX)));
    }
    Ok(results)
}

/// Renews leases, and the consumer's own. Whether each is still held.
pub(crate) fn heartbeat<'d>(
    work: &mut Work<'_>,
    member: &Member,
    deliveries: impl Iterator<Item = &'d Delivery>,
) -> Result<Vec<bool>, Fault> {
    let seat = member.seat(work)?;
    let until = work.now.saturating_add(member.lease);
    let mut renew = work.db.prepare_cached(
        "UPDATE deliveries SET due = ?6
          WHERE group_id = ?1 AND lane = ?2 AND seq = ?3 AND epoch = ?4 AND consumer_id = ?5",
    )?;
    let mut results = Vec::new();
    for delivery in deliveries {
        let held = match locate(member, &seat, delivery) {
            Some((group, seq)) => {
                let lane = Lane::of(delivery.key.as_ref());
                renew.execute(params![group, lane, seq, epoch(delivery), member.id, until])? > 0
            }
            None => false,
        };
        results.push(held);
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
    let mut waiting = Vec::with_capacity(seat.places.len());
    for place in &seat.places {
        waiting.push((place.group, parking::any_waiting(work.db, place.group)?));
    }
    let mut results = Vec::with_capacity(settlements.len());
    for Settlement { delivery, outcome } in settlements {
        let settled = match locate(member, &seat, delivery) {
            None => Err(stale(delivery)),
            // What nearly always happens, in as few steps as possible.
            Some((group, seq)) if matches!(outcome, Outcome::Ack) && !delivery.released => {
                let waiting = waiting.contains(&(group, true));
                ack(work, member, group, seq, delivery, waiting)
            }
            Some((group, seq)) => settle(work, member, group, seq, delivery, outcome),
        };
        results.push(match settled {
            Err(fault @ Fault::Refused { .. }) => Err(fault),
            other => Ok(other?),
        });
    }
    Ok(results)
}

fn ack(
    work: &mut Work<'_>,
    member: &Member,
    group: i64,
    seq: i64,
    delivery: &Delivery,
    waiting: bool,
) -> Result<(), Fault> {
    let lane = Lane::of(delivery.key.as_ref());
    let mut done = work.db.prepare_cached(
        "DELETE FROM deliveries WHERE group_id = ?1 AND lane = ?2 AND seq = ?3
            AND epoch = ?4 AND consumer_id = ?5 AND dead_letter IS NULL",
    )?;
    if done.execute(params![group, lane, seq, epoch(delivery), member.id])? == 0 {
        return Err(stale(delivery));
    }
    drop(done);
    if waiting {
        parking::promote(work, group, &lane)?;
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
    let lane = Lane::of(delivery.key.as_ref());
    let held = held(work, member, group, seq, delivery)?;
    match outcome {
        Outcome::Ack => {
            drop_row(work, &held, &lane)?;
            if let Some(letter) = held.letter {
                parking::remove(work.db, letter)?;
            }
            pass(work, &held, &lane)
        }
        Outcome::Retry { at } => {
            let due = at.map_or(work.now, |at| at.as_microsecond());
            give_back(work, &held, &lane, due)
        }
        Outcome::DeadLetter { reason } => bury(work, member, &held, delivery, reason),
        Outcome::Park { key, reason } => {
            let key = key.as_ref().or(delivery.key.as_ref());
            match (held.letter, key, reason) {
                (Some(letter), _, Some(reason)) => {
                    let name = lane.0.unwrap_or_default();
                    drop_row(work, &held, &lane)?;
                    parking::fail_again(work.db, letter, reason, &member.name, true)?;
                    parking::park(work.db, group, name)
                }
                (Some(_), _, None) => give_back(work, &held, &lane, work.now),
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
          WHERE group_id = ?1 AND lane = ?2 AND seq = ?3 AND epoch = ?4 AND consumer_id = ?5",
    )?;
    let lane = Lane::of(delivery.key.as_ref());
    let found = ask.query_row(
        params![group, lane, seq, epoch(delivery), member.id],
        |row| {
            Ok(Held {
                group,
                seq,
                attempts: row.get(0)?,
                letter: row.get(1)?,
            })
        },
    );
    found.optional()?.ok_or_else(|| stale(delivery))
}

fn drop_row(work: &Work<'_>, held: &Held, lane: &Lane<'_>) -> Result<(), Fault> {
    let mut drop = work
        .db
        .prepare_cached("DELETE FROM deliveries WHERE group_id = ?1 AND lane = ?2 AND seq = ?3")?;
    drop.execute(params![held.group, lane, held.seq])?;
    Ok(())
}

/// Goes past one that is gone: the next of its lane may go, and a released key may be clear.
fn pass(work: &mut Work<'_>, held: &Held, lane: &Lane<'_>) -> Result<(), Fault> {
    if held.letter.is_some() {
        if let Some(key) = lane.0 {
            parking::clear_if_empty(work.db, held.group, key)?;
        }
        // The next parked one of this key, if not the next in the lane.
        work.wake = true;
    }
    parking::promote(work, held.group, lane)
}

fn give_back(work: &mut Work<'_>, held: &Held, lane: &Lane<'_>, due: i64) -> Result<(), Fault> {
    let mut back = work.db.prepare_cached(
        "UPDATE deliveries SET due = ?4, consumer_id = NULL
          WHERE group_id = ?1 AND lane = ?2 AND seq = ?3",
    )?;
    back.execute(params![held.group, lane, held.seq, due])?;
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
    let lane = Lane::of(delivery.key.as_ref());
    drop_row(work, held, &lane)?;
    pass(work, held, &lane)
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
    let lane = Lane::of(delivery.key.as_ref());
    drop_row(work, held, &lane)?;
    pass(work, held, &lane)
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
