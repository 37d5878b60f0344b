//! Handing out: what came back, what is released, and what is new.
//!
//! `claimed_to` of a group runs along its topic. Every event that it passes becomes a row of
//! `deliveries` until it is settled: held, or waiting behind an earlier one of its key. Waiting
//! rows have no `due` and are in no index that handing out looks at, so a busy or stuck key costs
//! the others nothing, however many wait behind it. Their number is bounded by the topic itself.

use rusqlite::{OptionalExtension, params};
use tidings_transport::{Delivery, Gap};

use crate::error::Fault;
use crate::gap;
use crate::hand::Hand;
use crate::job::Work;
use crate::member::{Member, Place};
use crate::parking;
use crate::wire;

/// Most bytes of bodies handed out at once. One is handed out however long it is.
pub(crate) const MAX_BYTES: usize = 8 << 20;
/// How many rows that cannot be handed out may be passed in one transaction, so that writers in
/// other processes need not wait long.
pub(crate) const MAX_PASSED: usize = 2_000;

/// What one claim came to.
#[derive(Default)]
pub(crate) struct Claimed {
    pub deliveries: Vec<Delivery>,
    pub gaps: Vec<Gap>,
    /// The transaction ended before everything was looked at: claim again at once.
    pub more: bool,
}

/// Hands out up to `max` deliveries of all topics of a consumer. `turn` counts its claims.
pub(crate) fn claim(
    work: &mut Work<'_>,
    member: &Member,
    max: usize,
    turn: usize,
) -> Result<Claimed, Fault> {
    let mut out = Claimed::default();
    if member.has_left() {
        return Ok(out);
    }
    let mut seat = member.seat(work)?;
    let mut bytes = 0;
    let mut passed = 0;
    // Another topic is first each time, so that a busy one cannot starve the others.
    for i in 0..member.topics.len() {
        let index = (i + turn) % member.topics.len();
        let mut at = stand(work, member, seat.places[index])?;
        if at.is_none() {
            seat = member.take_again(work)?;
            at = stand(work, member, seat.places[index])?;
        }
        let Some(stand) = at else { continue };
        let place = seat.places[index];
        let begin = out.deliveries.len();
        let mut hand = Hand {
            member,
            index,
            place,
            epoch: stand.epoch + 1,
            until: work.now.saturating_add(member.lease),
            max,
            any_parked: parking::any(work.db, place.group)?,
            out: &mut out.deliveries,
            bytes: &mut bytes,
            passed: &mut passed,
        };
        if stand.idle {
            member.settled(index, stand.claimed_to);
        }
        // New ones and those that came back share the room: neither an endless stream nor an
        // endless retry keeps the other out.
        let room = max - begin;
        let share = if room == 1 { turn % 2 } else { room - room / 2 };
        hand.released(work)?;
        if stand.redelivering {
            hand.redelivered(work)?;
        }
        hand.ready(work, begin + share)?;
        let claimed_to = hand.fresh(work, &stand)?;
        hand.ready(work, max)?;
        out.more |= passed >= MAX_PASSED || bytes >= MAX_BYTES;
        if claimed_to != stand.claimed_to || out.deliveries.len() > begin {
            let mut moved = work.db.prepare_cached(
                "UPDATE groups SET claimed_to = ?2, epoch = ?3 WHERE group_id = ?1",
            )?;
            moved.execute([place.group, claimed_to, stand.epoch + 1])?;
            member.saw(index, stand.last, stand.epoch + 1);
        }
        // In the order of the topic, whatever way they came.
        out.deliveries[begin..].sort_by_cached_key(|d| wire::parse(&d.position).unwrap_or(0));
        out.gaps
            .extend(gap::take(work, member, index, place.group)?);
    }
    Ok(out)
}

/// Where a group stands.
pub(crate) struct Stand {
    pub claimed_to: i64,
    /// The newest event of the topic.
    pub last: i64,
    epoch: i64,
    /// Nothing is in flight.
    idle: bool,
    /// There are letters to be handed out once more.
    redelivering: bool,
}

/// `None` if the group is not there, or its row number is another group's.
fn stand(work: &Work<'_>, member: &Member, place: Place) -> Result<Option<Stand>, Fault> {
    let mut ask = work.db.prepare_cached(
        "SELECT g.claimed_to, t.last_seq, g.epoch,
                NOT EXISTS (SELECT 1 FROM deliveries
                             WHERE delivery >= ?1 << 40 AND delivery < (?1 + 1) << 40),
                EXISTS (SELECT 1 FROM dead_letters WHERE group_id = ?1 AND redeliver = 1)
           FROM groups g JOIN topics t USING (topic_id)
          WHERE g.group_id = ?1 AND g.topic_id = ?2 AND g.name = ?3",
    )?;
    let found = ask.query_row(
        params![place.group, place.topic, member.group.as_str()],
        |row| {
            Ok(Stand {
                claimed_to: row.get(0)?,
                last: row.get(1)?,
                epoch: row.get(2)?,
                idle: row.get(3)?,
                redelivering: row.get(4)?,
            })
        },
    );
    Ok(found.optional()?)
}
