//! Handing out what came back, and what is released.

use rusqlite::params;
use rusqlite::types::ValueRef;
use tidings_transport::{Body, Delivery, Key};

use crate::claim::{MAX_BYTES, MAX_PASSED};
use crate::error::Fault;
use crate::gap;
use crate::job::Work;
use crate::member::{Member, Place};
use crate::parking::{self, Letter};
use crate::redelivery::REDELIVERABLE;
use crate::wire;

/// Hands out of one group.
pub(crate) struct Hand<'a> {
    pub member: &'a Member,
    pub index: usize,
    pub place: Place,
    pub epoch: i64,
    pub until: i64,
    pub max: usize,
    pub any_parked: bool,
    pub out: &'a mut Vec<Delivery>,
    pub bytes: &'a mut usize,
    pub passed: &'a mut usize,
}

/// A row of `deliveries` whose time has come.
struct Ready {
    key: Option<Key>,
    seq: i64,
    attempts: i64,
    letter: Option<i64>,
}

impl Hand<'_> {
    pub(crate) fn full(&self) -> bool {
        self.out.len() >= self.max || *self.bytes >= MAX_BYTES || *self.passed >= MAX_PASSED
    }

    pub(crate) fn push(
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
    pub(crate) fn released(&mut self, work: &mut Work<'_>) -> Result<(), Fault> {
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
            self.release_one(work, Some(&key), letter)?;
        }
        Ok(())
    }

    /// Hands out letters once more, one of each key at a time.
    pub(crate) fn redelivered(&mut self, work: &Work<'_>) -> Result<(), Fault> {
        if self.full() {
            return Ok(());
        }
        let mut find = work
            .db
            .prepare_cached(&format!("{REDELIVERABLE} LIMIT ?3"))?;
        let room = wire::integer(self.max - self.out.len());
        let found = find
            .query_map([self.place.group, work.now, room], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<Result<Vec<(i64, Option<String>)>, _>>()?;
        for (letter, key) in found {
            if self.full() {
                break;
            }
            if let Some(key) = &key {
                // What was free of this key waits until this one is settled.
                let mut wait = work.db.prepare_cached(
                    "UPDATE deliveries SET due = NULL
                      WHERE group_id = ?1 AND lane = ?2 AND due IS NOT NULL",
                )?;
                wait.execute(params![self.place.group, key])?;
            }
            self.release_one(work, key.as_deref(), letter)?;
        }
        Ok(())
    }

    fn release_one(
        &mut self,
        work: &Work<'_>,
        key: Option<&str>,
        letter: i64,
    ) -> Result<(), Fault> {
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
            "INSERT OR REPLACE INTO deliveries (delivery, group_id, seq, lane, due, epoch,
                 consumer_id, attempts, dead_letter)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        hold.execute(params![
            wire::delivery(self.place.group, seq),
            self.place.group,
            seq,
            key,
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
            key.map(Key::new),
            document,
            attempts,
            true,
        );
        Ok(())
    }

    /// Hands out what is due until there are `limit` in all: given back, retried, left by a dead
    /// consumer, or free because the former of its key is settled.
    pub(crate) fn ready(&mut self, work: &mut Work<'_>, limit: usize) -> Result<(), Fault> {
        while self.out.len() < limit.min(self.max) && !self.full() {
            let room = wire::integer(limit.min(self.max) - self.out.len());
            let mut find = work.db.prepare_cached(
                "SELECT lane, seq, attempts, dead_letter FROM deliveries
                  WHERE group_id = ?1 AND due <= ?2 ORDER BY due, delivery LIMIT ?3",
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
            if parked == Some(true) || parking::is_redelivering(work.db, letter)? {
                self.release_one(work, key.map(Key::as_str), letter)?;
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
                "removed by another program, or taken by the hard cap of retention, while it was in hand",
            )?;
            return parking::promote(work, group, key);
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
            return parking::promote(work, group, key);
        }
        let mut hold = work.db.prepare_cached(
            "UPDATE deliveries SET due = ?2, epoch = ?3, consumer_id = ?4 WHERE delivery = ?1",
        )?;
        let row = wire::delivery(group, ready.seq);
        hold.execute([row, self.until, self.epoch, self.member.id])?;
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
    pub(crate) fn follower<'b>(
        &'b self,
        seq: i64,
        key: Option<&'b Key>,
        attempts: i64,
        received: i64,
        body: &'b Body,
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
        let mut drop = work
            .db
            .prepare_cached("DELETE FROM deliveries WHERE delivery = ?1")?;
        drop.execute([wire::delivery(self.place.group, ready.seq)])?;
        Ok(())
    }
}
