//! Handing out: what came back, what is released, and what is new.
//!
//! `claimed_to` of a group runs along its topic. Every event that it passes becomes a row of
//! `deliveries` until it is settled: held, or waiting behind an earlier one of its key. Waiting
//! rows have no `due` and are in no index that handing out looks at, so a busy or stuck key costs
//! the others nothing, however many wait behind it. Their number is bounded by the topic itself.

use std::collections::HashSet;

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, params};
use tidings_transport::{Delivery, Gap, Key, Ordering};

use crate::error::Fault;
use crate::gap;
use crate::job::Work;
use crate::member::{Member, Place};
use crate::parking::{self, Letter};
use crate::wire::{self, Lane};

/// Most bytes of bodies handed out at once. One is handed out however long it is.
const MAX_BYTES: usize = 8 << 20;
/// How many rows that cannot be handed out may be passed in one transaction, so that writers in
/// other processes need not wait long.
const MAX_PASSED: usize = 2_000;

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
        hand.ready(work, begin + share)?;
        let claimed_to = hand.fresh(work, &stand)?;
        hand.ready(work, max)?;
        out.more |= passed >= MAX_PASSED || bytes >= MAX_BYTES;
        if claimed_to != stand.claimed_to || out.deliveries.len() > begin {
            let mut moved = work.db.prepare_cached(
                "UPDATE groups SET claimed_to = ?2, epoch = ?3 WHERE group_id = ?1",
            )?;
            moved.execute([place.group, claimed_to, stand.epoch + 1])?;
        }
        // In the order of the topic, whatever way they came.
        out.deliveries[begin..].sort_by_cached_key(|d| wire::parse(&d.position).unwrap_or(0));
        out.gaps
            .extend(gap::take(work, member, index, place.group)?);
    }
    Ok(out)
}

/// Where a group stands.
struct Stand {
    claimed_to: i64,
    last: i64,
    epoch: i64,
    /// Nothing is in flight.
    idle: bool,
}

/// `None` if the group is not there, or its row number is another group's.
fn stand(work: &Work<'_>, member: &Member, place: Place) -> Result<Option<Stand>, Fault> {
    let mut ask = work.db.prepare_cached(
        "SELECT g.claimed_to, t.last_seq, g.epoch,
                NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.group_id = ?1)
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
            })
        },
    );
    Ok(found.optional()?)
}

/// Hands out of one group.
struct Hand<'a> {
    member: &'a Member,
    index: usize,
    place: Place,
    epoch: i64,
    until: i64,
    max: usize,
    any_parked: bool,
    out: &'a mut Vec<Delivery>,
    bytes: &'a mut usize,
    passed: &'a mut usize,
}

/// Which lanes have something in them.
struct Lanes {
    known: HashSet<Key>,
    /// There are no others.
    complete: bool,
}

impl Lanes {
    /// Puts an event into a lane. Whether there was one in it.
    fn occupy(&mut self, work: &Work<'_>, group: i64, key: &Key) -> Result<bool, Fault> {
        if !self.known.insert(key.clone()) {
            return Ok(true);
        }
        if self.complete {
            return Ok(false);
        }
        let mut ask = work.db.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM deliveries WHERE group_id = ?1 AND lane = ?2)",
        )?;
        Ok(ask.query_row(params![group, key.as_str()], |row| row.get(0))?)
    }
}

/// A row of `deliveries` whose time has come.
struct Ready {
    key: Option<Key>,
    seq: i64,
    attempts: i64,
    letter: Option<i64>,
}

impl Hand<'_> {
    fn full(&self) -> bool {
        self.out.len() >= self.max || *self.bytes >= MAX_BYTES || *self.passed >= MAX_PASSED
    }

    fn push(
        &mut self,
        seq: i64,
        received: Option<i64>,
        key: Option<Key>,
        document: ValueRef<'_>,
        attempts: i64,
        released: bool,
    ) {
        let body = wire::body(document);
        *self.bytes += body.len();
        self.out.push(Delivery {
            topic: self.member.topics[self.index].clone(),
            position: wire::position(seq),
            received: received.map(wire::timestamp),
            key,
            body,
            attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
            released,
            epoch: self.epoch.cast_unsigned(),
        });
    }

    /// Hands out the first parked record of each key that is being released, if none of that key
    /// is in flight.
    fn released(&mut self, work: &mut Work<'_>) -> Result<(), Fault> {
        if !self.any_parked || self.full() {
            return Ok(());
        }
        let mut find = work.db.prepare_cached(
            "SELECT p.key,
                    (SELECT min(l.dead_letter) FROM dead_letters l
                      WHERE l.group_id = p.group_id AND l.key = p.key AND l.parked = 1)
               FROM parked_keys p
              WHERE p.group_id = ?1 AND p.releasing = 1 AND NOT EXISTS
                (SELECT 1 FROM deliveries d WHERE d.group_id = p.group_id AND d.lane = p.key
                    AND d.dead_letter IS NOT NULL)
              LIMIT ?2",
        )?;
        let room = wire::integer(self.max - self.out.len());
        let found = find
            .query_map([self.place.group, room], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<Result<Vec<(String, Option<i64>)>, _>>()?;
        for (key, letter) in found {
            let Some(letter) = letter else {
                parking::clear_if_empty(work.db, self.place.group, &key)?;
                continue;
            };
            if self.full() {
                break;
            }
            self.release_one(work, key, letter)?;
        }
        Ok(())
    }

    fn release_one(&mut self, work: &Work<'_>, key: String, letter: i64) -> Result<(), Fault> {
        let mut read = work.db.prepare_cached(
            "SELECT seq, attempts, received, document FROM dead_letters WHERE dead_letter = ?1",
        )?;
        let mut rows = read.query([letter])?;
        let Some(row) = rows.next()? else {
            return Ok(());
        };
        let (seq, attempts): (i64, i64) = (row.get(0)?, row.get(1)?);
        let mut hold = work.db.prepare_cached(
            // The event itself may wait in this lane, after the group was moved back.
            "INSERT OR REPLACE INTO deliveries
                 (group_id, lane, seq, due, epoch, consumer_id, attempts, dead_letter)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        hold.execute(params![
            self.place.group,
            key,
            seq,
            self.until,
            self.epoch,
            self.member.id,
            attempts,
            letter
        ])?;
        let document = row.get_ref(3)?;
        self.push(
            seq,
            row.get(2)?,
            Some(Key::new(&key)),
            document,
            attempts,
            true,
        );
        Ok(())
    }

    /// Hands out what is due until there are `limit` in all: given back, retried, left by a dead
    /// consumer, or free because the former of its key is settled.
    fn ready(&mut self, work: &mut Work<'_>, limit: usize) -> Result<(), Fault> {
        while self.out.len() < limit.min(self.max) && !self.full() {
            let room = wire::integer(limit.min(self.max) - self.out.len());
            let mut find = work.db.prepare_cached(
                "SELECT lane, seq, attempts, dead_letter FROM deliveries
                  WHERE group_id = ?1 AND due <= ?2 ORDER BY due, seq LIMIT ?3",
            )?;
            let found = find
                .query_map(params![self.place.group, work.now, room], |row| {
                    Ok(Ready {
                        key: wire::key(row.get_ref(0)?),
                        seq: row.get(1)?,
                        attempts: row.get(2)?,
                        letter: row.get(3)?,
                    })
                })?
                .collect::<Result<Vec<_>, _>>()?;
            drop(find);
            if found.is_empty() {
                break;
            }
            for row in found {
                if self.full() {
                    break;
                }
                self.ready_one(work, row)?;
            }
        }
        Ok(())
    }

    fn ready_one(&mut self, work: &mut Work<'_>, ready: Ready) -> Result<(), Fault> {
        let group = self.place.group;
        let key = ready.key.as_ref();
        let parked = match key {
            Some(key) if self.any_parked => parking::state(work.db, group, key.as_str())?,
            _ => None,
        };
        if let Some(letter) = ready.letter {
            self.drop_row(work, &ready)?;
            // Parked again meanwhile: it waits with the others.
            if parked == Some(true)
                && let Some(key) = key
            {
                self.release_one(work, key.as_str().to_owned(), letter)?;
            }
            return Ok(());
        }
        let mut read = work.db.prepare_cached(
            "SELECT received, document FROM events WHERE topic_id = ?1 AND seq = ?2",
        )?;
        let mut rows = read.query([self.place.topic, ready.seq])?;
        let Some(row) = rows.next()? else {
            drop(rows);
            drop(read);
            *self.passed += 1;
            self.drop_row(work, &ready)?;
            let (after, until) = (ready.seq - 1, Some(ready.seq + 1));
            gap::note(
                work,
                group,
                after,
                until,
                1,
                "removed before it was settled",
            )?;
            return parking::promote(work, group, &Lane::of(key));
        };
        let (received, document): (i64, _) = (row.get(0)?, row.get_ref(1)?);
        if parked.is_some() {
            let body = wire::body(document);
            let letter = self.follower(ready.seq, key, ready.attempts, received, &body);
            letter.store(work.db)?;
            drop(rows);
            drop(read);
            *self.passed += 1;
            self.drop_row(work, &ready)?;
            return parking::promote(work, group, &Lane::of(key));
        }
        let mut hold = work.db.prepare_cached(
            "UPDATE deliveries SET due = ?4, epoch = ?5, consumer_id = ?6
              WHERE group_id = ?1 AND lane = ?2 AND seq = ?3",
        )?;
        hold.execute(params![
            group,
            Lane::of(key),
            ready.seq,
            self.until,
            self.epoch,
            self.member.id
        ])?;
        let key = ready.key.clone();
        self.push(
            ready.seq,
            Some(received),
            key,
            document,
            ready.attempts,
            false,
        );
        Ok(())
    }

    /// A record that waits behind its parked key.
    fn follower<'b>(
        &'b self,
        seq: i64,
        key: Option<&'b Key>,
        attempts: i64,
        received: i64,
        body: &'b tidings_transport::Body,
    ) -> Letter<'b> {
        Letter {
            group: self.place.group,
            seq,
            key,
            attempts,
            reason: None,
            consumer: &self.member.name,
            parked: true,
            received: Some(received),
            body,
        }
    }

    fn drop_row(&self, work: &Work<'_>, ready: &Ready) -> Result<(), Fault> {
        let mut drop = work.db.prepare_cached(
            "DELETE FROM deliveries WHERE group_id = ?1 AND lane = ?2 AND seq = ?3",
        )?;
        let lane = Lane::of(ready.key.as_ref());
        drop.execute(params![self.place.group, lane, ready.seq])?;
        Ok(())
    }

    /// Goes on along the topic. Up to where.
    fn fresh(&mut self, work: &mut Work<'_>, stand: &Stand) -> Result<i64, Fault> {
        let mut claimed_to = stand.claimed_to;
        if claimed_to >= stand.last || self.full() {
            return Ok(claimed_to);
        }
        let group = self.place.group;
        let mut read = work.db.prepare_cached(
            "SELECT seq, received, key, document FROM events
              WHERE topic_id = ?1 AND seq > ?2 ORDER BY seq",
        )?;
        let mut lanes = self.busy_lanes(work)?;
        let mut take = work.db.prepare_cached(
            "INSERT INTO deliveries (group_id, lane, seq, due, epoch, consumer_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let mut rows = read.query([self.place.topic, claimed_to])?;
        while !self.full() {
            let Some(row) = rows.next()? else {
                let lost = stand.last - claimed_to;
                let cause = "removed by another program before the group came to them";
                gap::note(work, group, claimed_to, None, lost, cause)?;
                return Ok(stand.last.max(claimed_to));
            };
            let (seq, received): (i64, i64) = (row.get(0)?, row.get(1)?);
            let cause = "removed before the group came to them";
            gap::note(
                work,
                group,
                claimed_to,
                Some(seq),
                seq - claimed_to - 1,
                cause,
            )?;
            claimed_to = seq;
            let key = wire::key(row.get_ref(2)?);
            let lane = Lane::of(key.as_ref());
            let occupied = match &key {
                Some(key) if self.member.ordering == Ordering::Key => {
                    lanes.occupy(work, group, key)?
                }
                _ => false,
            };
            if self.any_parked
                && let Some(name) = key.as_ref()
                && parking::state(work.db, group, name.as_str())?.is_some()
            {
                *self.passed += 1;
                if self.behind_others(work, name)? {
                    take.execute(params![group, lane, seq, None::<i64>, 0, None::<i64>])?;
                } else {
                    let body = wire::body(row.get_ref(3)?);
                    self.follower(seq, Some(name), 0, received, &body)
                        .store(work.db)?;
                }
            } else if occupied {
                *self.passed += 1;
                take.execute(params![group, lane, seq, None::<i64>, 0, None::<i64>])?;
            } else {
                take.execute(params![
                    group,
                    lane,
                    seq,
                    self.until,
                    self.epoch,
                    self.member.id
                ])?;
                self.push(seq, Some(received), key, row.get_ref(3)?, 0, false);
            }
        }
        Ok(claimed_to)
    }

    /// The lanes that have something in them, if that is quicker to read than to ask for each.
    fn busy_lanes(&self, work: &Work<'_>) -> Result<Lanes, Fault> {
        let few = 2 * (self.max - self.out.len());
        let mut read = work.db.prepare_cached(
            // Lanes of keys: text is above all numbers.
            "SELECT lane FROM deliveries WHERE group_id = ?1 AND lane > 0 LIMIT ?2",
        )?;
        let mut rows = read.query([self.place.group, wire::integer(few + 1)])?;
        let mut lanes = Lanes {
            known: HashSet::with_capacity(few),
            complete: true,
        };
        let mut n = 0;
        while let Some(row) = rows.next()? {
            n += 1;
            lanes.known.extend(wire::key(row.get_ref(0)?));
        }
        lanes.complete = n <= few;
        Ok(lanes)
    }

    /// Whether events of a parked key wait that were not yet moved to the dead letters; they go
    /// first.
    fn behind_others(&self, work: &Work<'_>, key: &Key) -> Result<bool, Fault> {
        let mut ask = work.db.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM deliveries
                WHERE group_id = ?1 AND lane = ?2 AND dead_letter IS NULL)",
        )?;
        Ok(ask.query_row(params![self.place.group, key.as_str()], |row| row.get(0))?)
    }
}
