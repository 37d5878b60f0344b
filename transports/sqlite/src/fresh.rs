//! Handing out what is new.

use std::collections::HashSet;

use rusqlite::params;
use tidings_transport::{Key, Ordering};

use crate::claim::Stand;
use crate::error::Fault;
use crate::gap;
use crate::hand::Hand;
use crate::job::Work;
use crate::parking;
use crate::wire;

/// Events in a row that are handed out, to be noted by one statement.
#[derive(Default)]
struct Run(Option<(i64, i64)>);

impl Run {
    fn add(&mut self, seq: i64) {
        self.0 = Some((self.0.map_or(seq, |(first, _)| first), seq));
    }

    fn take(&mut self) -> Option<(i64, i64)> {
        self.0.take()
    }
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

impl Hand<'_> {
    /// Goes on along the topic. Up to where.
    pub(crate) fn fresh(&mut self, work: &mut Work<'_>, stand: &Stand) -> Result<i64, Fault> {
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
        let mut run = Run::default();
        let mut rows = read.query([self.place.topic, claimed_to])?;
        while !self.full() {
            let Some(row) = rows.next()? else {
                let lost = stand.last - claimed_to;
                let cause = "removed by another program before the group came to them";
                gap::note(work, group, claimed_to, None, lost, cause)?;
                claimed_to = claimed_to.max(stand.last);
                break;
            };
            let (seq, received): (i64, i64) = (row.get(0)?, row.get(1)?);
            let (cause, lost) = (
                "removed before the group came to them",
                seq - claimed_to - 1,
            );
            gap::note(work, group, claimed_to, Some(seq), lost, cause)?;
            claimed_to = seq;
            let key = wire::key(row.get_ref(2)?);
            let occupied = match &key {
                Some(key) if self.member.ordering == Ordering::Key => {
                    lanes.occupy(work, group, key)?
                }
                _ => false,
            };
            let parked = match &key {
                Some(key) if self.any_parked => {
                    parking::state(work.db, group, key.as_str())?.is_some()
                }
                _ => false,
            };
            if !parked && !occupied {
                run.add(seq);
                self.push(seq, Some(received), key, row.get_ref(3)?, 0, false);
                continue;
            }
            *self.passed += 1;
            self.hold(work, run.take())?;
            match &key {
                // Events of the key that were not yet moved to the dead letters go first.
                Some(key) if parked && !self.lane_waits(work, key)? => {
                    let body = wire::body(row.get_ref(3)?);
                    let letter = self.follower(seq, Some(key), 0, received, &body);
                    letter.store(work.db)?;
                }
                _ => self.put_behind(work, seq, key.as_ref())?,
            }
        }
        self.hold(work, run.take())?;
        Ok(claimed_to)
    }

    /// Notes that these events are in the consumer's hands.
    fn hold(&self, work: &Work<'_>, run: Option<(i64, i64)>) -> Result<(), Fault> {
        let Some((first, last)) = run else {
            return Ok(());
        };
        let mut hold = work.db.prepare_cached(
            // One that is there already is being released, and stays what it is.
            "INSERT OR IGNORE INTO deliveries
                 (delivery, group_id, seq, lane, due, epoch, consumer_id)
             SELECT (?1 << 40) + seq, ?1, seq, key, ?2, ?3, ?4 FROM events
              WHERE topic_id = ?5 AND seq BETWEEN ?6 AND ?7 ORDER BY seq",
        )?;
        hold.execute([
            self.place.group,
            self.until,
            self.epoch,
            self.member.id,
            self.place.topic,
            first,
            last,
        ])?;
        Ok(())
    }

    /// Notes that this event waits for those of its key.
    fn put_behind(&self, work: &Work<'_>, seq: i64, key: Option<&Key>) -> Result<(), Fault> {
        let mut wait = work.db.prepare_cached(
            "INSERT OR IGNORE INTO deliveries (delivery, group_id, seq, lane, epoch)
             VALUES (?1, ?2, ?3, ?4, 0)",
        )?;
        let group = self.place.group;
        let lane = key.map(Key::as_str);
        wait.execute(params![wire::delivery(group, seq), group, seq, lane])?;
        Ok(())
    }

    /// The lanes that have something in them, if that is quicker to read than to ask for each.
    fn busy_lanes(&self, work: &Work<'_>) -> Result<Lanes, Fault> {
        let few = 2 * (self.max - self.out.len());
        let mut read = work.db.prepare_cached(
            "SELECT lane FROM deliveries WHERE group_id = ?1 AND lane IS NOT NULL LIMIT ?2",
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

    /// Whether events of a key wait that are not released ones.
    fn lane_waits(&self, work: &Work<'_>, key: &Key) -> Result<bool, Fault> {
        let mut ask = work.db.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM deliveries
                WHERE group_id = ?1 AND lane = ?2 AND dead_letter IS NULL)",
        )?;
        Ok(ask.query_row(params![self.place.group, key.as_str()], |row| row.get(0))?)
    }
}
