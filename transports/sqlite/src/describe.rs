//! What stands in the file. Looking changes nothing.

use std::time::Duration;

use rusqlite::{Connection, Row, params};
use tidings_transport::{
    Count, DeadLetter, ErrorKind, Group, GroupInfo, Key, Lag, ParkedKey, ParkedState, Position,
    Start, Stored, Topic, TopicInfo,
};

use crate::error::Fault;
use crate::gap;
use crate::group;
use crate::member::Place;
use crate::redelivery::REDELIVERABLE;
use crate::wire::{self, count, position, timestamp};

pub(crate) fn read(
    db: &Connection,
    topic: &Topic,
    from: &Start,
    end: Option<Position>,
    limit: usize,
) -> Result<Vec<Stored>, Fault> {
    let id = group::need_topic(db, topic)?;
    let after = group::resolve(db, Some(id), from)?;
    let end = end.map(|end| group::resolve(db, Some(id), &Start::After(end)));
    let end = end.unwrap_or(Ok(i64::MAX))?;
    let mut read = db.prepare_cached(
        "SELECT seq, received, key, document FROM events
          WHERE topic_id = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq LIMIT ?4",
    )?;
    let rows = read.query_map(params![id, after, end, wire::integer(limit)], stored)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn read_back(
    db: &Connection,
    topic: &Topic,
    before: Option<&Position>,
    limit: usize,
) -> Result<Vec<Stored>, Fault> {
    let id = group::need_topic(db, topic)?;
    let before = before.map_or(Ok(i64::MAX), wire::parse)?;
    let mut read = db.prepare_cached(
        "SELECT seq, received, key, document FROM events
          WHERE topic_id = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
    )?;
    let rows = read.query_map(params![id, before, wire::integer(limit)], stored)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        position: position(row.get(0)?),
        received: Some(timestamp(row.get(1)?)),
        key: wire::key(row.get_ref(2)?),
        body: wire::body(row.get_ref(3)?),
    })
}

pub(crate) fn topics(db: &Connection) -> Result<Vec<TopicInfo>, Fault> {
    let mut ask = db.prepare_cached(
        "SELECT t.name, t.length, t.bytes, t.last_received,
                (SELECT min(seq) FROM events e WHERE e.topic_id = t.topic_id),
                (SELECT max(seq) FROM events e WHERE e.topic_id = t.topic_id)
           FROM topics t ORDER BY t.name",
    )?;
    let mut rows = ask.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let last = row.get::<_, Option<i64>>(5)?;
        found.push(TopicInfo {
            topic: name(Topic::new(row.get::<_, String>(0)?))?,
            length: count(row.get(1)?),
            first: row.get::<_, Option<i64>>(4)?.map(position),
            last: last.map(position),
            last_received: match last {
                Some(_) => row.get::<_, Option<i64>>(3)?.map(timestamp),
                None => None,
            },
            bytes: Some(count(row.get(2)?)),
        });
    }
    Ok(found)
}

/// A name that another program wrote may break our rules; then the file is not what it should be.
pub(crate) fn name<T>(text: Result<T, tidings_transport::Error>) -> Result<T, Fault> {
    text.map_err(|e| Fault::refused(ErrorKind::Corrupt, format!("in the file: {e}")))
}

pub(crate) fn groups(db: &Connection, topic: &Topic) -> Result<Vec<GroupInfo>, Fault> {
    let id = group::need_topic(db, topic)?;
    let mut ask = db.prepare_cached(
        "SELECT group_id, name, claimed_to, lost, lost_more FROM groups
          WHERE topic_id = ?1 ORDER BY name",
    )?;
    let mut rows = ask.query([id])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let place = Place::new(id, row.get(0)?, row.get(2)?);
        let name = name(Group::new(row.get::<_, String>(1)?))?;
        let lost = row.get::<_, i64>(3)? + gap::unnoted(db, place.group)?;
        found.push(describe(db, place, name, gap::how_many(lost, row.get(4)?))?);
    }
    Ok(found)
}

fn describe(db: &Connection, place: Place, name: Group, lost: Count) -> Result<GroupInfo, Fault> {
    let now = wire::now();
    let mut names = db.prepare_cached(
        "SELECT c.name FROM members m JOIN consumers c USING (consumer_id)
          WHERE m.group_id = ?1 AND c.until >= ?2 ORDER BY c.name",
    )?;
    let names = names.query_map([place.group, now], |row| row.get(0))?;
    let consumers = names.collect::<Result<_, _>>()?;
    // Parked events are dead letters, also while they are released: they count as nothing else.
    let mut ask = db.prepare_cached(
        "WITH mine AS MATERIALIZED (SELECT seq, epoch FROM deliveries
           WHERE delivery >= ?1 << 40 AND delivery < (?1 + 1) << 40 AND dead_letter IS NULL)
         SELECT (SELECT count(*) FROM events WHERE topic_id = ?2 AND seq > ?3),
                (SELECT count(*) FROM mine),
                (SELECT count(*) FROM mine WHERE epoch > 0),
                (SELECT received FROM events WHERE topic_id = ?2 AND seq >= coalesce(
                   (SELECT min(seq) FROM mine),
                   ?3 + 1) ORDER BY seq LIMIT 1),
                (SELECT received FROM events WHERE topic_id = ?2 AND seq =
                   (SELECT min(seq) FROM mine WHERE epoch > 0)),
                (SELECT count(*) FROM dead_letters WHERE group_id = ?1),
                (SELECT count(*) FROM parked_keys WHERE group_id = ?1)",
    )?;
    let reached = position(group::handed_out(db, place.group)?);
    let found = ask.query_row([place.group, place.topic, place.settled], |row| {
        let number = |i| Ok::<_, rusqlite::Error>(count(row.get(i)?));
        let oldest: Option<i64> = row.get(3)?;
        Ok(GroupInfo {
            group: name.clone(),
            position: reached.clone(),
            lag: Lag {
                events: Count::Exactly(number(0)? + number(1)?),
                age: Duration::from_micros(oldest.map_or(0, |received| count(now - received))),
            },
            pending: number(2)?,
            oldest_pending: row.get::<_, Option<i64>>(4)?.map(timestamp),
            consumers,
            dead_letters: number(5)?,
            parked_keys: number(6)?,
            lost,
        })
    })?;
    Ok(found)
}

pub(crate) fn dead_letters(
    db: &Connection,
    topic: &Topic,
    group: &Group,
    after: Option<&Position>,
    limit: usize,
) -> Result<Vec<DeadLetter>, Fault> {
    let id = group::need_group(db, topic, group)?;
    let after = after.map_or(Ok(0), wire::parse)?;
    let mut ask = db.prepare_cached(
        "SELECT dead_letter, seq, key, attempts, consumer, parked, document,
                class, message, first_failure, last_failure, redeliver
           FROM dead_letters WHERE group_id = ?1 AND dead_letter > ?2
          ORDER BY dead_letter LIMIT ?3",
    )?;
    let rows = ask.query_map(params![id, after, wire::integer(limit)], |row| {
        Ok(DeadLetter {
            id: position(row.get(0)?),
            topic: topic.clone(),
            group: group.clone(),
            position: position(row.get(1)?),
            key: wire::key(row.get_ref(2)?),
            attempts: row.get(3)?,
            reason: wire::reason(row, 7)?,
            consumer: row.get(4)?,
            parked: row.get(5)?,
            redelivering: row.get(11)?,
            body: wire::body(row.get_ref(6)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn parked(
    db: &Connection,
    topic: &Topic,
    group: &Group,
) -> Result<Vec<ParkedKey>, Fault> {
    let id = group::need_group(db, topic, group)?;
    let mut ask = db.prepare_cached(
        "SELECT p.key, p.releasing, (SELECT count(*) FROM dead_letters l
             WHERE l.group_id = ?1 AND l.key = p.key AND l.parked = 1)
           FROM parked_keys p WHERE p.group_id = ?1 ORDER BY p.key",
    )?;
    let rows = ask.query_map([id], |row| {
        Ok(ParkedKey {
            key: Key::new(row.get::<_, String>(0)?),
            state: if row.get(1)? {
                ParkedState::Releasing
            } else {
                ParkedState::Parked
            },
            records: count(row.get(2)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether a consumer that waits should try to claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Look {
    Now,
    /// Not before this time.
    At(i64),
    Nothing,
}

/// Looks for something to hand out in any of these groups, without a turn to write.
pub(crate) fn look(db: &Connection, places: &[Place]) -> Result<Look, Fault> {
    let mut ask = db.prepare_cached(
        "SELECT t.last_seq > g.claimed_to
                OR EXISTS (SELECT 1 FROM gaps WHERE group_id = ?1)
                OR EXISTS (SELECT 1 FROM parked_keys p WHERE p.group_id = ?1 AND p.releasing = 1
                     AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.group_id = ?1
                                        AND d.lane = p.key AND d.dead_letter IS NOT NULL)),
                (SELECT min(due) FROM deliveries WHERE group_id = ?1 AND due IS NOT NULL),
                EXISTS (SELECT 1 FROM dead_letters WHERE group_id = ?1 AND redeliver = 1)
           FROM groups g JOIN topics t USING (topic_id)
          WHERE g.group_id = ?1 AND g.topic_id = ?2",
    )?;
    let now = wire::now();
    let mut best = Look::Nothing;
    for place in places {
        let mut rows = ask.query([place.group, place.topic])?;
        let Some(row) = rows.next()? else {
            // The group is gone: claiming makes it anew.
            return Ok(Look::Now);
        };
        let mut ready: bool = row.get(0)?;
        if !ready && row.get(2)? {
            let mut ask = db.prepare_cached(&format!("SELECT EXISTS ({REDELIVERABLE})"))?;
            ready = ask.query_row([place.group, now], |row| row.get(0))?;
        }
        let due = match (ready, row.get::<_, Option<i64>>(1)?) {
            (true, _) => return Ok(Look::Now),
            (false, Some(due)) if due <= now => return Ok(Look::Now),
            (false, Some(due)) => Look::At(due),
            (false, None) => Look::Nothing,
        };
        best = best.min(due);
    }
    Ok(best)
}
